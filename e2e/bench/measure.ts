import type { BenchCase } from './cases.ts';
import { ForeignCpu } from './foreign.ts';
import type { Lab } from './lab.ts';
import { runGrpcStream } from './load/grpc-stream.ts';
import { runH2load } from './load/h2load.ts';
import { runIperf } from './load/iperf.ts';
import { runOpenLoop } from './load/open-loop.ts';
import { runWrk } from './load/wrk.ts';
import type { LoadResult, PeerName } from './model.ts';
import { cpuTimeOf, machineBusyMicros, residentMiB } from './processes.ts';
import type { CpuTime } from './processes.ts';

/** How a load is run. */
export interface LoadOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** What was seen of a peer under a load. */
export interface Measurement {
  readonly load: LoadResult;
  /** CPU time of the proxies; undefined for `direct`. */
  readonly first: CpuTime | undefined;
  readonly second: CpuTime | undefined;
  /** What the machine was busy with, less what other processes of this machine used. */
  readonly machineMicros: number;
  readonly rssMiB: number | null;
  readonly foreignCpuShare: number;
}

/** Runs the load of a case at a peer. */
export function runLoad(lab: Lab, bench: BenchCase, peer: PeerName, options: LoadOptions): Promise<LoadResult> {
  const { load } = bench;
  switch (load.kind) {
    case 'http1':
      return runWrk(lab.target(peer, bench.placement), { ...load, ...options });
    case 'http2':
      return runH2load(lab.target(peer, 'h2'), { ...load, ...options });
    case 'grpc-stream':
      return runGrpcStream(lab.target(peer, 'h2'), { ...load, ...options });
    case 'open-loop':
      return runOpenLoop(lab.target(peer, bench.placement), { ...load, ...options });
    case 'bulk':
      return runIperf(lab.target(peer, 'bulk'), { ...load, ...options });
    case 'idle':
      throw new Error('idle pods are measured in a playground of their own');
  }
}

/** Runs the load and looks at the processes and the machine before and after. */
export async function measure(lab: Lab, bench: BenchCase, peer: PeerName, options: LoadOptions): Promise<Measurement> {
  const hops = lab.hops(peer, bench.placement);
  const foreign = new ForeignCpu(lab.ground.namespaces());
  const before = [cpuTimeOf(hops.first), cpuTimeOf(hops.second), machineBusyMicros()] as const;
  const load = await runLoad(lab, bench, peer, options);
  const after = [cpuTimeOf(hops.first), cpuTimeOf(hops.second), machineBusyMicros()] as const;
  const foreignMicros = foreign.micros();
  const busyMicros = after[2] - before[2];
  const hasProxies = peer !== 'direct';
  return {
    load,
    first: hasProxies ? difference(after[0], before[0]) : undefined,
    second: hasProxies ? difference(after[1], before[1]) : undefined,
    machineMicros: Math.max(0, busyMicros - foreignMicros),
    rssMiB: hasProxies ? residentMiB([...hops.first, ...hops.second]) : null,
    foreignCpuShare: busyMicros === 0 ? 0 : foreignMicros / busyMicros,
  };
}

function difference(after: CpuTime, before: CpuTime): CpuTime {
  return { user: after.user - before.user, system: after.system - before.system };
}
