import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder of what is built once for every clone on the machine: `TULLE_CACHE`, else `~/.cache/tulle`. It is not
 * below the repository so that a fresh clone (continuous integration's) finds what is there already.
 */
export function cacheDirectory(): string {
  return process.env['TULLE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tulle');
}

/** A short name for the content of `parts`: the same parts always give the same one. */
export function fingerprint(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 16);
}
