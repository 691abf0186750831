import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Header, type Pack, pack } from 'tar-stream';

/** One entry of an image layer. `path` is where it is in the image, absolute or not; `mode` its permission bits. */
export type LayerEntry =
  | { kind: 'file'; path: string; mode: number; source: string }
  | { kind: 'data'; path: string; mode: number; data: string | Uint8Array }
  | { kind: 'directory'; path: string; mode: number }
  | { kind: 'symlink'; path: string; target: string };

/** A layer on disk: an uncompressed tar, with its digest (`sha256:…`, which is also its diff id) and size in bytes. */
export interface Layer {
  readonly file: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * Writes a layer whose bytes depend on the entries alone: sorted by path, owned by root, dated at the epoch, parents
 * that no entry names added with mode 0755. Of two entries with one path the later one counts.
 */
export async function writeLayer(entries: readonly LayerEntry[], file: string): Promise<Layer> {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) byPath.set(imagePath(entry.path), entry);
  for (const path of byPath.keys()) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (byPath.has(parent)) break;
      byPath.set(parent, { kind: 'directory', path: parent, mode: 0o755 });
    }
  }
  const tar = pack();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const written = pipeline(tar, meter, createWriteStream(file));
  const filled = fill(tar, [...byPath].sort(byCodeUnits)).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  await Promise.all([written, filled]);
  return { file, digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}

/**
 * The files, links and directories below `directory` as entries below `prefix` of the image, with their own
 * permission bits. `skip` is asked with each path relative to `directory`; a directory it names is not entered.
 * Sockets, devices and pipes are left out: an image layer of ours never needs one.
 */
export async function entriesOfDirectory(
  directory: string,
  prefix: string,
  skip: (relative: string) => boolean = () => false,
): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  const enter = async (relative: string): Promise<void> => {
    for (const name of await readdir(join(directory, relative))) {
      const below = relative === '' ? name : `${relative}/${name}`;
      if (skip(below)) continue;
      const source = join(directory, below);
      const path = posix.join(prefix, below);
      const stat = await lstat(source);
      const mode = stat.mode & 0o7777;
      if (stat.isSymbolicLink()) entries.push({ kind: 'symlink', path, target: await readlink(source) });
      else if (stat.isFile()) entries.push({ kind: 'file', path, mode, source });
      else if (stat.isDirectory()) {
        entries.push({ kind: 'directory', path, mode });
        await enter(below);
      }
    }
  };
  await enter('');
  return entries;
}

async function fill(tar: Pack, entries: readonly (readonly [string, LayerEntry])[]): Promise<void> {
  for (const [name, entry] of entries) {
    const header = { name, mtime: new Date(0), uid: 0, gid: 0 };
    switch (entry.kind) {
      case 'directory':
        await add(tar, { ...header, type: 'directory', mode: entry.mode });
        break;
      case 'symlink':
        await add(tar, { ...header, type: 'symlink', linkname: entry.target, mode: 0o777 });
        break;
      case 'data':
        await add(tar, { ...header, mode: entry.mode }, Buffer.from(entry.data));
        break;
      case 'file': {
        const { size } = await lstat(entry.source);
        const sink = tar.entry({ ...header, mode: entry.mode, size });
        await pipeline(createReadStream(entry.source), sink);
        break;
      }
    }
  }
  tar.finalize();
}

async function add(
  tar: Pack,
  header: Partial<Header> & Pick<Header, 'name'>,
  data: Buffer = Buffer.alloc(0),
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    tar.entry(header, data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Tar names are relative; a path that climbs out of the image is a mistake of the caller. */
function imagePath(path: string): string {
  const normal = posix.normalize(path).replace(/^\/+|\/+$/g, '');
  if (normal === '' || normal === '.' || normal.split('/').includes('..')) {
    throw new RangeError(`"${path}" is no path inside an image`);
  }
  return normal;
}

/** The order of bytes, not of a language: the same on every machine. */
function byCodeUnits(a: readonly [string, LayerEntry], b: readonly [string, LayerEntry]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
