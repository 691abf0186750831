import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManifestDirectory } from './directory.ts';
import type { ManifestChanges, ManifestSnapshot } from './snapshot.ts';

const configMap = (name: string, value = 'a') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: shop}\ndata: {value: "${value}"}\n`;
const key = (name: string) => `ConfigMap/shop/${name}`;

/** A watched directory of the machine's own file system, and what it told. */
class Fixture {
  readonly directory: string;
  readonly told: ManifestChanges[] = [];
  #watched: ManifestDirectory | undefined;
  #wake: () => void = () => {};

  constructor(directory: string) {
    this.directory = directory;
  }

  async open(): Promise<ManifestDirectory> {
    this.#watched = await ManifestDirectory.open(this.directory, {
      onChange: (_, changes) => {
        this.told.push(changes);
        this.#wake();
      },
      settleMs: 200,
      retryMs: 20,
    });
    return this.#watched;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.directory, name), text);
  }

  /** Waits until the snapshot is as wanted; the wait is bounded by the test's own limit. */
  async until(isWanted: (snapshot: ManifestSnapshot) => boolean): Promise<ManifestSnapshot> {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const snapshot = this.snapshot();
      if (isWanted(snapshot)) return snapshot;
      await promise;
    }
  }

  snapshot(): ManifestSnapshot {
    if (this.#watched === undefined) throw new Error('not open');
    return this.#watched.snapshot;
  }

  value(name: string): unknown {
    const object = this.snapshot().objects.get(key(name))?.object;
    return object?.kind === 'ConfigMap' ? object.data?.['value'] : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watched?.close();
  }
}

describe('ManifestDirectory', () => {
  let root = '';
  let fixture = new Fixture('');

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'manifests-'));
    fixture = new Fixture(join(root, 'objects'));
    await mkdir(fixture.directory);
  });

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  it('reads what is there, then tells what was added, changed and removed', async () => {
    await fixture.write('a.yaml', configMap('one'));
    await fixture.write('notes.txt', configMap('ignored'));
    await fixture.write('.hidden.yaml', configMap('hidden'));
    await fixture.open();
    expect([...fixture.snapshot().objects.keys()]).toEqual([key('one')]);
    expect(fixture.told).toEqual([]);

    await fixture.write('b.json', JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }));
    await fixture.until(({ objects }) => objects.size === 2);
    await fixture.write('a.yaml', configMap('one', 'b'));
    await fixture.until(() => fixture.value('one') === 'b');
    await rm(join(fixture.directory, 'b.json'));
    await fixture.until(({ objects }) => objects.size === 1);
    expect(
      fixture.told.filter(({ added, changed, removed }) => added.length + changed.length + removed.length > 0),
    ).toEqual([
      { added: ['Namespace//shop'], changed: [], removed: [] },
      { added: [], changed: [key('one')], removed: [] },
      { added: [], changed: [], removed: ['Namespace//shop'] },
    ]);
  });

  it('keeps the last good version of an invalid object and says so, and takes the others of its file', async () => {
    await fixture.write('a.yaml', `${configMap('one')}---\n${configMap('two')}`);
    await fixture.open();
    await fixture.write('a.yaml', `${configMap('one', 'new')}---\n${configMap('two').replace('{value: "a"}', '[]')}`);
    const { objects, problems } = await fixture.until(() => fixture.value('one') === 'new');
    expect(fixture.value('two')).toBe('a');
    expect(objects.get(key('two'))?.isStale).toBe(true);
    expect(problems).toMatchObject([{ file: 'a.yaml', line: 9, object: 'ConfigMap shop/two', path: 'data' }]);

    await fixture.write('a.yaml', configMap('one', 'new'));
    await fixture.until(({ objects }) => objects.size === 1);
    expect(fixture.snapshot().problems).toEqual([]);
  });

  it.each([
    ['is no YAML', 'a: [', 'not valid YAML'],
    ['holds NUL bytes', 'a\0b', 'NUL byte'],
    ['is no UTF-8', Buffer.from([0xff, 0xfe, 0x41]), 'not UTF-8'],
    ['has an object without a name', 'apiVersion: v1\nkind: ConfigMap\n', 'is required'],
  ])('keeps every object of a file that %s', async (_, content, message) => {
    await fixture.write('a.yaml', `${configMap('one')}---\n${configMap('two')}`);
    await fixture.open();
    await writeFile(join(fixture.directory, 'a.yaml'), content);
    const { objects, problems } = await fixture.until(({ problems }) => problems.length > 0);
    expect([...objects.values()].map(({ key, isStale }) => [key, isStale])).toEqual([
      [key('one'), true],
      [key('two'), true],
    ]);
    expect(problems[0]?.message).toContain(message);
    expect(fixture.told).toEqual([{ added: [], changed: [], removed: [] }]);
  });

  it('uses the good documents of a file with a broken one, and keeps what the broken one may have been', async () => {
    await fixture.write('a.yaml', `${configMap('one')}---\n${configMap('two')}`);
    await fixture.open();
    await fixture.write('a.yaml', `${configMap('one', 'b')}---\nkind: [\n---\n${configMap('three')}`);
    const { objects } = await fixture.until(({ objects }) => objects.size === 3);
    expect(fixture.value('one')).toBe('b');
    expect(objects.get(key('two'))?.isStale).toBe(true);
  });

  it('lets the first file by name win when two define the same object', async () => {
    await fixture.write('b.yaml', configMap('one', 'from b'));
    await fixture.open();
    await fixture.write('a.yaml', configMap('one', 'from a'));
    const { problems } = await fixture.until(({ problems }) => problems.length > 0);
    expect(fixture.value('one')).toBe('from a');
    expect(problems).toEqual([
      {
        severity: 'error',
        file: 'b.yaml',
        line: 1,
        object: 'ConfigMap shop/one',
        message: 'is already defined at a.yaml:1, which is used',
      },
    ]);
    await rm(join(fixture.directory, 'a.yaml'));
    await fixture.until(() => fixture.value('one') === 'from b');
    expect(fixture.snapshot().problems).toEqual([]);
  });

  it('follows an editor that writes another file and renames it', async () => {
    await fixture.write('a.yaml', configMap('one'));
    await fixture.open();
    await fixture.write('.a.yaml.swp', configMap('one', 'b'));
    await rename(join(fixture.directory, 'a.yaml'), join(fixture.directory, 'a.yaml~'));
    await rename(join(fixture.directory, '.a.yaml.swp'), join(fixture.directory, 'a.yaml'));
    await fixture.until(() => fixture.value('one') === 'b');
    expect(fixture.told).toEqual([{ added: [], changed: [key('one')], removed: [] }]);
  });

  it('sees no change in a file that gets another name', async () => {
    await fixture.write('b.yaml', configMap('one'));
    await fixture.open();
    await rename(join(fixture.directory, 'b.yaml'), join(fixture.directory, 'a.yaml'));
    await fixture.write('c.yaml', configMap('two'));
    await fixture.until(({ objects }) => objects.get(key('one'))?.file === 'a.yaml' && objects.size === 2);
    expect(fixture.told).toEqual([{ added: [key('two')], changed: [], removed: [] }]);
    expect(fixture.snapshot().problems).toEqual([]);
  });

  it('drops the objects of a file that stays empty, not of one that is written in two steps', async () => {
    await fixture.write('a.yaml', configMap('one'));
    await fixture.open();
    await fixture.write('a.yaml', '');
    await fixture.write('a.yaml', configMap('one', 'b'));
    await fixture.until(() => fixture.value('one') === 'b');
    expect(fixture.told).toEqual([{ added: [], changed: [key('one')], removed: [] }]);
    await fixture.write('a.yaml', '\n');
    await fixture.until(({ objects }) => objects.size === 0);
    expect(fixture.told.at(-1)).toEqual({ added: [], changed: [], removed: [key('one')] });
  });

  it('waits for a directory that is not there, and keeps everything while it is away', async () => {
    await rm(fixture.directory, { recursive: true });
    await fixture.open();
    expect(fixture.snapshot().problems).toMatchObject([{ message: expect.stringContaining('cannot be read') }]);
    await mkdir(fixture.directory);
    await fixture.write('a.yaml', configMap('one'));
    await fixture.until(({ objects, problems }) => objects.size === 1 && problems.length === 0);

    await rename(fixture.directory, join(root, 'elsewhere'));
    await fixture.until(({ problems }) => problems.length === 1);
    expect(fixture.snapshot().objects.size).toBe(1);
    await mkdir(fixture.directory);
    await fixture.write('a.yaml', configMap('one', 'again'));
    await fixture.until(() => fixture.value('one') === 'again');
  });

  it('tells nothing after it was closed', async () => {
    const watched = await fixture.open();
    await fixture.write('a.yaml', configMap('one'));
    await watched.close();
    const { length } = fixture.told;
    await using other = await ManifestDirectory.open(fixture.directory);
    expect(other.snapshot.objects.size).toBe(1);
    expect(fixture.told).toHaveLength(length);
  });
});
