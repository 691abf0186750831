import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { formatManifestProblem } from './manifest.ts';
import { readManifestFile } from './read-file.ts';

const shop = `# The shop.
apiVersion: v1
kind: Service
metadata:
  name: cart
  namespace: shop
spec:
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: canary, namespace: shop}
spec:
  parentRefs:
    - {group: "", kind: Service, name: cart}
  rules:
    - backendRefs:
        - name: cart-v1
          port: 80
          weight: 90
        - name: cart-v2
          port: 80
`;

const problemsOf = (text: string) => readManifestFile('shop.yaml', text).problems.map(formatManifestProblem);

describe('readManifestFile', () => {
  it('gives every object with its key, file and line', () => {
    const { objects, problems, isBroken } = readManifestFile('shop.yaml', shop);
    expect(objects.map(({ key, file, line }) => [key, file, line])).toEqual([
      ['Service/shop/cart', 'shop.yaml', 2],
      ['HTTPRoute.gateway.networking.k8s.io/shop/canary', 'shop.yaml', 11],
    ]);
    expect([problems, isBroken]).toEqual([[], false]);
  });

  it.each([
    [
      'a value',
      'weight: 90',
      'weight: -1',
      'shop.yaml:21: HTTPRoute shop/canary: spec.rules[0].backendRefs[0].weight: -1 is less than the minimum 0',
    ],
    [
      'an item',
      '- name: cart-v2\n          ',
      '- ',
      'shop.yaml:22: HTTPRoute shop/canary: spec.rules[0].backendRefs[1].name: is required',
    ],
    [
      'an unknown field',
      'rules:',
      'rulez:',
      'shop.yaml:17: HTTPRoute shop/canary: spec.rulez: unknown field, ignored (did you mean rules?)',
    ],
    [
      'a rule',
      'port: 80\n          weight',
      'weight',
      'shop.yaml:19: HTTPRoute shop/canary: spec.rules[0].backendRefs[0]: Must have port for Service reference',
    ],
    [
      'a misspelt kind',
      'kind: HTTPRoute',
      'kind: HTTPRuote',
      'shop.yaml:12: HTTPRuote shop/canary: kind: "HTTPRuote" of "gateway.networking.k8s.io/v1" is not a kind that a mesh knows (did you mean HTTPRoute?)',
    ],
    [
      'an unserved version',
      'k8s.io/v1\n',
      'k8s.io/v1alpha2\n',
      'shop.yaml:11: HTTPRoute shop/canary: apiVersion: "gateway.networking.k8s.io/v1alpha2" has no HTTPRoute that is known here (did you mean gateway.networking.k8s.io/v1?)',
    ],
    [
      'a key that is there twice',
      'weight: 90',
      'weight: 90\n          port: 81',
      'shop.yaml:22: the key "port" is there twice',
    ],
  ])('tells the line of %s, and the other object is not harmed', (_, from, to, message) => {
    expect(shop).toContain(from);
    const text = shop.replace(from, to);
    expect(problemsOf(text)).toEqual([message]);
    expect(readManifestFile('shop.yaml', text).objects[0]?.key).toBe('Service/shop/cart');
  });

  it('tells the column too', () => {
    const [problem] = readManifestFile('shop.yaml', shop.replace('weight: 90', 'weight: x')).problems;
    expect([problem?.line, problem?.column]).toEqual([21, 11]);
  });

  it('knows which object an invalid one is, and that something unreadable may be any', () => {
    const invalid = readManifestFile('a', shop.replace('weight: 90', 'weight: -1'));
    expect(invalid).toMatchObject({
      invalidKeys: ['HTTPRoute.gateway.networking.k8s.io/shop/canary'],
      isBroken: false,
    });
    expect(readManifestFile('a', shop.replace('name: canary', 'nam: canary')).isBroken).toBe(true);
    const broken = readManifestFile('a', shop.replace('- port: 80', '- port: "80'));
    expect(broken.isBroken).toBe(true);
    const twice = readManifestFile('a', shop.replace('weight: 90', 'port: 90'));
    expect(twice.invalidKeys).toEqual(['HTTPRoute.gateway.networking.k8s.io/shop/canary']);
  });

  it('keeps the documents around one that is not valid YAML', () => {
    const text = `${shop}---\na: [\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n`;
    const { objects, problems } = readManifestFile('shop.yaml', text);
    expect(objects).toHaveLength(3);
    expect(problems.length).toBeGreaterThan(0);
    expect(
      problems.every(({ line, message }) => line >= 25 && line <= 27 && message.startsWith('not valid YAML')),
    ).toBe(true);
  });

  it('takes a List apart, with the place of each item', () => {
    const text = `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Namespace
    metadata: {name: shop}
  - apiVersion: v1
    kind: Namespace
    metadata: {name: Shop}
`;
    const { objects, problems } = readManifestFile('a.yaml', text);
    expect(objects.map(({ key, line }) => [key, line])).toEqual([['Namespace//shop', 4]]);
    expect(problems).toMatchObject([{ line: 9, path: 'metadata.name', object: 'Namespace Shop' }]);
    expect(problemsOf('apiVersion: v1\nkind: List\n')).toEqual(['shop.yaml:1: a List must have items']);
  });

  it('reads JSON, tabs and all', () => {
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, undefined, '\t');
    expect(readManifestFile('a.json', text).objects).toMatchObject([{ key: 'Namespace//shop', line: 1 }]);
  });

  it('follows anchors and merges, and finds places through them', () => {
    const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: &data {x: "1"}
---
apiVersion: v1
kind: Service
metadata: &meta {name: a, labels: {app: a}}
spec: {ports: &ports [{port: 0}], selector: {<<: {app: b}, tier: c}}
`;
    const { objects, problems } = readManifestFile('a.yaml', text);
    expect(objects).toHaveLength(1);
    expect(problems).toMatchObject([{ line: 9, path: 'spec.ports[0].port' }]);
  });

  it('ignores, with a warning, what is not for a mesh', () => {
    const gateway = 'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: a}\n';
    expect(readManifestFile('a.yaml', gateway)).toMatchObject({
      problems: [{ severity: 'warning', message: 'a Gateway is no part of a mesh; ignored' }],
      isBroken: false,
    });
    const job = 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n';
    expect(readManifestFile('a.yaml', job).problems).toMatchObject([{ severity: 'warning', line: 2 }]);
  });

  it('ignores a status that somebody left in', () => {
    const { objects, problems } = readManifestFile('a.yaml', `${shop}status: {}\n`);
    expect([objects.length, problems]).toEqual([2, []]);
  });

  it.each([
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((name, i) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[i]}`).join()}]`)
        .join('\n')}`,
      'aliases repeat too much',
    ],
    ['deep nesting', '['.repeat(100_000), 'nested deeper than 64 levels'],
    ['deep nesting of lists', '- '.repeat(100_000), 'nested deeper than 64 levels'],
    ['keys that are maps', '? '.repeat(50_000), 'a key must be a word'],
    ['keys that are maps, often', `${'? '.repeat(60)}\n`.repeat(1_000), 'a key must be a word'],
    ['a huge file', 'a'.repeat(3_000_000), 'too large'],
    ['a NUL byte', 'a: 1\n\0', 'NUL byte'],
    ['many faults', '- %\n@\n'.repeat(20_000), 'not valid YAML'],
    ['many objects', '---\na: 1\n'.repeat(20_000), 'is required'],
    ['a scalar', 'hello', 'expected an object'],
    ['an unknown alias', 'a: *b', 'not valid YAML'],
  ])('refuses %s in bounded time', (_, text, message) => {
    const { objects, problems, isBroken } = readManifestFile('a.yaml', text);
    expect(objects).toEqual([]);
    expect(isBroken).toBe(true);
    expect(problems.length).toBeLessThan(300);
    expect(problems[0]?.message ?? '').toContain(message);
  });

  it('never throws, whatever a file is cut to or spoiled with', () => {
    fc.assert(
      fc.property(
        fc.nat(shop.length),
        fc.nat(shop.length),
        fc.string({ maxLength: 8, unit: fc.constantFrom(...'-:[]{}&*!|>\'"%@`,? \n\t#a1<'.split('')) }),
        (from, to, text) => {
          const spoiled = shop.slice(0, Math.min(from, to)) + text + shop.slice(Math.max(from, to));
          const { problems } = readManifestFile('shop.yaml', spoiled);
          const lines = spoiled.split('\n').length;
          expect(problems.every(({ line }) => line >= 1 && line <= lines)).toBe(true);
          expect(problems.some(({ message }) => message.includes('could not be decoded'))).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });
});
