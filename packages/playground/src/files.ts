import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Writes a file so that a reader sees the old content or the new, never a part. The mode is that of a new file. */
export function writeFileAtomically(path: string, content: string, mode = 0o644): void {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, path);
}
