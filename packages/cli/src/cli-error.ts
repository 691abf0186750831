import { CodedError, errorMessage } from '@tulle/core';

/** The exit statuses of `tulle`. */
export const exitStatus = { ok: 0, failed: 1, usage: 2 } as const;

/** An error in how the command was called: exit status 2. */
export class UsageError extends CodedError {
  constructor(message: string, hint?: string) {
    super('Usage', message, hint === undefined ? {} : { hint });
    this.name = 'UsageError';
  }
}

/** What a failure looks like on standard error: `tulle: what happened`, and a line with what to do next. */
export function formatError(thrown: unknown): string {
  const hint = thrown instanceof CodedError ? thrown.hint : undefined;
  return `tulle: ${errorMessage(thrown)}\n${hint === undefined ? '' : `  Try: ${hint}\n`}`;
}

/** The exit status of a failure. */
export function exitStatusOf(thrown: unknown): number {
  return thrown instanceof UsageError ? exitStatus.usage : exitStatus.failed;
}
