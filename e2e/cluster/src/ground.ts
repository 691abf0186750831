import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { buildImage, type BuiltImage, imageNames, type ImageName } from '@tulle/images';
import { ensureBinaries } from './binaries.ts';
import { ensurePackages } from './debian.ts';
import { kubectlFor } from './kubectl.ts';
import { findMachines, type Machine } from './machine.ts';
import { hasImage, importImages } from './node.ts';
import type { Progress } from './progress.ts';
import { type ClusterPlan, repository } from './settings.ts';
import { runningCluster } from './state.ts';

/** The images that pods of the mesh ask for. */
const meshImages = ['agent', 'mesh-controller'] as const satisfies readonly ImageName[];

const applyTimeoutMs = 60_000;

/**
 * Gives a running cluster what a mesh stands on: the CRDs of the Gateway API, and on every node the images of this
 * checkout, so that no pod ever asks for one that is not there. What is there already is left alone.
 */
export async function layGround(plan: ClusterPlan, progress: Progress): Promise<void> {
  const { state, control } = await runningCluster(plan);
  const binaries = await ensureBinaries(['gateway-api'], progress);
  await progress.step('CRDs of the Gateway API', async () => {
    const crds = join(binaries['gateway-api'], 'crds/experimental');
    const apply = ['apply', '--server-side', '--force-conflicts', '--kustomize', crds];
    await kubectlFor(plan, control, state)(apply, { timeoutMs: applyTimeoutMs });
  });
  await buildAndLoad(plan, meshImages, progress);
}

/**
 * Builds images of ours from this checkout and loads them on every node of the running cluster.
 *
 * @throws CodedError `no-such-image`, `image-failed`, `cluster-not-up`
 */
export async function buildAndLoad(plan: ClusterPlan, names: readonly string[], progress: Progress): Promise<void> {
  const wanted = imageNames.filter((each) => names.length === 0 || names.includes(each));
  if (wanted.length < names.length) {
    throw new CodedError('no-such-image', `no such image in: ${names.join(', ')}`, { hint: imageNames.join(', ') });
  }
  await ensurePackages(progress, { mmdebstrap: '/usr/bin/mmdebstrap' });
  const options = { repository, output: join(repository, '.cache/images') };
  const built: BuiltImage[] = [];
  for (const each of wanted) {
    await progress.step(`image ${each} built`, async () => {
      try {
        built.push(await buildImage(each, options));
      } catch (cause) {
        throw new CodedError('image-failed', `the image ${each} could not be built`, { cause });
      }
    });
  }
  await onEveryNode(plan, async (node) => {
    const lacking: string[] = [];
    for (const image of built) if (!(await hasImage(node, image))) lacking.push(image.file);
    await load(node, lacking, progress);
  });
}

/** Gives every node of the running cluster images from archives, as if it had pulled them. */
export async function loadArchives(plan: ClusterPlan, archives: readonly string[], progress: Progress): Promise<void> {
  await onEveryNode(plan, async (node) => await load(node, archives, progress));
}

async function load(node: Machine, archives: readonly string[], progress: Progress): Promise<void> {
  if (archives.length === 0) return progress.line(`${node.name} has the images`);
  await progress.step(`${archives.length} images loaded on ${node.name}`, async () => {
    await importImages(node, archives);
  });
}

async function onEveryNode(plan: ClusterPlan, work: (node: Machine) => Promise<void>): Promise<void> {
  await runningCluster(plan);
  const nodes = findMachines(plan).filter((machine) => machine.name !== 'control');
  const results = await Promise.allSettled(nodes.map(work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
