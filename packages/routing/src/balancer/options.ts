import type { BackoffPolicy } from '@tulle/core';

/** How an endpoint balancer behaves; every time is in milliseconds. */
export interface BalancerOptions {
  /** How fast what was learnt about latency fades. */
  readonly latencyDecayMs: number;
  /** The latency that an endpoint is taken to have before any has answered; later ones start at the others' mean. */
  readonly firstGuessMs: number;
  /** Added to each latency, so that differences far below it decide nothing. */
  readonly latencyFloorMs: number;
  /** The share of the other's load below which an endpoint is preferred; nearer ones are taken at random. */
  readonly clearlyLess: number;
  /** How long an endpoint that is new, or back, gets less than its share. */
  readonly slowStartMs: number;
  /** After how many failures in a row an endpoint is ejected. */
  readonly failuresToEject: number;
  /** For how long: doubled with each probe that fails. */
  readonly ejection: BackoffPolicy;
  /** How long a probe may take before another one is let through. */
  readonly probeTimeoutMs: number;
  /** Requests in flight at the near endpoint before ones farther away are considered. */
  readonly spillOverInFlight: number;
  /** How many times the load of one farther away the near endpoint may have before requests spill over. */
  readonly spillOverRatio: number;
}

/** Peak EWMA decaying over 10 s, first guess 30 ms; 7 failures in a row eject for 1 s, doubling to 60 s. */
export const defaultBalancerOptions: BalancerOptions = {
  latencyDecayMs: 10_000,
  firstGuessMs: 30,
  latencyFloorMs: 5,
  clearlyLess: 0.8,
  slowStartMs: 10_000,
  failuresToEject: 7,
  ejection: { initialMs: 1_000, maxMs: 60_000, jitter: 0.2 },
  probeTimeoutMs: 30_000,
  spillOverInFlight: 8,
  spillOverRatio: 4,
};
