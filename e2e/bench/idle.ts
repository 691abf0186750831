import { setTimeout as pause } from 'node:timers/promises';
import { boundOf } from './bounds.ts';
import type { JudgedBound } from './bounds.ts';
import type { BenchCase, Load } from './cases.ts';
import { ForeignCpu } from './foreign.ts';
import { Ground } from './ground.ts';
import { namespaces, podManifest } from './manifests.ts';
import type { Row } from './model.ts';
import { cpuTimeOf, machineBusyMicros, proportionalMiB, residentMiB } from './processes.ts';
import { rounded } from './rows.ts';

/** What {@link measureIdle} found. */
export interface IdleResult {
  readonly rows: readonly Row[];
  readonly bounds: readonly JudgedBound[];
  readonly notes: readonly string[];
  readonly foreignCpuShare: number;
}

/** How idle pods are looked at. */
export interface IdleOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const rssLimitMiB = 250e6 / 2 ** 20;
const cpuLimitPercent = 1;
/** What an agent still does for pods that have just joined is not idling. */
const settleMs = 10_000;
/** Agents that are idle give memory back, once a minute at most: a minute holds what that costs. */
const leastSeconds = 60;

/** Memory and CPU of an agent whose pods do nothing, in a playground of its own. */
export async function measureIdle(
  bench: BenchCase,
  load: Extract<Load, { kind: 'idle' }>,
  options: IdleOptions,
): Promise<IdleResult> {
  options.log(`starting a playground with ${load.pods} pods on one node`);
  const ground = { name: 'bench-idle', mesh: true, workers: load.workers, log: options.log };
  await using lab = await Ground.start(ground, () => ({
    '10-pods.yaml': Array.from({ length: load.pods }, (_, index) =>
      podManifest({ namespace: namespaces.meshed, name: `idle-${index}`, node: 'n1' }, []),
    ),
  }));
  await pause(settleMs, undefined, { signal: options.signal });
  const { main, workers } = lab.agent('n1');
  const pids = [main, ...workers];
  const seconds = Math.max(options.seconds, leastSeconds);
  const rows: Row[] = [];
  const percents: number[] = [];
  let foreignCpuShare = 0;
  for (let run = 1; run <= options.rounds; run++) {
    const foreign = new ForeignCpu(lab.namespaces());
    const [started, before, busy] = [performance.now(), cpuTimeOf(pids), machineBusyMicros()];
    await pause(seconds * 1000, undefined, { signal: options.signal });
    const [ended, after] = [performance.now(), cpuTimeOf(pids)];
    foreignCpuShare = Math.max(foreignCpuShare, foreign.micros() / Math.max(1, machineBusyMicros() - busy));
    const micros = after.user + after.system - before.user - before.system;
    const percent = micros / (ended - started) / 10;
    percents.push(percent);
    const rssMiB = rounded(residentMiB(pids), 1);
    rows.push(idleRow(bench.id, run, rssMiB));
    options.log(`${bench.id} ${run}/${options.rounds}: ${rssMiB} MiB resident, ${percent.toFixed(2)} % of a core`);
  }
  const memory = {
    case: bench.id,
    words: 'agent RSS, MiB (250 MB)',
    sense: 'at most',
    limit: rounded(rssLimitMiB, 1),
  } as const;
  const cpu = { case: bench.id, words: 'agent CPU, % of a core', sense: 'at most', limit: cpuLimitPercent } as const;
  const shared = `${bench.id}: main process ${residentMiB([main]).toFixed(0)} MiB, workers ${workers.map((pid) => residentMiB([pid]).toFixed(0)).join(' and ')} MiB resident; ${proportionalMiB(pids).toFixed(0)} MiB with what they share counted once.`;
  const resident = rows.map((row) => row.rssMiB ?? Number.NaN);
  return { rows, bounds: [boundOf(memory, resident), boundOf(cpu, percents)], notes: [shared], foreignCpuShare };
}

function idleRow(id: string, run: number, rssMiB: number): Row {
  return {
    case: id,
    peer: 'tulle',
    run,
    cpuMicrosPerRequest: { first: null, second: null, machine: null },
    requestsPerSecond: null,
    p50Ms: null,
    p99Ms: null,
    p999Ms: null,
    rssMiB,
    gigabits: null,
    errors: 0,
  };
}
