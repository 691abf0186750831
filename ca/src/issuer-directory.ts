import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, err, errorMessage, type Clock, type Logger, type Result, type Timer } from '@tulle/core';
import type { IssuerPem } from './certificate-authority.ts';
import { issuerFileNames, readIssuer } from './issuer-files.ts';

/** What an {@link IssuerDirectory} is made from. */
export interface IssuerDirectoryOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const maxFileBytes = 1024 * 1024;
const lookEveryMs = 2000;

/** An issuer in a directory, such as a mounted Secret: read, and read again when its files change. */
export class IssuerDirectory implements Disposable {
  readonly #options: IssuerDirectoryOptions;
  #stamp = '';
  #timer: Timer | undefined;

  constructor(options: IssuerDirectoryOptions) {
    this.#options = options;
  }

  /** The issuer as the files have it now. Error codes: `unreadable-file`, and those of {@link readIssuer}. */
  read(): Result<IssuerPem, CodedError> {
    const { directory } = this.#options;
    this.#stamp = this.#stampNow();
    try {
      return readIssuer((name) => readSmall(join(directory, name)));
    } catch (cause) {
      return err(new CodedError('unreadable-file', `the issuer in ${directory}: ${errorMessage(cause)}`));
    }
  }

  /** Calls `onIssuer` with each issuer that comes; one that cannot be used is logged, and the one before stays. */
  watch(onIssuer: (issuer: IssuerPem) => void): void {
    const { clock, directory, logger } = this.#options;
    this.#timer = clock.after(lookEveryMs, () => {
      if (this.#stampNow() !== this.#stamp) {
        try {
          const issuer = this.read();
          if (!issuer.ok) throw issuer.error;
          onIssuer(issuer.value);
        } catch (thrown) {
          logger.error('the issuer that was given cannot be used; the one before stays', {
            directory,
            error: errorMessage(thrown),
          });
        }
      }
      this.watch(onIssuer);
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #stampNow(): string {
    return issuerFileNames.map((name) => stampOf(join(this.#options.directory, name))).join(' ');
  }
}

function stampOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '-' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`;
}

function readSmall(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.size > maxFileBytes)
    throw new CodedError('unreadable-file', `${path} is longer than ${maxFileBytes} bytes`);
  return readFileSync(path, 'utf8');
}
