import { setTimeout as delay } from 'node:timers/promises';
import { CodedError, errorMessage } from '@tulle/core';

/** How often a condition is looked at. Each look may start a process, so it is not done more often. */
const intervalMs = 150;

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the wait at once, with the signal's reason: something this waits for has died. */
  readonly signal?: AbortSignal;
}

/**
 * Waits until `look` gives something else than undefined. What `look` throws means "not yet" and is told when the time
 * is over.
 *
 * @throws CodedError `wait-timeout` that names `what`; the signal's reason
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const deadlineMs = performance.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    options.signal?.throwIfAborted();
    if (performance.now() >= deadlineMs) {
      const why = last === undefined ? '' : `; last: ${errorMessage(last)}`;
      throw new CodedError('wait-timeout', `${what}: not so after ${options.timeoutMs / 1000} s${why}`);
    }
    await delay(intervalMs);
  }
}
