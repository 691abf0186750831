import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage, type Logger } from '@tulle/core';

/**
 * Keeps the number of the last configuration that was given out, so that numbers go on counting up after a restart: what
 * people read as newer is newer. Nothing else depends on it, so a failure is logged and that is all.
 */
export class VersionFile {
  /** The number that was last given out before this process; 0 for none. */
  readonly last: number;
  readonly #path: string;
  readonly #logger: Logger;
  #written: string;

  constructor(stateDir: string, logger: Logger) {
    this.#path = join(stateDir, 'config-version');
    this.#logger = logger;
    this.last = readNumber(this.#path);
    this.#written = `v${this.last}`;
  }

  /** Notes a version, `v12`. */
  note(version: string): void {
    if (version === this.#written) return;
    this.#written = version;
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true });
      writeFileSync(`${this.#path}.new`, `${version.slice(1)}\n`);
      renameSync(`${this.#path}.new`, this.#path);
    } catch (thrown) {
      this.#logger.warn('the number of the configuration cannot be kept', { error: errorMessage(thrown) });
    }
  }
}

function readNumber(path: string): number {
  try {
    const value = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(value) && value > 0 ? value : 0;
  } catch {
    return 0;
  }
}
