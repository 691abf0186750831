import type { Clock, Timer } from '@tulle/core';
import type { ProbeFinding } from './probe.ts';

/** How often, and how many findings in a row change the verdict. */
export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** Between the first tries, until the first success: a program that has just started is asked often. */
const eagerPeriodMs = 50;

/** Probes again and again, and tells when the verdict changes. */
export class ProbeLoop implements Disposable {
  readonly #probe: () => Promise<ProbeFinding>;
  readonly #timing: ProbeTiming;
  readonly #clock: Clock;
  readonly #onVerdict: (well: boolean, finding: ProbeFinding) => void;
  #timer: Timer | undefined;
  #closed = false;
  #well: boolean;
  #everWell: boolean;
  #inARow = 0;
  #tries = 0;

  constructor(options: {
    readonly probe: () => Promise<ProbeFinding>;
    readonly timing: ProbeTiming;
    readonly clock: Clock;
    /** The verdict before the first probe: a readiness begins as failing, a liveness as well. */
    readonly beginsWell: boolean;
    /** Called when the verdict changes, and for each failure while there has been no success yet. */
    readonly onVerdict: (well: boolean, finding: ProbeFinding) => void;
  }) {
    this.#probe = options.probe;
    this.#timing = options.timing;
    this.#clock = options.clock;
    this.#onVerdict = options.onVerdict;
    this.#well = options.beginsWell;
    this.#everWell = options.beginsWell;
    this.#schedule(options.timing.initialDelayMs);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => void this.#once());
  }

  async #once(): Promise<void> {
    const finding = await this.#probe();
    if (this.#closed) return;
    const good = finding === undefined;
    this.#tries++;
    this.#inARow = good === this.#well ? 0 : this.#inARow + 1;
    if (this.#inARow >= (good ? this.#timing.successThreshold : this.#timing.failureThreshold)) {
      this.#well = good;
      this.#everWell ||= good;
      this.#inARow = 0;
      this.#onVerdict(good, finding);
    } else if (!this.#everWell && !good) {
      this.#onVerdict(false, finding);
    }
    const eager = Math.min(this.#timing.periodMs, eagerPeriodMs * 1.3 ** Math.min(this.#tries, 40));
    if (!this.#closed) this.#schedule(this.#everWell ? this.#timing.periodMs : eager);
  }
}
