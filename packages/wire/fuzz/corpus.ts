import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { http1Targets } from './http1-targets.ts';
import { http2Targets } from './http2-targets.ts';

export const fuzzTargets = [...http1Targets, ...http2Targets];

const root = join(import.meta.dirname, '../corpus');

/** The inputs of a folder of the corpus and the folders in it, each with its path. */
export function corpusOf(folder: string): readonly (readonly [path: string, input: Buffer])[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path.slice(root.length + 1), readFileSync(path)] as const);
}
