import type { Clock } from '@tulle/core';

/** How many requests each caller may make: `burst` at once, then `perSecond`. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Above this many callers, those whose buckets are full again are forgotten. */
const maxBuckets = 10_000;

/** A token bucket for each caller. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Takes one request of the caller's allowance; false when it has none left. */
  take(caller: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    let bucket = this.#buckets.get(caller);
    if (bucket === undefined) {
      if (this.#buckets.size >= maxBuckets) this.#forgetIdle(nowMs);
      bucket = { tokens: this.#limit.burst, filledAtMs: nowMs };
      this.#buckets.set(caller, bucket);
    }
    bucket.tokens = this.#tokensAt(bucket, nowMs);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #tokensAt(bucket: Bucket, nowMs: number): number {
    const gained = ((nowMs - bucket.filledAtMs) / 1000) * this.#limit.perSecond;
    return Math.min(this.#limit.burst, bucket.tokens + gained);
  }

  #forgetIdle(nowMs: number): void {
    for (const [caller, bucket] of this.#buckets) {
      if (this.#tokensAt(bucket, nowMs) >= this.#limit.burst) this.#buckets.delete(caller);
    }
  }
}
