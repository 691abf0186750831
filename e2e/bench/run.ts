import type { JudgedBound } from './bounds.ts';
import { judge } from './bounds.ts';
import type { BenchCase } from './cases.ts';
import { measureIdle } from './idle.ts';
import { Lab } from './lab.ts';
import { measure, runLoad } from './measure.ts';
import type { Measurement } from './measure.ts';
import type { PeerName, Row } from './model.ts';
import type { BenchOptions } from './options.ts';
import { bothHops, rounded, rowOf } from './rows.ts';
import { verifyWork } from './verify.ts';

/** What a run is done with. */
export interface RunTools {
  readonly envoy: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** What a run gave. */
export interface RunResult {
  readonly rows: readonly Row[];
  readonly bounds: readonly JudgedBound[];
  readonly notes: readonly string[];
  readonly foreignCpuShare: number;
}

/** A just-in-time compiler needs some thousand requests before it is what it will be. */
const warmUpSeconds = 2;

/** A share of CPU time in others' hands above which a line of progress says so. */
const worthSaying = 0.05;

/** Measures every case that was asked for. */
export async function runBenchmark(options: BenchOptions, tools: RunTools): Promise<RunResult> {
  const rows: Row[] = [];
  const bounds: JudgedBound[] = [];
  const notes: string[] = [];
  let foreignCpuShare = 0;
  const loaded = options.cases.filter((each) => each.load.kind !== 'idle');
  for (const sameNode of ['tunnel', 'direct'] as const) {
    const cases = loaded.filter((each) => (each.direct === true) === (sameNode === 'direct'));
    if (cases.length === 0) continue;
    await using lab = await Lab.start({
      peers: options.peers,
      workers: 1,
      sameNode,
      envoy: tools.envoy,
      log: tools.log,
    });
    foreignCpuShare = Math.max(foreignCpuShare, await measureRounds(lab, cases, options, tools, rows));
  }
  bounds.push(...judge(rows));
  for (const bench of options.cases) {
    if (bench.load.kind !== 'idle' || !options.peers.includes('tulle')) continue;
    const idle = await measureIdle(bench, bench.load, { ...options, ...tools });
    rows.push(...idle.rows);
    bounds.push(...idle.bounds);
    notes.push(...idle.notes);
    foreignCpuShare = Math.max(foreignCpuShare, idle.foreignCpuShare);
  }
  return { rows, bounds, notes, foreignCpuShare: rounded(foreignCpuShare, 3) };
}

/** Rounds on the outside, peers on the inside: what changes with time meets all peers alike. */
async function measureRounds(
  lab: Lab,
  cases: readonly BenchCase[],
  options: BenchOptions,
  { signal, log }: RunTools,
  rows: Row[],
): Promise<number> {
  for (const peer of lab.peers) {
    await verifyWork(lab, peer);
    signal.throwIfAborted();
  }
  log('every peer does the same work: routes, weights, header, mutual TLS');
  const warmUp = { seconds: Math.min(warmUpSeconds, options.seconds), signal };
  for (const bench of cases) for (const peer of lab.peers) await runLoad(lab, bench, peer, warmUp);
  log('warmed up');
  let foreignCpuShare = 0;
  for (let run = 1; run <= options.rounds; run++) {
    for (const bench of cases) {
      const measured = new Map<PeerName, Measurement>();
      for (const peer of lab.peers) {
        measured.set(peer, await measure(lab, bench, peer, { seconds: options.seconds, signal }));
        signal.throwIfAborted();
      }
      const direct = measured.get('direct');
      const added = [...measured].map(([peer, each]) => rowOf({ bench, peer, run }, each, direct));
      rows.push(...added);
      const foreign = Math.max(...[...measured.values()].map((each) => each.foreignCpuShare));
      const disturbed =
        foreign > worthSaying ? `; others took up to ${(foreign * 100).toFixed(0)} % of the CPU time` : '';
      log(`${bench.id} ${run}/${options.rounds}: ${added.map((row) => glance(row)).join(', ')}${disturbed}`);
      foreignCpuShare = Math.max(foreignCpuShare, foreign);
    }
  }
  return foreignCpuShare;
}

function glance(row: Row): string {
  const cpu = bothHops(row);
  const rate =
    row.requestsPerSecond === null ? `${row.gigabits?.toFixed(2)} Gbit/s` : `${row.requestsPerSecond.toFixed(0)}/s`;
  const errors = row.errors === 0 ? '' : ` ${row.errors} errors`;
  return `${row.peer} ${cpu === null ? '' : `${cpu.toFixed(1)} µs `}${rate}${errors}`;
}
