import { CodedError } from '@tulle/core';
import { stringify } from 'yaml';
import { imageReferences } from './images.ts';
import { type Kubectl, kubectlFor } from './kubectl.ts';
import type { Progress } from './progress.ts';
import type { ClusterPlan } from './settings.ts';
import type { RunningCluster } from './state.ts';
import { waitFor } from './wait.ts';

/** A pod of the check's workload. */
interface EchoPod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
}

const namespace = 'cluster-selfcheck';
const service = `echo.${namespace}.svc.cluster.local`;
const rolloutTimeoutS = 60;
const settleTimeoutMs = 20_000;

/** So many requests that a Service of two to nine pods reaches them all but once in a billion runs. */
const requestsPerPod = 40;

/**
 * Proves on a running cluster what a mesh stands on: pods run on every node and reach each other with their own
 * addresses, names resolve, a cluster address spreads over the nodes, `exec` and `logs` work.
 *
 * @throws CodedError `selfcheck` that says what is not so
 */
export async function selfCheck(
  plan: ClusterPlan,
  { control, state }: RunningCluster,
  progress: Progress,
): Promise<void> {
  const kubectl = kubectlFor(plan, control, state);
  try {
    await kubectl(['apply', '--filename', '-'], { input: workload() });
    const pods = await progress.step(
      `a pod on each of ${plan.nodes.length} nodes`,
      async () => await echoPods(plan, kubectl),
    );
    await progress.step('pods reach each other across nodes, with their own addresses', async () => {
      for (const from of pods) for (const to of pods) if (from !== to) await checkReach(kubectl, from, to);
    });
    await progress.step(
      'the name of a Service resolves on every node, and its address spreads over all nodes',
      async () => {
        // Each kube-proxy learns of the pods in its own time.
        const settled = { timeoutMs: settleTimeoutMs };
        for (const from of pods) {
          await waitFor(`${service} from ${from.node}`, async () => await checkService(kubectl, from, pods), settled);
        }
      },
    );
    await progress.step('an unknown name is refused at once', async () => {
      for (const from of pods) await checkUnknownName(kubectl, from);
    });
    await progress.step('logs of a pod are read', async () => {
      for (const pod of pods)
        must((await kubectl(['logs', `-n=${namespace}`, pod.name])) !== '', `${pod.name} has no log`);
    });
  } finally {
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--grace-period=0'], { timeoutMs: 60_000 });
  }
}

async function echoPods(plan: ClusterPlan, kubectl: Kubectl): Promise<EchoPod[]> {
  await kubectl(['rollout', 'status', 'daemonset/echo', `-n=${namespace}`, `--timeout=${rolloutTimeoutS}s`], {
    timeoutMs: (rolloutTimeoutS + 10) * 1000,
  });
  const columns = 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{"\\n"}{end}';
  const lines = (await kubectl(['get', 'pods', `-n=${namespace}`, `-o=${columns}`])).trim().split('\n');
  const pods = lines.map((line): EchoPod => {
    const [name = '', node = '', ip = ''] = line.split(' ');
    return { name, node, ip };
  });
  const nodes = new Set(pods.map(({ node }) => node));
  must(nodes.size === plan.nodes.length, `pods are on ${[...nodes].join(', ')} only`);
  return pods;
}

async function checkReach(kubectl: Kubectl, from: EchoPod, to: EchoPod): Promise<void> {
  const answer = await request(kubectl, from, `http://${to.ip}:8080`, 1);
  must(answer.includes(`Hostname=${to.name}`), `${from.node} asked ${to.node} by address; the answer:\n${answer}`);
  must(answer.includes(`IP=${from.ip}`), `${to.node} did not see the address ${from.ip} of the asking pod:\n${answer}`);
}

async function checkService(kubectl: Kubectl, from: EchoPod, pods: readonly EchoPod[]): Promise<true> {
  const answer = await request(kubectl, from, `http://${service}`, requestsPerPod * pods.length);
  const missed = pods.filter(({ name }) => !answer.includes(`Hostname=${name}`));
  must(missed.length === 0, `from ${from.node}, ${service} never reached ${missed.map(({ name }) => name).join(', ')}`);
  return true;
}

async function checkUnknownName(kubectl: Kubectl, from: EchoPod): Promise<void> {
  let said = '';
  try {
    said = await request(kubectl, from, 'http://absent.example', 1);
  } catch (error) {
    said = error instanceof Error ? error.message : String(error);
  }
  must(said.includes('no such host'), `${from.node} resolves absent.example, or waits for it:\n${said}`);
}

/** Each request makes a connection of its own, so that each is balanced on its own. */
async function request(kubectl: Kubectl, from: EchoPod, url: string, count: number): Promise<string> {
  const client = ['client', `--count=${count}`, '--new-connection-per-request', '--timeout=5s', url];
  return await kubectl(['exec', `-n=${namespace}`, from.name, '--', ...client], { timeoutMs: 60_000 });
}

function must(so: boolean, otherwise: string): void {
  if (!so) throw new CodedError('selfcheck', otherwise);
}

function workload(): string {
  const labels = { app: 'echo' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo', namespace },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'echo', namespace },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [
              {
                name: 'echo',
                image: imageReferences.echo,
                imagePullPolicy: 'Never',
                args: ['--port=8080'],
                readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
  ];
  return objects.map((each) => stringify(each)).join('---\n');
}
