import { describe, expect, it } from '@jest/globals';
import { decodeObject, formatObjectError } from '@tulle/gateway-api';
import { noWishes, readWishes } from './wishes.ts';
import type { ManifestObject } from './wishes.ts';

function manifest(input: object, line = 1): ManifestObject {
  const decoded = decodeObject(input);
  if (!decoded.ok) throw new Error(decoded.error.map(formatObjectError).join('\n'));
  return { object: decoded.value, file: 'shop.yaml', line };
}

const container = { name: 'web', command: ['node', 'web.mjs'] };

const podOf = (spec: object, metadata: object = {}) =>
  manifest({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', ...metadata }, spec }, 7);

function deploymentOf(spec: object, labels: object = { app: 'web' }): ManifestObject {
  return manifest({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels }, spec }, ...spec },
  });
}

describe('readWishes', () => {
  it('keeps what it had of a pod that cannot be run any more, and says where and why', () => {
    const good = readWishes([podOf({ containers: [container] })], noWishes);
    const bad = readWishes([podOf({ containers: [{ name: 'web' }] })], good);
    expect(bad.pods.get('shop/web')).toBe(good.pods.get('shop/web'));
    expect(bad.problems).toEqual([
      {
        severity: 'error',
        file: 'shop.yaml',
        line: 7,
        object: 'Pod shop/web',
        message: expect.stringContaining('spec.containers[0].command: is required'),
      },
    ]);
  });

  it('has nothing of a pod that never could be run', () => {
    expect(readWishes([podOf({ containers: [{ name: 'web' }] })], noWishes).pods.size).toBe(0);
  });

  it('sees the same pod when only labels change, and another when its spec does', () => {
    const hash = (spec: object, metadata: object) =>
      readWishes([podOf(spec, metadata)], noWishes).pods.get('shop/web')?.hash;
    const first = hash({ containers: [container] }, {});
    expect(hash({ containers: [container] }, { labels: { a: 'b' }, annotations: { c: 'd' } })).toBe(first);
    expect(hash({ containers: [{ ...container, args: ['x'] }] }, {})).not.toBe(first);
  });

  it('sees the same template when only its labels change', () => {
    const wish = (labels: object) =>
      readWishes([deploymentOf({ containers: [container] }, labels)], noWishes).deployments.get('shop/web');
    const [one, two] = [wish({ app: 'web' }), wish({ app: 'web', 'tulle.dev/mesh': 'enabled' })];
    expect(two?.hash).toBe(one?.hash);
    expect(two?.uid).toBe(one?.uid);
    expect(two?.labels).toEqual({ app: 'web', 'tulle.dev/mesh': 'enabled' });
  });

  it('makes the namespaces that are only used, each with its name as a label', () => {
    const declared = manifest({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'qa', labels: { 'tulle.dev/mesh': 'enabled' } },
    });
    expect([...readWishes([podOf({ containers: [container] }), declared], noWishes).namespaces]).toEqual([
      ['qa', { 'tulle.dev/mesh': 'enabled', 'kubernetes.io/metadata.name': 'qa' }],
      ['shop', { 'kubernetes.io/metadata.name': 'shop' }],
    ]);
  });

  it('passes on what it does not act on, with the place where it was written, and warns of nodes that are not its own', () => {
    const account = manifest({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web', namespace: 'shop' },
    });
    const node = manifest({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n7' } });
    const wishes = readWishes([account, node], noWishes);
    const { file, line } = account;
    expect(wishes.others).toEqual([
      {
        ...account.object,
        metadata: { name: 'web', namespace: 'shop', annotations: { 'tulle.dev/origin': `${file}:${line}` } },
      },
    ]);
    expect(wishes.problems).toMatchObject([{ severity: 'warning', object: 'Node n7' }]);
  });
});
