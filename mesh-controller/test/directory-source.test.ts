import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '@tulle/core';
import { objectKey, referenceOf } from '@tulle/gateway-api';
import { temporaryDirectory } from '@tulle/testkit';
import { DirectorySource } from '../src/objects/directory-source.ts';
import { CollectingSink, describeObjectSource } from './object-source-contract.ts';

describeObjectSource('DirectorySource', async () => {
  const directory = temporaryDirectory();
  const source = new DirectorySource({ directory: directory.path, logger: silentLogger, clock: systemClock });
  const fileOf = (key: string) => directory.file(`${key.replaceAll('/', '_')}.json`);
  return Promise.resolve({
    source,
    put: (objects) => {
      for (const object of objects) {
        const file = fileOf(objectKey(referenceOf(object)));
        writeFileSync(`${file}.new`, JSON.stringify(object));
        renameSync(`${file}.new`, file);
      }
      return Promise.resolve();
    },
    remove: (reference) => Promise.resolve(rmSync(fileOf(objectKey(reference)))),
    [Symbol.asyncDispose]: async () => {
      await source.close();
      directory[Symbol.dispose]();
    },
  });
});

describe('DirectorySource', () => {
  const service = (port: string) =>
    `apiVersion: v1\nkind: Service\nmetadata: { namespace: shop, name: cart }\nspec: { ports: [{ port: ${port} }] }\n`;

  it('says where objects and problems are, and keeps the last valid version of an object', async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.file('shop.yaml'), `# a comment\n${service('80')}`);
    await using source = new DirectorySource({ directory: directory.path, logger: silentLogger, clock: systemClock });
    const sink = new CollectingSink();
    await source.start(sink);
    expect(sink.changes).toMatchObject([{ type: 'set', origin: { file: 'shop.yaml', line: 2 } }]);
    writeFileSync(directory.file('shop.yaml'), service('-1'));
    await sink.until(() => sink.problems.length > 0);
    expect(sink.problems).toMatchObject([
      {
        severity: 'error',
        code: 'InvalidManifest',
        object: 'Service shop/cart',
        message: expect.stringMatching(/^spec\.ports\[0\]\.port: .*; its last valid version is used$/),
        origin: { file: 'shop.yaml', line: 4 },
      },
    ]);
    expect(sink.changes.filter(({ type }) => type === 'delete')).toEqual([]);
    writeFileSync(directory.file('shop.yaml'), service('81'));
    await sink.until(() => sink.problems.length === 0);
  });

  it.each([
    ['shop.yaml:12', { file: 'shop.yaml', line: 12 }],
    ['a:b.yaml:3', { file: 'a:b.yaml', line: 3 }],
    ['shop.yaml:x', { file: 'shop.yaml:x' }],
    ['shop.yaml', { file: 'copy.yaml', line: 1 }],
  ])('says where a copied object was written: %s', async (written, origin) => {
    using directory = temporaryDirectory();
    const annotated = `{ namespace: shop, name: cart, annotations: { tulle.dev/origin: '${written}' } }`;
    writeFileSync(directory.file('copy.yaml'), service('80').replace('{ namespace: shop, name: cart }', annotated));
    await using source = new DirectorySource({ directory: directory.path, logger: silentLogger, clock: systemClock });
    const sink = new CollectingSink();
    await source.start(sink);
    expect(sink.changes).toMatchObject([{ type: 'set', origin }]);
  });

  it('waits for a directory that is not there yet', async () => {
    using directory = temporaryDirectory();
    const path = directory.file('later');
    await using source = new DirectorySource({ directory: path, logger: silentLogger, clock: systemClock });
    const sink = new CollectingSink();
    await source.start(sink);
    expect(sink.problems).toMatchObject([{ severity: 'error', message: expect.stringContaining('cannot be read') }]);
    mkdirSync(path);
    writeFileSync(`${path}/shop.yaml`, service('80'));
    await sink.until(() => sink.changes.length === 1 && sink.problems.length === 0);
  });
});
