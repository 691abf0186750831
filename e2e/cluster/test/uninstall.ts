// Proves that `tulle uninstall` leaves nothing of the mesh in a cluster, and that traffic flows all the while:
// `node e2e/cluster/test/uninstall.ts [--name CLUSTER]`. Needs a cluster that is up with the mesh's images on its nodes
// (npm run cluster:up) and no mesh in it, or one that it may remove. Takes about a minute.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultClusterName, repository } from '../src/settings.ts';
import { waitFor } from '../src/wait.ts';
import { clusterUnderTest, networkOfPod, PodProgram, tulle } from './cluster-under-test.ts';
import { differences, takeClusterSnapshot } from './leftovers.ts';
import { Proof } from './proof.ts';

const namespace = 'shop';
const rolloutTimeoutMs = 120_000;
const capturedTimeoutMs = 60_000;
const streamPort = 9000;

/** How long a stream in the mesh goes on after the uninstall has begun. */
const streamMs = 8000;

interface Counts {
  readonly ok: number;
  readonly failures: readonly string[];
}

interface KeptCounts extends Counts {
  readonly connections: number;
}

interface StreamState {
  readonly sent: number;
  readonly received: number;
  readonly end: string | null;
}

interface Report {
  readonly fresh: Counts;
  readonly kept: KeptCounts;
  readonly keptLater: KeptCounts;
  readonly streams: Readonly<Record<string, StreamState>>;
}

const { values: options } = parseArgs({ options: { name: { type: 'string', default: defaultClusterName() } } });
const cluster = await clusterUnderTest(options.name);
const { kubectl } = cluster;
const proof = new Proof();

const example = async (file: string): Promise<string> =>
  await readFile(join(repository, 'examples/quick-start', file), 'utf8');
const addressOf = async (service: string): Promise<string> =>
  await kubectl(['get', 'service', service, `-n=${namespace}`, '-o=jsonpath={.spec.clusterIP}']);
const capturedPods = async (): Promise<string[]> => {
  const { items } = (await kubectl.json(['get', 'pods', `-n=${namespace}`])) as {
    items: { metadata: { name: string; annotations?: Record<string, string> } }[];
  };
  return items.flatMap(({ metadata }) => (metadata.annotations?.['tulle.dev/captured'] ? [metadata.name] : []));
};

function without(failures: readonly string[]): void {
  if (failures.length === 0) return;
  const times = `the mesh was there at ${installed}, its end began at ${begun}`;
  throw new Error(`${failures.length} failed; ${times}\n      ${failures.slice(0, 5).join('\n      ')}`);
}

// A mesh that is there already goes first; what is the user's comes before the snapshot and stays.
await tulle(cluster, ['uninstall']);
await kubectl(['delete', 'namespace', namespace, '--ignore-not-found'], { timeoutMs: rolloutTimeoutMs });
await kubectl(['apply', '--filename', '-'], { input: await example('shop.yaml') });
await kubectl(['apply', '--filename', '-'], { input: await example('cart-canary.yaml') });
await kubectl(['label', 'namespace', namespace, 'tulle.dev/mesh=enabled']);
await kubectl(['expose', 'deployment', 'cart-v1', `-n=${namespace}`, '--name=ledger', `--port=${streamPort}`]);
await kubectl(['wait', 'deployment', '--all', `-n=${namespace}`, '--for=condition=Available', '--timeout=110s'], {
  timeoutMs: rolloutTimeoutMs,
});
using server = new PodProgram(await networkOfPod(cluster, namespace, 'app=cart,version=v1'), 'echo-stream.mjs', [
  `${streamPort}`,
]);
await server.line();
const web = await networkOfPod(cluster, namespace, 'app=web');
const hosts = [await addressOf('cart'), `${await addressOf('ledger')}:${streamPort}`];
using client = new PodProgram(web, 'traffic.mjs', hosts);
const report = async (): Promise<Report> => await client.ask<Report>('report');

const before = await takeClusterSnapshot(cluster);
await client.ask('stream before-the-mesh');
await tulle(cluster, ['install']);
const installed = new Date().toISOString();
await proof.check('the pods of the shop are captured', async () => {
  const captured = async (): Promise<string[] | undefined> => {
    const names = await capturedPods();
    return names.length === 3 ? names : undefined;
  };
  const names = await waitFor('3 pods captured', captured, { timeoutMs: capturedTimeoutMs });
  return `${names.length}, no pod restarted`;
});
await proof.check('the same look finds the mesh while it is there', async () => {
  const found = differences(before, await takeClusterSnapshot(cluster));
  const kinds = ['objects', 'marks', 'rules in pod', 'policy routes in pod', 'listeners in pod', 'programs of ours'];
  const missed = kinds.filter((kind) => !found.some((line) => line.startsWith(kind)));
  if (missed.length > 0) throw new Error(`nothing was found of: ${missed.join(', ')}`);
  return `${found.length} traces`;
});
await client.ask('stream in-the-mesh');
await client.ask('keep');
const meshed = await report();

const begun = new Date().toISOString();
const uninstalling = tulle(cluster, ['uninstall']);
uninstalling.catch(() => undefined);
await proof.check('a stream in the mesh goes on to its end while the mesh is being removed', async () => {
  await new Promise((resolve) => setTimeout(resolve, streamMs));
  const { end, sent, received } = await client.ask<StreamState>('end in-the-mesh');
  if (end !== 'done' || sent !== received) throw new Error(`${end}; ${sent} bytes sent, ${received} came back`);
  return `${sent} bytes there and back in ${streamMs / 1000} s and more`;
});
await proof.check('tulle uninstall', async () => {
  const said = await uninstalling;
  return said.trim().split('\n').at(-1) ?? '';
});
await proof.check(
  'nothing is left: no object, rule, route, listener, setting, mount, program, file or CNI entry',
  async () => {
    const lines = async (): Promise<string[]> => differences(before, await takeClusterSnapshot(cluster));
    // The kubelet takes the folders of the last pods away in its own time.
    const left = await waitFor('nothing left', async () => ((await lines()).length === 0 ? [] : undefined), {
      timeoutMs: 15_000,
    }).catch(lines);
    if (left.length > 0) throw new Error(`\n      ${left.join('\n      ')}`);
    return `${Object.values(before).flat().length} lines of ${Object.keys(before).length} kinds are as they were before`;
  },
);
await proof.check('requests went on all the while, each with a connection of its own', async () => {
  const { fresh } = await report();
  without(fresh.failures);
  if (fresh.ok - meshed.fresh.ok < 50) throw new Error(`only ${fresh.ok - meshed.fresh.ok} since the uninstall began`);
  return `${fresh.ok}, none failed`;
});
await proof.check('requests on a connection that is kept went on, none was reset', async () => {
  const { kept, keptLater } = await report();
  without([...kept.failures, ...keptLater.failures]);
  const told = ({ connections, ok }: KeptCounts): string => `${ok} on ${connections} connections`;
  return `${told(kept)} from before the mesh, ${told(keptLater)} from within it, none failed`;
});
await proof.check('a connection from before the mesh was never touched', async () => {
  const { end, sent, received } = await client.ask<StreamState>('end before-the-mesh');
  if (end !== 'done' || sent !== received) throw new Error(`${end}; ${sent} bytes sent, ${received} came back`);
  return `${sent} bytes there and back`;
});
await proof.check('tulle uninstall again has nothing to do', async () => {
  return (await tulle(cluster, ['uninstall'])).trim().split('\n').at(-1) ?? '';
});
await kubectl(['delete', 'namespace', namespace], { timeoutMs: rolloutTimeoutMs });
proof.finish();
