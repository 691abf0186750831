import type { RotatableAuthority } from '@tulle/ca';
import { errorMessage, type Clock, type Logger, type Timer } from '@tulle/core';

/** What a {@link RotationDriver} is made from. */
export interface RotationDriverOptions {
  readonly rotation: RotatableAuthority;
  /** Why the next step would break connections. */
  readonly waitsFor: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

const lookEveryMs = 1000;
/** Agents hear of a phase, renew, and report; nothing is hurried. */
const leastPhaseMs = 15_000;

/** Leads a rotation on that an operator began by giving another issuer. One that `tulle ca rotate` began is left alone. */
export class RotationDriver implements Disposable {
  readonly #options: RotationDriverOptions;
  #timer: Timer | undefined;
  #seen: { readonly phase: string; readonly atMs: number } | undefined;

  constructor(options: RotationDriverOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    this.#timer = clock.after(lookEveryMs, () => void this.#look().finally(() => this.#next()));
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #next(): void {
    if (this.#timer !== undefined) this.start();
  }

  async #look(): Promise<void> {
    const { clock, logger, rotation, waitsFor } = this.#options;
    const { phase } = rotation;
    const nowMs = clock.monotonicMs();
    if (this.#seen?.phase !== phase) this.#seen = { phase, atMs: nowMs };
    if (!rotation.automatic || phase === 'idle' || nowMs - this.#seen.atMs < leastPhaseMs) return;
    if (waitsFor().length > 0) return;
    try {
      await rotation.take(phase === 'prepared' ? 'switch' : 'finish');
      logger.info('the root that was given is taken over', { phase: rotation.phase });
    } catch (thrown) {
      logger.warn('the root that was given cannot be taken over; trying again', { error: errorMessage(thrown) });
    }
  }
}
