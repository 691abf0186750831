import type { BenchCase } from './cases.ts';
import type { Measurement } from './measure.ts';
import type { PeerName, Row } from './model.ts';
import type { CpuTime } from './processes.ts';

/** The row of a measurement. `direct` is what `direct` took in the same round, where it is among the peers. */
export function rowOf(
  place: { readonly bench: BenchCase; readonly peer: PeerName; readonly run: number },
  measured: Measurement,
  direct: Measurement | undefined,
): Row {
  const { load } = measured;
  const { requests } = load;
  const machine = perRequest(measured.machineMicros, requests);
  const bare = direct === undefined ? null : perRequest(direct.machineMicros, direct.load.requests);
  const isDirect = place.peer === 'direct';
  return {
    case: place.bench.id,
    peer: place.peer,
    run: place.run,
    cpuMicrosPerRequest: {
      first: hop(measured.first, requests),
      second: hop(measured.second, requests),
      machine: isDirect ? machine : machine === null || bare === null ? null : rounded(machine - bare, 2),
    },
    requestsPerSecond: requests === null ? null : rounded(requests / load.seconds, 1),
    p50Ms: load.p50Ms === null ? null : rounded(load.p50Ms, 3),
    p99Ms: load.p99Ms === null ? null : rounded(load.p99Ms, 3),
    p999Ms: load.p999Ms === null ? null : rounded(load.p999Ms, 3),
    rssMiB: measured.rssMiB === null ? null : rounded(measured.rssMiB, 1),
    gigabits: load.gigabits === null ? null : rounded(load.gigabits, 4),
    errors: load.errors,
  };
}

function hop(cpu: CpuTime | undefined, requests: number | null): number | null {
  return cpu === undefined ? null : perRequest(cpu.user + cpu.system, requests);
}

function perRequest(micros: number, requests: number | null): number | null {
  return requests === null || requests === 0 ? null : rounded(micros / requests, 2);
}

/** A number with so many decimals. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

/** CPU time of both hops of a row, or null. */
export function bothHops(row: Row): number | null {
  const { first, second } = row.cpuMicrosPerRequest;
  return first === null ? null : first + (second ?? 0);
}
