import { benchCases } from '../cases.ts';
import { peerNames } from '../model.ts';
import type { PeerName, Row } from '../model.ts';
import { bothHops } from '../rows.ts';
import { estimate } from '../statistics.ts';
import type { Estimate } from '../statistics.ts';

/** The medians of one case with one peer. */
export interface Summary {
  readonly case: string;
  readonly peer: PeerName;
  readonly first: Estimate | undefined;
  readonly second: Estimate | undefined;
  readonly both: Estimate | undefined;
  readonly machine: Estimate | undefined;
  readonly requestsPerSecond: Estimate | undefined;
  readonly p50Ms: Estimate | undefined;
  readonly p99Ms: Estimate | undefined;
  readonly p999Ms: Estimate | undefined;
  readonly rssMiB: Estimate | undefined;
  readonly gigabits: Estimate | undefined;
  readonly errors: number;
}

/** The medians over the rounds, in the order of the cases and the peers. */
export function summarize(rows: readonly Row[]): Summary[] {
  return benchCases.flatMap((bench) =>
    peerNames.flatMap((peer) => {
      const mine = rows.filter((row) => row.case === bench.id && row.peer === peer);
      return mine.length === 0 ? [] : [summaryOf(bench.id, peer, mine)];
    }),
  );
}

function summaryOf(id: string, peer: PeerName, rows: readonly Row[]): Summary {
  const of = (figure: (row: Row) => number | null): Estimate | undefined => {
    const values = rows.flatMap((row) => figure(row) ?? []);
    return values.length === 0 ? undefined : estimate(values);
  };
  return {
    case: id,
    peer,
    first: of((row) => row.cpuMicrosPerRequest.first),
    second: of((row) => row.cpuMicrosPerRequest.second),
    both: of(bothHops),
    machine: of((row) => row.cpuMicrosPerRequest.machine),
    requestsPerSecond: of((row) => row.requestsPerSecond),
    p50Ms: of((row) => row.p50Ms),
    p99Ms: of((row) => row.p99Ms),
    p999Ms: of((row) => row.p999Ms),
    rssMiB: of((row) => row.rssMiB),
    gigabits: of((row) => row.gigabits),
    errors: rows.reduce((sum, row) => sum + row.errors, 0),
  };
}
