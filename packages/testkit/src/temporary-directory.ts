import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory that is removed with all that is in it when it is disposed: `using dir = temporaryDirectory()`. */
export interface TemporaryDirectory extends Disposable {
  readonly path: string;
  /** The path of something in it. */
  file(name: string): string;
}

/** Makes a {@link TemporaryDirectory}. */
export function temporaryDirectory(): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), 'tulle-test-'));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
