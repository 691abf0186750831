/**
 * An error with a stable code, for programs, and a message, for people.
 *
 * `hint` says what to do next; a command prints it on a line of its own.
 */
export class CodedError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** The message of anything that was thrown, with the messages of its causes behind it. */
export function errorMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${errorMessage(thrown.cause)}`;
}
