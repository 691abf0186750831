import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '@tulle/core';
import type { CliContext } from '../cli-context.ts';

/** How long something is waited for, and how its progress is shown. */
export interface WaitOptions {
  readonly context: CliContext;
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** What did not come, for the error: `the mesh is not ready`. */
  readonly failure: string;
  /** What to do next. */
  readonly hint: string;
}

const intervalMs = 1000;

/**
 * Asks `missing` again and again until it gives undefined; what it gives until then is what is still missing, and is
 * shown whenever it changes. Throws a {@link CodedError} `TimedOut`.
 */
export async function waitUntilNothingIsMissing(
  missing: () => Promise<string | undefined>,
  { context, failure, hint, timeoutMs }: WaitOptions,
): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  let shown: string | undefined;
  for (;;) {
    const found = await missing();
    if (found === undefined) return;
    if (found !== shown) context.printError(`  waiting: ${found}\n`);
    shown = found;
    if (performance.now() >= untilMs) throw new CodedError('TimedOut', `${failure}: ${found}`, { hint });
    await sleep(intervalMs);
  }
}
