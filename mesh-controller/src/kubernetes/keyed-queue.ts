import { backoffDelayMs, errorMessage, type Clock, type Logger, type Timer } from '@tulle/core';

/** What a {@link KeyedQueue} is made from. */
export interface KeyedQueueOptions {
  /** For log lines: `the status of a route`. */
  readonly what: string;
  /** Does what is to be done for a key, as things are now; one that throws is tried again later. */
  readonly run: (key: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const maxAtOnce = 4;
const retryBackoff = { initialMs: 200, maxMs: 60_000, jitter: 0.5 };

/** Work to be done by key: each key is run once at a time, and once more if it was asked for meanwhile. */
export class KeyedQueue implements Disposable {
  readonly #options: KeyedQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Map<string, Timer>();
  #closed = false;

  constructor(options: KeyedQueueOptions) {
    this.#options = options;
  }

  /** Asks for a run of a key. A key that is being held back after a failure stays held back. */
  add(key: string): void {
    if (this.#closed || this.#retries.has(key)) return;
    this.#waiting.add(key);
    this.#pump();
  }

  /** Forgets everything that has not begun. */
  clear(): void {
    this.#waiting.clear();
    for (const timer of this.#retries.values()) timer.cancel();
    this.#retries.clear();
    this.#failures.clear();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.clear();
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= maxAtOnce) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const { clock, logger, run, what } = this.#options;
    try {
      await run(key);
      this.#failures.delete(key);
    } catch (thrown) {
      const failures = this.#failures.get(key) ?? 0;
      const level = failures === 0 ? 'debug' : 'warn';
      logger[level](`${what} could not be written; trying again`, { key, error: errorMessage(thrown) });
      if (!this.#closed) {
        this.#failures.set(key, failures + 1);
        const again = () => {
          this.#retries.delete(key);
          this.add(key);
        };
        this.#retries.set(key, clock.after(backoffDelayMs(retryBackoff, failures), again));
      }
    }
    this.#running.delete(key);
    this.#pump();
  }
}
