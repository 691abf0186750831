import { parseArgs } from 'node:util';
import { errorMessage } from '@tulle/core';
import type { PodStatusView } from '@tulle/playground';
import { LinkRecorder } from '../link-recorder.ts';
import { run, waitFor } from '../playground-client.ts';
import type { Tunnel } from '../playground-client.ts';
import { ShopCluster } from './shop-cluster.ts';
import { Story } from './story.ts';

const usage =
  'usage: npm run demo [-- --json] [-- --keep] [-- --name NAME]\n' +
  '  --json   one JSON document with every figure\n' +
  '  --keep   leave the playground running, and say what to try next\n';

function readOptions() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        name: { type: 'string', default: 'demo' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`tulle: ${errorMessage(error)}\n${usage}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const cartUrl = 'http://cart/hello';
const story = new Story(options.json);
const shop = new ShopCluster(options.name);

/** The numbers of the processes that live in a pod's namespace. */
async function processesOf(pod: PodStatusView): Promise<string> {
  const result = await run('ip', ['netns', 'pids', pod.netns]);
  return result.stdout.trim().split('\n').sort().join(' ');
}

async function processesByPod(namespace: string): Promise<Map<string, string>> {
  const processes = new Map<string, string>();
  for (const pod of (await shop.status()).pods) {
    if (pod.namespace === namespace) processes.set(pod.name, await processesOf(pod));
  }
  return processes;
}

/** Labels a namespace and waits until all of its pods are captured. */
async function join(namespace: string): Promise<void> {
  const before = await processesByPod(namespace);
  shop.edit('00-namespaces.yaml', (text) =>
    text.replace(`{ name: ${namespace} }`, `{ name: ${namespace}, labels: { tulle.dev/mesh: enabled } }`),
  );
  const { tookMs } = await waitFor(`the pods of ${namespace} are captured`, 20_000, async () => {
    const reports = await Promise.all(
      ['n1', 'n2'].map((node) =>
        shop.askAgent<{ pods: { namespace: string; captured: string | null }[] }>(node, '/v1/pods'),
      ),
    );
    const pods = reports.flatMap((report) => report.pods).filter((pod) => pod.namespace === namespace);
    return pods.length === before.size && pods.every((pod) => pod.captured !== null) ? pods : undefined;
  });
  const after = await processesByPod(namespace);
  const restarted = [...before].filter(([pod, processes]) => after.get(pod) !== processes).map(([pod]) => pod);
  story.tell({
    name: namespace === 'shop' ? 'joined the mesh' : 'another joins',
    ok: restarted.length === 0,
    text: `namespace ${namespace} labelled; ${before.size} pod${before.size === 1 ? '' : 's'} captured in ${Math.round(tookMs)} ms; ${restarted.length === 0 ? 'no process restarted' : `restarted: ${restarted.join(', ')}`}`,
    figures: { namespace, pods: before.size, capturedMs: Math.round(tookMs), restarted },
  });
}

function share(count: number | undefined, total: number): number {
  return total === 0 ? 0 : (100 * (count ?? 0)) / total;
}

async function canary(): Promise<void> {
  const result = await shop.load('shop/web', [cartUrl, '2000', '8']);
  const [v1, v2] = [result.versions['v1'] ?? 0, result.versions['v2'] ?? 0];
  const ok = result.failed === 0 && Math.abs(share(v1, 2_000) - 90) <= 2;
  story.tell({
    name: 'canary',
    ok,
    text: `2,000 requests to cart: v1 ${v1.toLocaleString('en')} (asked 90 %)  v2 ${v2.toLocaleString('en')} (asked 10 %)  failed ${result.failed}`,
    figures: { requests: result.requests, asked: { v1: 90, v2: 10 }, got: result.versions, failed: result.failed },
  });
}

async function testers(): Promise<void> {
  const result = await shop.load('shop/web', [cartUrl, '200', '4', 'x-team', 'qa']);
  const v2 = result.versions['v2'] ?? 0;
  story.tell({
    name: 'testers',
    ok: v2 === 200 && result.failed === 0,
    text: `header x-team: qa -> v2 in ${v2} of 200`,
    figures: { requests: 200, v2, failed: result.failed },
  });
}

async function identity(): Promise<void> {
  const [n1, n2] = await Promise.all(
    ['n1', 'n2'].map((node) => shop.askAgent<{ tunnels: Tunnel[] }>(node, '/v1/tunnels')),
  );
  const outbound = n1?.tunnels.find((tunnel) => tunnel.direction === 'outbound' && tunnel.pod === 'shop/web');
  const inbound = n2?.tunnels.find((tunnel) => tunnel.direction === 'inbound' && tunnel.pod.startsWith('shop/cart'));
  const ok =
    inbound?.peerIdentity.endsWith('/ns/shop/sa/web') === true &&
    outbound?.peerIdentity.endsWith('/ns/shop/sa/cart') === true;
  story.tell({
    name: 'identity',
    ok,
    text: `cart saw ${inbound?.peerIdentity ?? 'nobody'}; web saw ${outbound?.peerIdentity ?? 'nobody'}`,
    figures: { cartSaw: inbound?.peerIdentity ?? null, webSaw: outbound?.peerIdentity ?? null },
  });
}

/** Captures the link between the nodes while requests cross it. */
async function encrypted(): Promise<void> {
  const words = ['GET /hello', 'the-cart-of-ana', 'three-green-apples', 'x-demo-marker'];
  const status = await shop.status();
  const node = status.nodes.find((candidate) => candidate.name === 'n1');
  if (node === undefined) throw new Error('there is no node n1');
  const recorder = await LinkRecorder.start(node);
  const result = await shop.load('shop/web', [cartUrl, '500', '8']);
  const capture = await recorder.stop(words);
  story.tell({
    name: 'encrypted',
    ok: capture.found.length === 0 && capture.packets > 100 && result.failed === 0,
    text: `${capture.packets.toLocaleString('en')} packets between the nodes, ${capture.found.length === 0 ? '0 with request text' : `with request text: ${capture.found.join(', ')}`}`,
    figures: { packets: capture.packets, requests: result.requests, found: capture.found, searchedFor: words },
  });
}

interface AgentRoutes {
  readonly routes: Record<
    string,
    { producer?: { table: { rules: { backends: { weight: number }[] }[] } } } | undefined
  >;
}

/** The weights that a node's agent splits cart's requests by. */
async function weightsOn(node: string): Promise<string> {
  const { routes } = await shop.askAgent<AgentRoutes>(node, '/v1/dump');
  const rules = routes['shop/cart:80']?.producer?.table.rules ?? [];
  return rules
    .flatMap((rule) => (rule.backends.length === 2 ? rule.backends.map(({ weight }) => weight) : []))
    .join('/');
}

/** Changes the weights while requests flow. */
async function liveEdit(): Promise<void> {
  const flow = shop.startLoad('shop/web', cartUrl, 4);
  shop.edit('canary.yaml', (text) => text.replace('weight: 90', 'weight: 50').replace('weight: 10', 'weight: 50'));
  const { tookMs } = await waitFor('the agents act on the edit', 10_000, async () => {
    const weights = await Promise.all(['n1', 'n2'].map(weightsOn));
    return weights.every((each) => each === '50/50') ? weights : undefined;
  });
  const after = await shop.load('shop/web', [cartUrl, '1000', '4']);
  const whole = await flow.stop();
  const v2 = share(after.versions['v2'], after.requests);
  story.tell({
    name: 'live edit',
    ok: whole.failed === 0 && after.failed === 0 && Math.abs(v2 - 50) <= 2,
    text: `50/50 after ${Math.round(tookMs)} ms (measured ${v2.toFixed(1)} % v2); ${whole.failed} of ${whole.requests.toLocaleString('en')} requests failed meanwhile`,
    figures: {
      actedAfterMs: Math.round(tookMs),
      v2Percent: v2,
      requests: whole.requests,
      failed: whole.failed,
      failures: whole.failures,
    },
  });
}

async function tell(): Promise<void> {
  const started = performance.now();
  const up = await shop.up();
  if (up.status !== 0) throw new Error(`the playground did not start:\n${up.stderr}${up.stdout}`);
  const pods = (await shop.status()).pods.length;
  const seconds = Math.round((performance.now() - started) / 1_000);
  story.title(`Tulle demo: two nodes, ${pods} pods, no Kubernetes.  (started in ${seconds} s)`);
  await join('shop');
  await canary();
  await testers();
  await identity();
  await encrypted();
  await liveEdit();
  await join('tools');
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    process.stderr.write('tulle: interrupted; the playground is taken down\n');
    void shop.down().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}

let failure: unknown;
try {
  await tell();
} catch (error) {
  failure = error;
}
// What fails because the demo was interrupted says nothing; it ends when its playground is down.
if (interrupted) await new Promise(() => {});
if (failure !== undefined) {
  story.tell({ name: 'the demo broke off', ok: false, text: errorMessage(failure), figures: {} });
}
if (options.keep) {
  story.say(
    `\nThe playground goes on. Try:\n  ./tulle status --playground ${options.name}\n  ./tulle describe service shop/cart --playground ${options.name}\n` +
      `  ./tulle playground exec --name ${options.name} shop/web -- curl -s http://cart/hello\n` +
      `  edit ${shop.directory}/canary.yaml\n  ./tulle playground down --name ${options.name}`,
  );
} else {
  await shop.down();
}
story.end();
process.exitCode = story.ok ? 0 : 1;
