import { CodedError } from '@tulle/core';
import { fingerprint } from '@tulle/images';
import { mkdir, mkdtemp, readFile, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Binaries, clusterParts, ensureBinaries } from './binaries.ts';
import { controlPlaneReady, startControlPlane } from './controlplane.ts';
import { ensurePackages } from './debian.ts';
import { tearDown } from './down.ts';
import { prepareHost } from './host.ts';
import { ensureImages } from './images.ts';
import { type Kubectl, kubectlFor, lookTimeoutMs } from './kubectl.ts';
import { type Machine, startMachine } from './machine.ts';
import { connectMachines } from './network.ts';
import { furnishNode, nodeDirectories, nodeReady, type NodeContext, startContainerd, startKubelet } from './node.ts';
import { Parts } from './parts.ts';
import { writePki } from './pki.ts';
import type { Progress } from './progress.ts';
import { type ClusterPlan, clustersDirectory, sourceDirectory } from './settings.ts';
import { endedParts, readState, runningCluster, writeState } from './state.ts';

const dnsTimeoutMs = 90_000;

/**
 * Brings the cluster up, or says that it is up already. What a killed run left is removed first; what fails on the way
 * is taken down again, except for its logs.
 */
export async function up(plan: ClusterPlan, progress: Progress): Promise<void> {
  await requireWritable(clustersDirectory);
  await ensurePackages(progress);
  const binaries = await ensureBinaries(clusterParts, progress);
  const archives = await ensureImages(binaries, progress);
  const recipe = fingerprint(
    [...Object.values(binaries), ...archives, String(plan.nodes.length)].map((each) => basename(each)),
  );
  if (await isUp(plan, recipe, binaries)) {
    progress.line(`cluster ${plan.name} is up already`);
    return;
  }
  const removed = await tearDown(plan, { keepLogs: false });
  if (removed.machines > 0) progress.line(`an older cluster of the same name removed: ${removed.machines} machines`);
  try {
    await start(plan, { recipe, binaries, archives }, progress);
  } catch (error) {
    await tearDown(plan, { keepLogs: true });
    progress.line(`cluster ${plan.name} did not come up; the logs are in ${plan.logDirectory}`);
    throw error;
  }
}

/** Fails at once, and says where, instead of minutes later somewhere else. */
async function requireWritable(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await rmdir(await mkdtemp(join(directory, '.writable-')));
  } catch (cause) {
    throw new CodedError('not-writable', `the folder of clusters, ${directory}, cannot be written to`, {
      cause,
      hint: `df ${directory}; findmnt --target ${directory}`,
    });
  }
}

async function start(
  plan: ClusterPlan,
  made: { recipe: string; binaries: Binaries<(typeof clusterParts)[number]>; archives: readonly string[] },
  progress: Progress,
): Promise<void> {
  const { binaries, archives } = made;
  await mkdir(plan.logDirectory, { recursive: true });
  const parts = new Parts(plan);
  const pause = join(binaries.pause, 'pause');
  const control = await startMachine(plan, 'control', pause);
  // Not before there is a machine: another cluster that goes down meanwhile would undo it.
  await prepareHost(nodeDirectories);
  const machines: Machine[] = [];
  for (const node of plan.nodes) machines.push(await startMachine(plan, node.name, pause));
  const pki = await writePki(plan);
  const nodes: NodeContext[] = plan.nodes.map((node, index) => ({
    plan,
    parts,
    pki,
    node,
    machine: machines[index] ?? control,
  }));
  await connectMachines(
    plan,
    control,
    nodes.map(({ node, machine }) => ({ plan: node, machine })),
  );
  progress.line(`${nodes.length + 1} machines: control, ${plan.nodes.map(({ name }) => name).join(', ')}`);

  const context = { plan, parts, control, pki };
  const kubectl = kubectlFor(plan, control, binaries, parts.signal);
  await startControlPlane(context, binaries);
  const controlPlane = progress.step('control plane ready', async () => {
    await controlPlaneReady(context, binaries, kubectl);
  });
  const started = nodes.map(
    async (node) =>
      await progress.step(`containerd on ${node.node.name} ready, with its images`, async () => {
        await furnishNode(node);
        await startContainerd(node, archives);
      }),
  );
  await allOf([controlPlane, ...started]);
  for (const node of nodes) await startKubelet(node, binaries);
  await allOf(
    nodes.map(
      async (node) => await progress.step(`node ${node.node.name} ready`, async () => await nodeReady(node, kubectl)),
    ),
  );
  // Not before the API server's Service address works on every node: CoreDNS would wait half a minute for its answer.
  await kubectl(['apply', '--filename', '-'], {
    input: await readFile(join(sourceDirectory, 'manifests/coredns.yaml'), 'utf8'),
  });
  await progress.step('cluster DNS ready', async () => await dnsReady(parts, kubectl));
  await writeState(plan, {
    version: 1,
    name: plan.name,
    nodes: plan.nodes.map(({ name, address }) => ({ name, address })),
    recipe: made.recipe,
    kubernetes: binaries.kubernetes,
    machines: [control, ...machines],
    parts: parts.running,
  });
  progress.line(`cluster ${plan.name} is up`);
}

/** CoreDNS answers, and pods of the default namespace can be made: the controllers are at work. */
async function dnsReady(parts: Parts, kubectl: Kubectl): Promise<void> {
  const watched = parts.running.map(({ name }) => name).filter((name) => !name.endsWith('kube-proxy'));
  await parts.ready(
    watched,
    'cluster DNS',
    async () => {
      const ready = ['get', 'deployment', 'coredns', '-n=kube-system', '-o=jsonpath={.status.readyReplicas}'];
      if ((await kubectl(ready, { timeoutMs: lookTimeoutMs })) !== '1') return undefined;
      await kubectl(['get', 'serviceaccount', 'default', '-n=default', '-o=name'], { timeoutMs: lookTimeoutMs });
      return true;
    },
    dnsTimeoutMs,
  );
}

async function isUp(plan: ClusterPlan, recipe: string, binaries: { kubernetes: string }): Promise<boolean> {
  const state = await readState(plan);
  if (state === undefined || state.recipe !== recipe || endedParts(state).length > 0) return false;
  try {
    const { control } = await runningCluster(plan);
    return (await kubectlFor(plan, control, binaries).raw('/readyz')) === 'ok';
  } catch {
    return false;
  }
}

/** Waits for all, and only then fails with the first failure: nothing goes on behind the caller's back. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
