import type { Estimate } from './statistics.ts';

/** What is measured against what. `direct` is the application without any proxy. */
export const peerNames = ['tulle', 'envoy', 'envoy-tcp', 'haproxy', 'direct'] as const;

/** One of {@link peerNames}. */
export type PeerName = (typeof peerNames)[number];

/** CPU time of one request, in microseconds of user and system time together. */
export interface CpuMicros {
  /** Of the proxy at the client; null where there is none, or where the load has no requests. */
  readonly first: number | null;
  /** Of the proxy at the server; 0 where one process is both. */
  readonly second: number | null;
  /** Of the whole machine, less that of `direct` in the same round. `direct`'s own is the whole. */
  readonly machine: number | null;
}

/** One measurement: a case, with a peer, in a round. */
export interface Row {
  readonly case: string;
  readonly peer: PeerName;
  /** The round, from 1. */
  readonly run: number;
  readonly cpuMicrosPerRequest: CpuMicros;
  readonly requestsPerSecond: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  /** Resident memory of all the peer's proxy processes together; null for `direct`. */
  readonly rssMiB: number | null;
  readonly gigabits: number | null;
  readonly errors: number;
}

/** Whether a promise was kept in this run. */
export interface BoundResult {
  readonly case: string;
  /** The promise in words. */
  readonly bound: string;
  /** The median over the rounds. */
  readonly value: number;
  /** Null when the rounds differ too much, or are too few, to tell: that is no pass. */
  readonly holds: boolean | null;
}

/** What the figures were measured on, and how. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly versions: { readonly [program: string]: string };
  readonly startedAt: string;
  readonly rounds: number;
  readonly seconds: number;
  /** The largest share of the busy CPU time of one measurement that went to processes which are not the benchmark's. */
  readonly foreignCpuShare: number;
}

/** One measurement of a row. */
export interface FeatureSample {
  readonly feature: string;
  /** The round, from 1. */
  readonly run: number;
  /** The place in the round. */
  readonly at: number;
  /** CPU microseconds of a request, user and system time: of the client's agent, and of the server's. */
  readonly firstMicros: number;
  readonly secondMicros: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number | null;
  readonly errors: number;
}

/** What a row's own comparison says. */
export type CostVerdict = 'costs' | 'saves' | 'nothing measurable' | 'inconclusive' | 'too few rounds';

/** The figures of one row over all rounds. */
export interface FeatureCost {
  readonly feature: string;
  readonly against: string | undefined;
  /** CPU microseconds of a request, both hops. */
  readonly micros: Estimate;
  /** The same less that of `against`, round by round. */
  readonly added: Estimate | undefined;
  /** The same divided by that of `against`, round by round. */
  readonly ratio: Estimate | undefined;
  readonly verdict: CostVerdict | undefined;
  /** Whether `atMost` holds; null where the rounds cannot tell, undefined where there is no limit. */
  readonly holds: boolean | null | undefined;
  readonly requestsPerSecond: Estimate;
  readonly errors: number;
}

/** What `--features --json` writes beside the other figures. */
export interface FeatureReport {
  readonly machine: Machine;
  readonly samples: readonly FeatureSample[];
  /** What follows from the samples. */
  readonly costs: readonly FeatureCost[];
}

/** The document that `--json` writes. */
export interface BenchReport {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly bounds: readonly BoundResult[];
  /** What each feature costs, where that was measured; with the machine of its own run. */
  readonly features?: FeatureReport;
}

/** What a load client saw. Times are of whole requests. */
export interface LoadResult {
  readonly requests: number | null;
  readonly seconds: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly gigabits: number | null;
  readonly errors: number;
}
