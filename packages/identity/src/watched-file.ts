import { readFileSync, statSync } from 'node:fs';
import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';

/**
 * A small file that others replace now and then (a token, a trust bundle): parsed again when its identity, size or time
 * of change differs, and otherwise as it was. Costs one `stat` a call.
 */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #parse: (text: string) => Result<T, CodedError>;
  #stamp = '';
  #last: Result<T, CodedError> | undefined;

  constructor(path: string, options: { maxBytes: number; parse: (text: string) => Result<T, CodedError> }) {
    this.#path = path;
    this.#maxBytes = options.maxBytes;
    this.#parse = options.parse;
  }

  /** The file's present value. Error code `unreadable-file`, or the parser's; the message names the file. */
  read(): Result<T, CodedError> {
    try {
      const { dev, ino, size, mtimeNs } = statSync(this.#path, { bigint: true });
      const stamp = `${dev} ${ino} ${size} ${mtimeNs}`;
      if (this.#last !== undefined && stamp === this.#stamp) return this.#last;
      if (size > this.#maxBytes) {
        return err(new CodedError('unreadable-file', `${this.#path} is longer than ${this.#maxBytes} bytes`));
      }
      const parsed = this.#parse(readFileSync(this.#path, 'utf8'));
      this.#last = parsed.ok ? parsed : err(this.#named(parsed.error));
      this.#stamp = stamp;
      return this.#last;
    } catch (cause) {
      this.#last = undefined;
      return err(new CodedError('unreadable-file', `${this.#path} cannot be read: ${errorMessage(cause)}`));
    }
  }

  #named(error: CodedError): CodedError {
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new CodedError(error.code, `${this.#path}: ${error.message}`, { cause: error.cause, ...hint });
  }
}

/** Parses a bearer token's file: one line without spaces. Error code: `invalid-token`. */
export function parseTokenFile(text: string): Result<string, CodedError> {
  const token = text.trim();
  return /^[\x21-\x7e]+$/.test(token)
    ? ok(token)
    : err(new CodedError('invalid-token', 'expected one line with a token'));
}
