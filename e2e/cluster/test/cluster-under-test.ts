import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kubectlFor, type Kubectl } from '../src/kubectl.ts';
import { findMachines, type Machine } from '../src/machine.ts';
import { run } from '../src/process.ts';
import { planCluster, type ClusterPlan, repository } from '../src/settings.ts';
import { runningCluster } from '../src/state.ts';

const timeoutMs = 20_000;

/** A running cluster as a proof uses it. */
export interface ClusterUnderTest {
  readonly plan: ClusterPlan;
  readonly kubectl: Kubectl;
  readonly control: Machine;
  readonly nodes: readonly Machine[];
}

/** The running cluster of this name. */
export async function clusterUnderTest(name: string): Promise<ClusterUnderTest> {
  const plan = planCluster(name, 2);
  const { state, control } = await runningCluster(plan);
  const nodes = findMachines(plan).filter((machine) => machine.name !== 'control');
  return { plan, control, kubectl: kubectlFor(plan, control, state), nodes };
}

/** Runs `tulle ARGS` against the cluster; gives what it printed on both streams. Throws as `run` does. */
export async function tulle(cluster: ClusterUnderTest, args: readonly string[], limitMs = 300_000): Promise<string> {
  const enter = ['nsenter', '--target', String(cluster.control.initPid), '--net', '--'];
  const { stdout, stderr } = await run([...enter, join(repository, 'tulle'), ...args], {
    timeoutMs: limitMs,
    environment: { KUBECONFIG: cluster.plan.kubeconfig, TULLE_KUBECONFIG: cluster.plan.kubeconfig },
  });
  return stderr + stdout;
}

/** The network namespaces of a node's pods, as paths of this host, with the address of each. */
export async function podNetworks(node: Machine): Promise<Map<string, string>> {
  const directory = join('/proc', String(node.initPid), 'root/run/netns');
  const found = new Map<string, string>();
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const { stdout } = await run(['nsenter', `--net=${path}`, 'ip', '-o', '-4', 'address', 'show', 'scope', 'global'], {
      timeoutMs,
    });
    const address = / inet ([\d.]+)\//.exec(stdout)?.[1];
    if (address !== undefined) found.set(address, path);
  }
  return found;
}

/** The path of the network namespace of the one pod that a label selects. */
export async function networkOfPod(cluster: ClusterUnderTest, namespace: string, selector: string): Promise<string> {
  const column = '-o=jsonpath={.items[0].status.podIP}';
  const address = await cluster.kubectl(['get', 'pods', `-n=${namespace}`, `-l=${selector}`, column]);
  for (const node of cluster.nodes) {
    const path = (await podNetworks(node)).get(address);
    if (path !== undefined) return path;
  }
  throw new Error(`no node has a network namespace with the address ${address} of the pod ${selector}`);
}

/** A program of ours in the network namespace of a pod: to the mesh it is the pod's own. */
export class PodProgram implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(network: string, program: string, args: readonly string[]) {
    const file = join(import.meta.dirname, 'programs', program);
    this.#child = spawn('nsenter', [`--net=${network}`, '--', process.execPath, file, ...args]);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the program in the pod has ended');
    return value;
  }

  /** Sends a command and gives the answer. */
  async ask<T>(command: string): Promise<T> {
    this.#child.stdin.write(`${command}\n`);
    return JSON.parse(await this.line()) as T;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
