import type { Clock, Timer } from '@tulle/core';

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that stands still until {@link FakeClock.advance} moves it. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  #order = 0;
  readonly #planned = new Set<Planned>();

  /** `startMs`: the first time it shows, milliseconds since the epoch. */
  constructor(startMs: number = Date.UTC(2030, 0, 1)) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const planned: Planned = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#planned.add(planned);
    const cancel = () => {
      this.#planned.delete(planned);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** How many timers are waiting. */
  get timers(): number {
    return this.#planned.size;
  }

  /** When the next timer is due, in milliseconds from now; undefined without one. */
  get nextInMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.atMs - this.#nowMs;
  }

  /** Moves the time forward, calling each timer that falls due, in order, with the time at which it was due. */
  advance(byMs: number): void {
    const until = this.#nowMs + byMs;
    for (let next = this.#next(); next !== undefined && next.atMs <= until; next = this.#next()) {
      this.#planned.delete(next);
      this.#nowMs = next.atMs;
      next.action();
    }
    this.#nowMs = until;
  }

  #next(): Planned | undefined {
    let first: Planned | undefined;
    for (const planned of this.#planned) {
      const earlier = first === undefined || planned.atMs < first.atMs;
      if (earlier || (planned.atMs === first?.atMs && planned.order < first.order)) first = planned;
    }
    return first;
  }
}
