import { defaultName, playgroundPaths } from '../paths.ts';
import { hasRemains, removeEmptyRoot, removePlayground } from './cleanup.ts';
import { PlaygroundLock } from './lock.ts';
import type { CommandOutput } from './output.ts';
import { requireRoot } from './root.ts';

/** Options of {@link playgroundDown}. */
export interface DownOptions {
  readonly name?: string;
}

/** Takes a playground down: nothing of it is left. Gives the exit status, which is 0 also when there was nothing. */
export async function playgroundDown(options: DownOptions, output: CommandOutput): Promise<number> {
  const paths = playgroundPaths(options.name ?? defaultName);
  requireRoot();
  const there = hasRemains(paths);
  {
    using _lock = await PlaygroundLock.take(paths, 15_000);
    await removePlayground(paths);
  }
  removeEmptyRoot(paths);
  output.print(there ? `playground ${paths.name} is down\n` : `there is no playground ${paths.name}\n`);
  return 0;
}
