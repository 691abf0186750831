/** How long to wait between tries: `initialMs`, doubling, up to `maxMs`, less up to `jitter` (0 to 1) of it at random. */
export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}

/** The delay before try number `attempt` (0 is the first retry). `random` gives numbers in [0, 1). */
export function backoffDelayMs(policy: BackoffPolicy, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(policy.maxMs, policy.initialMs * 2 ** Math.min(attempt, 30));
  return full * (1 - policy.jitter * random());
}
