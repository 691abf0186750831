/** A median with an interval that it lies in with some certainty. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** The number of values. */
  readonly count: number;
  /** Whether `low` to `high` holds the true median with at least {@link confidence}. */
  readonly certain: boolean;
}

/** How sure an interval of {@link estimate} is when it says that it is certain. */
export const confidence = 0.9;

/** The middle value; the mean of the two middle ones where there is no middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * The median of paired rounds and the narrowest interval of order statistics that holds the true median with
 * {@link confidence}, whatever the distribution. With fewer than five rounds no interval does, not even the widest.
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  let cut = 0;
  while (coverage(count, cut + 1) >= confidence) cut++;
  return {
    median: median(sorted),
    low: sorted[cut] ?? Number.NaN,
    high: sorted[count - 1 - cut] ?? Number.NaN,
    count,
    certain: coverage(count, cut) >= confidence,
  };
}

/** The probability that the median lies between the values left when `cut` are dropped at each end. */
function coverage(count: number, cut: number): number {
  if (2 * cut >= count) return 0;
  let tail = 0;
  let binomial = 1;
  for (let k = 0; k <= cut; k++) {
    tail += binomial;
    binomial = (binomial * (count - k)) / (k + 1);
  }
  return 1 - (2 * tail) / 2 ** count;
}

/** Whether a value is at most a limit: undecided (null) where the interval has the limit inside, or is not certain. */
export function isAtMost(value: Estimate, limit: number): boolean | null {
  if (!value.certain) return null;
  if (value.high <= limit) return true;
  return value.low > limit ? false : null;
}

/** The value below which `share` of the sorted values lie (nearest rank); null of nothing. */
export function percentile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}
