import { ForeignCpu } from '../foreign.ts';
import { runWrk } from '../load/wrk.ts';
import type { FeatureSample } from '../model.ts';
import { cpuTimeOf, machineBusyMicros } from '../processes.ts';
import type { CpuTime } from '../processes.ts';
import { rounded } from '../rows.ts';
import { features, referenceId } from './catalogue.ts';
import { bothHops, orderOf } from './costs.ts';
import { FeatureLab } from './lab.ts';
import type { Feature, FeatureRequest } from './model.ts';
import { checkerOf, verifyFeature } from './verify.ts';

/** How the rows are measured. */
export interface FeatureRunOptions {
  /** The rows that are wanted; what they are compared with is measured, too. */
  readonly ids: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** What a run gave. */
export interface FeatureRunResult {
  readonly samples: readonly FeatureSample[];
  readonly foreignCpuShare: number;
}

const connections = 32;
/** Rows between two measurements of the reference. */
const referenceEvery = 5;
const warmUpSeconds = 1;

/** Measures rows one after the other, again and again. */
export async function measureFeatures(options: FeatureRunOptions): Promise<FeatureRunResult> {
  const { signal, log } = options;
  const wanted = features.filter((feature) => withReferences(options.ids).has(feature.id));
  await using lab = await FeatureLab.start(wanted, log);
  const requests = new Map<string, FeatureRequest>();
  for (const feature of wanted) {
    await verifyFeature(lab, feature);
    requests.set(feature.id, (await feature.prepare?.(checkerOf(lab, feature))) ?? feature.request);
    signal.throwIfAborted();
  }
  log(`each of ${wanted.length} rows does what it is for`);
  const load = (feature: Feature, seconds: number) => {
    const request = requests.get(feature.id) ?? feature.request;
    return runWrk(lab.target(feature), { connections, closing: false, seconds, signal, ...request });
  };
  for (const feature of wanted) await load(feature, warmUpSeconds);
  log('warmed up');
  const order = orderOf(
    wanted.map((feature) => feature.id),
    referenceId,
    referenceEvery,
  ).flatMap((id) => wanted.find((feature) => feature.id === id) ?? []);
  const samples: FeatureSample[] = [];
  let foreignCpuShare = 0;
  for (let run = 1; run <= options.rounds; run++) {
    for (const [at, feature] of order.entries()) {
      const measured = await measureOne(lab, feature, () => load(feature, options.seconds));
      samples.push({ feature: feature.id, run, at, ...measured.sample });
      foreignCpuShare = Math.max(foreignCpuShare, measured.foreignCpuShare);
      signal.throwIfAborted();
    }
    const round = samples.filter((sample) => sample.run === run);
    log(
      `${run}/${options.rounds}: ${round.map((sample) => `${sample.feature} ${bothHops(sample).toFixed(1)}`).join(', ')}`,
    );
  }
  return { samples, foreignCpuShare: rounded(foreignCpuShare, 3) };
}

/** The rows and all that they are compared with. */
function withReferences(ids: readonly string[]): Set<string> {
  const all = new Set<string>([referenceId]);
  const add = (id: string) => {
    all.add(id);
    const against = features.find((feature) => feature.id === id)?.against;
    if (against !== undefined && !all.has(against)) add(against);
    // A Service's routes come with one of its rows.
    const service = features.find((feature) => feature.id === id)?.service;
    for (const each of features) if (each.service === service && each.objects.length > 0) all.add(each.id);
  };
  for (const id of ids) add(id);
  return all;
}

async function measureOne(lab: FeatureLab, feature: Feature, load: () => ReturnType<typeof runWrk>) {
  const [first, second] = lab.hops(feature);
  const foreign = new ForeignCpu(lab.namespaces());
  const before = [cpuTimeOf(first), cpuTimeOf(second), machineBusyMicros()] as const;
  const { requests, seconds, p99Ms, errors } = await load();
  const after = [cpuTimeOf(first), cpuTimeOf(second), machineBusyMicros()] as const;
  const busyMicros = after[2] - before[2];
  const perRequest = (from: CpuTime, to: CpuTime) =>
    rounded((to.user + to.system - from.user - from.system) / Math.max(1, requests ?? 0), 2);
  const sample = {
    firstMicros: perRequest(before[0], after[0]),
    secondMicros: perRequest(before[1], after[1]),
    requestsPerSecond: rounded((requests ?? 0) / seconds, 1),
    p99Ms,
    errors,
  };
  return { sample, foreignCpuShare: busyMicros === 0 ? 0 : foreign.micros() / busyMicros };
}
