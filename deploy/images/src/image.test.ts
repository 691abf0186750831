import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { extract, type Header } from 'tar-stream';
import { entriesOfDirectory, type LayerEntry, writeImageArchive, writeLayer } from './index.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tulle-images-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function read(file: string): Promise<{ header: Header; data: Buffer }[]> {
  const entries: { header: Header; data: Buffer }[] = [];
  const tar = createReadStream(file).pipe(extract());
  for await (const entry of tar) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    entries.push({ header: entry.header, data: Buffer.concat(chunks) });
  }
  return entries;
}

const data = (path: string, text: string): LayerEntry => ({ kind: 'data', path, mode: 0o644, data: text });

describe('a layer', () => {
  it('has the same bytes whatever the order of its entries and the dates of their files', async () => {
    const source = join(directory, 'source');
    await writeFile(source, 'content');
    const file: LayerEntry = { kind: 'file', path: '/opt/b', mode: 0o755, source };
    const one = await writeLayer([file, data('/etc/a', 'x')], join(directory, 'one.tar'));
    await utimes(source, new Date(1e12), new Date(1e12));
    const two = await writeLayer([data('etc/a', 'x'), file], join(directory, 'two.tar'));
    expect(two.digest).toBe(one.digest);
    expect(await readFile(two.file)).toEqual(await readFile(one.file));
    expect(one.digest).toBe(
      `sha256:${createHash('sha256')
        .update(await readFile(one.file))
        .digest('hex')}`,
    );
    expect(one.sizeBytes).toBe((await readFile(one.file)).length);
  });

  it('adds missing parents, keeps a named one, and lets the later of two entries count', async () => {
    const layer = await writeLayer(
      [
        data('/a/b/c', 'first'),
        { kind: 'directory', path: '/a', mode: 0o700 },
        data('/a/b/c', 'second'),
        { kind: 'symlink', path: '/l', target: 'a/b/c' },
      ],
      join(directory, 'layer.tar'),
    );
    const entries = await read(layer.file);
    expect(entries.map(({ header }) => [header.name, header.type, header.mode])).toEqual([
      ['a', 'directory', 0o700],
      ['a/b', 'directory', 0o755],
      ['a/b/c', 'file', 0o644],
      ['l', 'symlink', 0o777],
    ]);
    expect(entries[2]?.data.toString()).toBe('second');
    expect(entries[3]?.header.linkname).toBe('a/b/c');
    expect(entries.every(({ header }) => header.uid === 0 && header.mtime.getTime() === 0)).toBe(true);
  });

  it('refuses a path that leaves the image', async () => {
    await expect(writeLayer([data('../etc/passwd', '')], join(directory, 'l.tar'))).rejects.toThrow(
      '"../etc/passwd" is no path inside an image',
    );
  });

  it('fails when a file of it is missing', async () => {
    const entry: LayerEntry = { kind: 'file', path: 'x', mode: 0o644, source: join(directory, 'absent') };
    await expect(writeLayer([entry], join(directory, 'l.tar'))).rejects.toThrow('ENOENT');
  });

  it('takes a directory with its links, without what is skipped', async () => {
    const root = join(directory, 'root');
    await mkdir(join(root, 'lib', 'test'), { recursive: true });
    await writeFile(join(root, 'lib', 'index.js'), '1');
    await writeFile(join(root, 'lib', 'test', 'a.js'), '2');
    await symlink('index.js', join(root, 'lib', 'main.js'));
    const entries = await entriesOfDirectory(root, '/app', (path) => path === 'lib/test');
    expect(entries.map(({ kind, path }) => `${kind} ${path}`).sort()).toEqual([
      'directory /app/lib',
      'file /app/lib/index.js',
      'symlink /app/lib/main.js',
    ]);
  });
});

describe('an image archive', () => {
  it('is an OCI layout and a docker archive whose digests are true', async () => {
    const layer = await writeLayer([data('/pause', 'program')], join(directory, 'layer.tar'));
    const file = join(directory, 'image.tar');
    const digest = await writeImageArchive({
      references: ['docker.io/tulle/agent:1', 'docker.io/tulle/agent:latest'],
      layers: [layer],
      config: { entrypoint: ['/pause'], environment: { HOME: '/' }, user: '65534' },
      platform: 'amd64',
      file,
    });
    const entries = new Map((await read(file)).map(({ header, data: bytes }) => [header.name, bytes]));
    for (const [name, bytes] of entries) {
      if (!name.startsWith('blobs/sha256/')) continue;
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(name.slice('blobs/sha256/'.length));
    }
    const json = (name: string): unknown => JSON.parse(entries.get(name)?.toString() ?? 'null');
    expect(json('index.json')).toMatchObject({
      manifests: [
        { digest, annotations: { 'io.containerd.image.name': 'docker.io/tulle/agent:1' } },
        { digest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
      ],
    });
    expect(json(`blobs/${digest.replace(':', '/')}`)).toMatchObject({ layers: [{ digest: layer.digest }] });
    expect(json('manifest.json')).toMatchObject([
      {
        RepoTags: ['docker.io/tulle/agent:1', 'docker.io/tulle/agent:latest'],
        Layers: [`blobs/${layer.digest.replace(':', '/')}`],
      },
    ]);
    const config = JSON.parse(
      entries.get((json('manifest.json') as { Config: string }[])[0]?.Config ?? '')?.toString() ?? 'null',
    );
    expect(config).toMatchObject({
      config: { Entrypoint: ['/pause'], User: '65534' },
      rootfs: { diff_ids: [layer.digest] },
    });
  });
});
