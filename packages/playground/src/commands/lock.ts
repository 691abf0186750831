import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CodedError } from '@tulle/core';
import type { PlaygroundPaths } from '../paths.ts';
import { identify, isAlive } from '../processes.ts';
import type { ProcessIdentity } from '../state.ts';

/** Keeps other `up` and `down` of the same playground out until it is disposed. */
export class PlaygroundLock implements Disposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Takes the lock. One that was left by a process that has ended is taken over.
   *
   * Throws a {@link CodedError} `Busy` when another command holds it for longer than `waitMs`.
   */
  static async take(paths: PlaygroundPaths, waitMs: number): Promise<PlaygroundLock> {
    mkdirSync(paths.root, { recursive: true, mode: 0o755 });
    const self = JSON.stringify(identify(process.pid));
    const deadline = performance.now() + waitMs;
    for (;;) {
      try {
        writeFileSync(paths.lock, self, { flag: 'wx', mode: 0o600 });
        return new PlaygroundLock(paths.lock);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') mkdirSync(paths.root, { recursive: true, mode: 0o755 });
        else if (code !== 'EEXIST') throw new CodedError('NotAllowed', `cannot write ${paths.lock}`, { cause: error });
      }
      const holder = readHolder(paths.lock);
      if (holder !== undefined && !isAlive(holder)) rmSync(paths.lock, { force: true });
      else if (performance.now() > deadline) {
        throw new CodedError('Busy', `another command is working on the playground "${paths.name}"`, {
          hint: `wait for it${holder === undefined ? '' : ` (process ${holder.pid})`}, then try again`,
        });
      } else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}

/** Who holds the lock; undefined when it is gone or being written just now. */
function readHolder(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
