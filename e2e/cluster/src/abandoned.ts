import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startTimeOf } from './process.ts';

/** Removes what killed runs left half made in a folder of the cache: `NAME.PID.tmp` of a process that is no more. */
export async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = /\.(\d+)\.(?:layer\.)?tmp$/.exec(name)?.[1];
    if (pid === undefined || startTimeOf(Number(pid)) !== undefined) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
