import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../files.ts';

/** Keeps a directory of files equal to what was asked for, and touches only those that differ. */
export class ObjectWriter {
  readonly #directory: string;
  #written: ReadonlyMap<string, string> = new Map();

  /** The directory is made, and expected to be nobody else's. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** Writes what is new or changed and removes what is gone; gives whether there was anything. */
  write(files: ReadonlyMap<string, string>): boolean {
    let changed = false;
    for (const [name, content] of files) {
      if (this.#written.get(name) === content) continue;
      writeFileAtomically(join(this.#directory, name), content);
      changed = true;
    }
    for (const name of this.#written.keys()) {
      if (files.has(name)) continue;
      rmSync(join(this.#directory, name), { force: true });
      changed = true;
    }
    this.#written = files;
    return changed;
  }
}
