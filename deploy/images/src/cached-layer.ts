import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory, fingerprint } from './cache.ts';
import { type Layer, type LayerEntry, writeLayer } from './layer.ts';

/**
 * A layer from the cache, or made now. It is named after `key`, everything that its content depends on; `make` writes
 * it with the function it is given.
 */
export async function cachedLayer(
  name: string,
  key: readonly string[],
  refresh: boolean,
  make: (write: (entries: readonly LayerEntry[]) => Promise<Layer>) => Promise<Layer>,
): Promise<Layer> {
  const directory = join(cacheDirectory(), 'layers');
  const base = join(directory, `${name}-${fingerprint(key)}`);
  const file = `${base}.tar`;
  const noteFile = `${base}.json`;
  const found = refresh ? undefined : await readNote(noteFile, file);
  if (found !== undefined) return found;
  await mkdir(directory, { recursive: true });
  const partial = `${base}.${process.pid}.tmp`;
  try {
    const { digest, sizeBytes } = await make(async (entries) => await writeLayer(entries, partial));
    await rename(partial, file);
    // The note comes last: a layer without one is not whole.
    await writeFile(`${noteFile}.${process.pid}.tmp`, JSON.stringify({ digest, sizeBytes }));
    await rename(`${noteFile}.${process.pid}.tmp`, noteFile);
    return { file, digest, sizeBytes };
  } finally {
    await rm(partial, { force: true });
  }
}

async function readNote(noteFile: string, file: string): Promise<Layer | undefined> {
  try {
    const { digest, sizeBytes } = JSON.parse(await readFile(noteFile, 'utf8')) as Pick<Layer, 'digest' | 'sizeBytes'>;
    return { file, digest, sizeBytes };
  } catch {
    return undefined;
  }
}
