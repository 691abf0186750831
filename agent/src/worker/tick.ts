import { createHistogram } from 'node:perf_hooks';
import { SlotSet } from '@tulle/core';

/** Something that has a deadline, looked at on each tick. */
export interface Deadline {
  /** On the worker's monotonic clock; Infinity when nothing is waited for. */
  deadlineMs: number;
  /** Its deadline is met late, by {@link asleepMs} at most, while nothing else happens. */
  readonly mayWait?: boolean;
  /** Its place in the ticker; the ticker's alone. */
  tickerSlot?: number;
  onDeadline(): void;
}

class Deadlines extends SlotSet<Deadline> {
  protected override placeOf(member: Deadline): number | undefined {
    return member.tickerSlot;
  }

  protected override place(member: Deadline, at: number): void {
    member.tickerSlot = at;
  }
}

/** So many ticks without anybody who asked for the time make the ticker sleep. */
const ticksUntilSleep = 40;

/** A ticker that sleeps looks at its deadlines so often. */
export const asleepMs = 1_000;

/**
 * One coarse timer for everything in a worker that waits: a timer of Node's for each request would cost more than the
 * request. Deadlines are met to within {@link Ticker.intervalMs}; while nobody asks for the time and nothing is due soon,
 * it sleeps, so that an idle worker is one. Whoever asks for the time wakes it.
 *
 * An event loop that was held up runs its timers before it reads what came meanwhile: then deadlines wait for the next
 * tick, so that what came in time counts.
 */
export class Ticker {
  readonly intervalMs: number;
  #nowMs = performance.now();
  readonly #waiting = new Deadlines();
  /** In microseconds, from 1. */
  readonly #lateness = createHistogram();
  #timer: NodeJS.Timeout;
  #dueMs: number;
  #asleep = false;
  #asked = false;
  #quietTicks = 0;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
    this.#dueMs = this.#nowMs + intervalMs;
    this.#timer = this.#every(intervalMs);
  }

  /** The monotonic time of the last tick; good enough for stamps on the request path. */
  get nowMs(): number {
    this.#asked = true;
    if (this.#asleep) this.#wake();
    return this.#nowMs;
  }

  /** Watches the deadline of `item` until {@link remove}. */
  add(item: Deadline): void {
    this.#asked = true;
    if (this.#asleep) this.#wake();
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

  /** Whether it sleeps. */
  get isAsleep(): boolean {
    return this.#asleep;
  }

  /** Looks at every deadline. */
  tick(nowMs: number): void {
    const wasAsleep = this.#asleep;
    this.#asleep = false;
    this.#quietTicks = this.#asked ? 0 : this.#quietTicks + 1;
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    this.#lateness.record(1 + Math.round(lateMs * 1_000));
    // What was due at the tick before was left then, if at all.
    const dueMs = lateMs > this.intervalMs ? this.#nowMs : nowMs;
    this.#nowMs = nowMs;
    // From the last to the first: whoever takes a place when another goes was looked at, or will be again.
    for (let place = this.#waiting.size - 1; place >= 0; place--) {
      const item = this.#waiting.at(place);
      // More than one may have gone at once.
      if (item === undefined) continue;
      if (item.deadlineMs <= dueMs) {
        item.deadlineMs = Number.POSITIVE_INFINITY;
        item.onDeadline();
      }
    }
    // What the deadlines themselves asked is no work.
    this.#asked = false;
    const sleeps = this.#quietTicks >= ticksUntilSleep && this.#soonestMs() - nowMs > asleepMs;
    this.#dueMs = nowMs + (sleeps ? asleepMs : this.intervalMs);
    this.#asleep = sleeps;
    if (sleeps !== wasAsleep) this.#restart(sleeps ? asleepMs : this.intervalMs);
  }

  /** The next deadline that may not wait. */
  #soonestMs(): number {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const { deadlineMs, mayWait } of this.#waiting) {
      if (mayWait !== true && deadlineMs < soonestMs) soonestMs = deadlineMs;
    }
    return soonestMs;
  }

  #wake(): void {
    this.#asleep = false;
    this.#quietTicks = 0;
    this.#nowMs = performance.now();
    this.#dueMs = this.#nowMs + this.intervalMs;
    this.#restart(this.intervalMs);
  }

  #restart(intervalMs: number): void {
    clearInterval(this.#timer);
    this.#timer = this.#every(intervalMs);
  }

  #every(intervalMs: number): NodeJS.Timeout {
    const timer = setInterval(() => this.tick(performance.now()), intervalMs);
    timer.unref();
    return timer;
  }
}
