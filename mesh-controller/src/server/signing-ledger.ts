import type { Clock } from '@tulle/core';
import type { AuditRecord } from '@tulle/ca';

const dayMs = 24 * 60 * 60 * 1000;
const bucketMs = 10 * 60 * 1000;
const bucketCount = dayMs / bucketMs;

/** How many certificates were issued and refused in the last 24 hours, exact to ten minutes. */
export class SigningLedger {
  readonly #clock: Clock;
  readonly #issued = new RollingCount();
  readonly #refused = new RollingCount();
  #lastRefusal: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a decision of the certificate service. */
  record({ decision, caller, identity, reason }: AuditRecord): void {
    const counts = decision === 'issued' ? this.#issued : this.#refused;
    counts.add(this.#clock.monotonicMs());
    if (decision === 'issued') return;
    const who = caller ?? 'an unknown caller';
    this.#lastRefusal = `${who} asked for ${identity ?? 'a certificate'}: ${reason ?? 'refused'}`;
  }

  /** The numbers as they are now. */
  summary(): { readonly issued: number; readonly refused: number; readonly lastRefusal?: string } {
    const nowMs = this.#clock.monotonicMs();
    const counts = { issued: this.#issued.sum(nowMs), refused: this.#refused.sum(nowMs) };
    return this.#lastRefusal === undefined ? counts : { ...counts, lastRefusal: this.#lastRefusal };
  }
}

/** Counts over the last day in a ring of buckets. */
class RollingCount {
  readonly #buckets = Array.from({ length: bucketCount }, () => 0);
  /** The number of the bucket written last, counted from time 0. */
  #last = 0;

  add(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#last % bucketCount;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  sum(nowMs: number): number {
    this.#advance(nowMs);
    return this.#buckets.reduce((sum, count) => sum + count, 0);
  }

  #advance(nowMs: number): void {
    const current = Math.floor(nowMs / bucketMs);
    for (let steps = Math.min(bucketCount, current - this.#last); steps > 0; steps--) {
      this.#buckets[(current - steps + 1) % bucketCount] = 0;
    }
    this.#last = current;
  }
}
