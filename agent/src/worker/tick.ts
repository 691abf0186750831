import { createHistogram } from 'node:perf_hooks';

/** Something that has a deadline, looked at on each tick. */
export interface Deadline {
  /** On the worker's monotonic clock; Infinity when nothing is waited for. */
  deadlineMs: number;
  onDeadline(): void;
}

/**
 * One coarse timer for everything in a worker that waits: a timer of Node's for each request would cost more than the
 * request. Deadlines are met to within {@link Ticker.intervalMs}.
 */
export class Ticker {
  readonly intervalMs: number;
  /** The monotonic time of the last tick; good enough for stamps on the request path. */
  nowMs = performance.now();
  readonly #waiting = new Set<Deadline>();
  /** In microseconds, from 1. */
  readonly #lateness = createHistogram();
  readonly #timer: NodeJS.Timeout;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
    this.#timer = setInterval(() => this.tick(performance.now()), intervalMs);
    this.#timer.unref();
  }

  /** Watches the deadline of `item` until {@link remove}. */
  add(item: Deadline): void {
    this.#waiting.add(item);
  }

  remove(item: Deadline): void {
    this.#waiting.delete(item);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  /** How late the event loop was for a tick, at the 99th percentile since the start, in milliseconds. */
  get latenessP99Ms(): number {
    return this.#lateness.count === 0 ? 0 : (this.#lateness.percentile(99) - 1) / 1_000;
  }

  /** Looks at every deadline. */
  tick(nowMs: number): void {
    const lateMs = Math.max(0, nowMs - this.nowMs - this.intervalMs);
    this.#lateness.record(1 + Math.round(lateMs * 1_000));
    this.nowMs = nowMs;
    for (const item of this.#waiting) {
      if (item.deadlineMs > this.nowMs) continue;
      item.deadlineMs = Number.POSITIVE_INFINITY;
      item.onDeadline();
    }
  }
}
