import type { BoundResult, PeerName, Row } from './model.ts';
import { bothHops, rounded } from './rows.ts';
import { estimate, isAtMost } from './statistics.ts';
import type { Estimate } from './statistics.ts';

/** A promise about the figures. It is undecided (not skipped) where they differ too much from round to round. */
interface Bound {
  readonly case: string;
  readonly words: string;
  /** One value a round that has all it needs; the promise is about their median. */
  readonly values: (rows: RowsByRound) => readonly number[];
  readonly limit: number;
  readonly sense: 'at most' | 'at least';
}

/** A bound's verdict with the interval that it was read from. */
export interface JudgedBound extends BoundResult {
  readonly estimate: Estimate;
}

/** Rows, found by round, case and peer. */
export class RowsByRound {
  readonly rounds: readonly number[];
  readonly #rows: ReadonlyMap<string, Row>;

  constructor(rows: readonly Row[]) {
    this.#rows = new Map(rows.map((row) => [`${row.run} ${row.case} ${row.peer}`, row]));
    this.rounds = [...new Set(rows.map((row) => row.run))].sort((a, b) => a - b);
  }

  get(round: number, id: string, peer: PeerName): Row | undefined {
    return this.#rows.get(`${round} ${id} ${peer}`);
  }

  /** A figure of each round in which it is there. */
  each(figure: (round: number) => number | undefined): number[] {
    return this.rounds.flatMap((round) => figure(round) ?? []);
  }
}

type Figure = (row: Row) => number | null;

const bandwidth: Figure = (row) => row.gigabits;
const p99: Figure = (row) => row.p99Ms;

function pair(
  rows: RowsByRound,
  round: number,
  id: string,
  peer: PeerName,
  figure: Figure,
): [number, number] | undefined {
  const [ours, theirs] = [rows.get(round, id, 'tulle'), rows.get(round, id, peer)];
  if (ours === undefined || theirs === undefined) return undefined;
  const [a, b] = [figure(ours), figure(theirs)];
  return a === null || b === null ? undefined : [a, b];
}

function ratio(rows: RowsByRound, round: number, id: string, peer: PeerName, figure: Figure): number | undefined {
  const found = pair(rows, round, id, peer, figure);
  return found === undefined || found[1] === 0 ? undefined : found[0] / found[1];
}

function cpuRatio(id: string, peer: PeerName, limit: number): Bound {
  return {
    case: id,
    words: `CPU of both hops, tulle / ${peer}`,
    values: (rows) => rows.each((round) => ratio(rows, round, id, peer, bothHops)),
    limit,
    sense: 'at most',
  };
}

/** What two measurements of the same thing may differ by before one is called worse. */
const sameness = 1.05;

/** The bounds of the request cases. Those of idle pods come from {@link boundOf}. */
const bounds: readonly Bound[] = [
  cpuRatio('http1-c32', 'envoy', 0.35),
  cpuRatio('http1-c32', 'haproxy', 0.75),
  cpuRatio('http1-c32-same-node-direct', 'envoy', 0.25),
  cpuRatio('http2-c32x10', 'envoy', 0.5),
  cpuRatio('grpc-unary-c32x10', 'envoy', 0.5),
  {
    case: 'http1-c256',
    words: `ratio to envoy at c=256 / ratio at c=32 (no worse, ${Math.round((sameness - 1) * 100)} % for measuring)`,
    values: (rows) =>
      rows.each((round) => {
        const many = ratio(rows, round, 'http1-c256', 'envoy', bothHops);
        const few = ratio(rows, round, 'http1-c32', 'envoy', bothHops);
        return many === undefined || few === undefined ? undefined : many / few;
      }),
    limit: sameness,
    sense: 'at most',
  },
  {
    case: 'latency-1000rps',
    words: 'p99 added over direct, tulle less envoy, ms',
    values: (rows) =>
      rows.each((round) => {
        const found = pair(rows, round, 'latency-1000rps', 'envoy', p99);
        return found === undefined ? undefined : found[0] - found[1];
      }),
    limit: 0,
    sense: 'at most',
  },
  {
    case: 'tcp-1-stream',
    words: 'gigabits, tulle / haproxy',
    values: (rows) => rows.each((round) => ratio(rows, round, 'tcp-1-stream', 'haproxy', bandwidth)),
    limit: 0.8,
    sense: 'at least',
  },
  cpuRatio('http1-new-connection', 'envoy', 1),
];

/** Judges every bound that the rows have something to say of. */
export function judge(rows: readonly Row[]): JudgedBound[] {
  const byRound = new RowsByRound(rows);
  return bounds.flatMap((bound) => {
    const values = bound.values(byRound);
    if (values.length === 0) return [];
    const judged = boundOf(bound, values);
    // What fails is not cheap.
    const errors = rows.reduce(
      (sum, row) => sum + (row.case === bound.case && row.peer === 'tulle' ? row.errors : 0),
      0,
    );
    return [errors === 0 ? judged : { ...judged, bound: `${judged.bound} (${errors} errors)`, holds: false }];
  });
}

/** A verdict about the median of one value a round. */
export function boundOf(bound: Omit<Bound, 'values'>, values: readonly number[]): JudgedBound {
  const found = estimate(values);
  const holds = bound.sense === 'at most' ? isAtMost(found, bound.limit) : isAtMost(mirrored(found), -bound.limit);
  return {
    case: bound.case,
    bound: `${bound.words}: ${bound.sense} ${bound.limit}`,
    value: rounded(found.median, 3),
    holds,
    estimate: found,
  };
}

function mirrored(of: Estimate): Estimate {
  return { ...of, median: -of.median, low: -of.high, high: -of.low };
}
