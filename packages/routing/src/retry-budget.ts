import type { RetryBudget } from '@tulle/ir';

/** 20 % of the requests over 10 s, and at least 10 a second. */
export const defaultRetryBudget: RetryBudget = { percent: 20, intervalMs: 10_000, minPerSecond: 10 };

const slots = 10;

/**
 * Bounds retries to a share of the requests, so that retrying a backend in trouble does not multiply its load. Requests
 * and retries are counted over a window that slides in tenths. One for each backend Service and worker.
 */
export class RetryBudgetMeter {
  private readonly budget: RetryBudget;
  private readonly slotMs: number;
  private readonly requests = new Float64Array(slots);
  private readonly retries = new Float64Array(slots);
  private requestSum = 0;
  private retrySum = 0;
  private slot = -1;

  constructor(budget: RetryBudget = defaultRetryBudget) {
    this.budget = budget;
    this.slotMs = budget.intervalMs / slots;
  }

  /** Counts a request's first attempt. Times are of a clock that never goes back. */
  countRequest(nowMs: number): void {
    const at = this.advance(nowMs);
    this.requests[at] = (this.requests[at] as number) + 1;
    this.requestSum++;
  }

  /** Whether one more retry fits; if so it is counted. */
  tryRetry(nowMs: number): boolean {
    const at = this.advance(nowMs);
    const { percent, intervalMs, minPerSecond } = this.budget;
    const allowed = (this.requestSum * percent) / 100 + (minPerSecond * intervalMs) / 1000;
    if (this.retrySum + 1 > allowed) return false;
    this.retries[at] = (this.retries[at] as number) + 1;
    this.retrySum++;
    return true;
  }

  /** Empties the slots that have left the window; gives the index of the present one. */
  private advance(nowMs: number): number {
    const slot = Math.floor(nowMs / this.slotMs);
    const steps = this.slot < 0 ? slots : Math.min(slot - this.slot, slots);
    for (let i = 1; i <= steps; i++) {
      const at = (((slot - steps + i) % slots) + slots) % slots;
      this.requestSum -= this.requests[at] as number;
      this.retrySum -= this.retries[at] as number;
      this.requests[at] = 0;
      this.retries[at] = 0;
    }
    this.slot = Math.max(slot, this.slot);
    return this.slot % slots;
  }
}
