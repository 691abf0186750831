import type { Clock, Timer } from '@tulle/core';

/**
 * Runs an action a short while after it was asked for: everything asked for meanwhile is served by that one run. The
 * delay is counted from the first request, so that a steady stream of requests cannot put the action off.
 */
export class Coalescer implements Disposable {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #action: () => void;
  #timer: Timer | undefined;

  constructor(options: { readonly clock: Clock; readonly delayMs: number; readonly action: () => void }) {
    this.#clock = options.clock;
    this.#delayMs = options.delayMs;
    this.#action = options.action;
  }

  /** Asks for a run. */
  request(): void {
    this.#timer ??= this.#clock.after(this.#delayMs, () => this.flush());
  }

  /** Runs now if a run was asked for. */
  flush(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#action();
  }

  /** Forgets the run that was asked for. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
