import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this CLI, from its package. */
export function cliVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}
