import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { settingsKey, type HttpRule, type ResourceKind, type ServiceRoutes } from '@tulle/ir';
import { endpoints, routes, service, workload } from '../test/mesh.ts';
import { canonicalJson, decodeResource } from './index.ts';

const everyFilter: HttpRule['filters'] = [
  { type: 'requestHeaders', modifier: { set: [{ name: 'A', value: 'b' }], add: [], remove: ['c'] } },
  { type: 'responseHeaders', modifier: { set: [], add: [], remove: [] } },
  { type: 'redirect', scheme: 'https', statusCode: 301, port: 443, path: { type: 'full', value: '/' } },
  { type: 'rewrite', hostname: 'x', path: { type: 'prefix', value: '/y' } },
  { type: 'mirror', backend: { type: 'service', service: 'shop/web', port: 80 }, numerator: 1, denominator: 100 },
  {
    type: 'cors',
    allowOrigins: ['*'],
    allowCredentials: true,
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    maxAgeSeconds: 5,
  },
];
const backends: HttpRule['backends'] = [
  {
    target: { type: 'invalid', reason: 'BackendNotFound', message: 'no such Service' },
    weight: 0,
    filters: everyFilter,
  },
];
const rich: ServiceRoutes = {
  namespace: 'shop',
  name: 'cart',
  port: 80,
  producer: {
    kind: 'grpc',
    table: {
      rules: [
        {
          route: 'GRPCRoute/shop/cart',
          index: 0,
          name: 'first',
          filters: everyFilter,
          backends,
          requestTimeoutMs: 0,
          backendRequestTimeoutMs: 5,
          retry: { codes: [503], connectionErrors: true, attempts: 2, backoffMs: 25 },
          sessionPersistence: { type: 'cookie', name: 's', lifetime: 'session', path: '/', absoluteTimeoutMs: 1 },
        },
      ],
      matches: [
        {
          match: {
            path: { type: 'regex', value: '/a.*' },
            method: 'GET',
            headers: [{ name: 'x', match: { type: 'exact', value: 'y' } }],
            queryParams: [{ name: 'q', match: { type: 'regex', value: '.' } }],
          },
          rule: 0,
        },
      ],
    },
  },
  consumers: {
    web: { kind: 'tls', rules: [{ route: 'TLSRoute/web/t', index: 0, backends, serverNames: ['*.a'] }] },
    batch: { kind: 'tcp', rules: [{ route: 'TCPRoute/batch/t', index: 1, name: 'n', backends }] },
  },
};
const settings = { trustDomain: 'cluster.local', mtlsMode: 'strict' };
const good: readonly (readonly [ResourceKind, string, object])[] = [
  ['settings', settingsKey, settings],
  ['settings', settingsKey, { ...settings, trust: { rootsPem: 'PEM', signingRoot: 'AB:CD' } }],
  [
    'settings',
    settingsKey,
    {
      ...settings,
      trust: { rootsPem: 'PEM', signingRoot: '', federated: [{ trustDomain: 'elsewhere', rootsPem: 'PEM' }] },
      certificateAuthority: { address: 'istio-csr:443', serverName: 'istio-csr', rootsPem: 'PEM' },
    },
  ],
  ['workload', 'shop/cart', workload('cart')],
  [
    'policy',
    'shop/cart',
    {
      namespace: 'shop',
      name: 'cart',
      rules: [
        {
          sources: [
            { type: 'exact', identity: 'spiffe://a/b' },
            { type: 'prefix', prefix: 'spiffe://a/' },
          ],
          ports: [80],
        },
        { sources: [], ports: [] },
        { sources: 'any', ports: 'any' },
      ],
    },
  ],
  ['workload', 'shop/web', workload('web', { policies: ['shop/cart'] })],
  ['workload', 'shop/job', workload('job', { mesh: { state: 'out', reason: 'finished' } })],
  ['service', 'shop/cart', service('cart')],
  ['endpoints', 'shop/cart', endpoints('cart')],
  ['routes', 'shop/cart:80', routes('cart', 'web')],
  ['routes', 'shop/cart:80', rich],
];

function decode(kind: ResourceKind, key: string, value: unknown) {
  return decodeResource(kind, key, Buffer.from(JSON.stringify(value)));
}

/** Every value in a document, with a way to put another in its place. */
function* places(value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    yield [...path, key];
    yield* places((value as Record<string | number, unknown>)[key], [...path, key]);
  }
}

function withChange(document: object, path: readonly (string | number)[], value: unknown): object {
  const copy = structuredClone(document);
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) as string | number] = value;
  return copy;
}

describe('decodeResource', () => {
  it.each(good)('takes a %s (%s) as it is', (kind, key, value) => {
    expect(decode(kind, key, value)).toEqual({ ok: true, value });
  });

  it.each(good)('takes a %s (%s) with fields that it does not know', (kind, key, value) => {
    expect(decode(kind, key, { ...value, later: { more: [1] } }).ok).toBe(true);
  });

  it.each(good)('refuses a %s (%s) in which any value is of another type, and names the place', (kind, key, value) => {
    for (const path of places(value)) {
      const changed = decode(kind, key, withChange(value, path, { unexpected: true }));
      // An object in place of a list, a text, a number or a boolean; in place of a map it is a wrong member.
      expect(changed).toMatchObject({ ok: false, error: { code: 'invalid-resource' } });
      if (!changed.ok) expect(changed.error.message).toMatch(new RegExp(`^${kind} ${key}: \\$`));
    }
  });

  it.each(good)('refuses a %s (%s) under the key of another', (kind, _key, value) => {
    const wrong = decode(kind, 'shop/other', value);
    if (kind === 'settings') expect(wrong.ok).toBe(false);
    else expect(!wrong.ok && wrong.error.message).toMatch(/its own names make it shop\//);
  });

  it('refuses a match whose rule is not there', () => {
    const broken = withChange(rich, ['producer', 'table', 'matches', 0, 'rule'], 1);
    expect(decode('routes', 'shop/cart:80', broken)).toMatchObject({
      error: { message: 'routes shop/cart:80: $.producer.table.matches[0].rule: there is no such rule' },
    });
  });

  it('never throws, whatever the bytes are', () => {
    const kinds = fc.constantFrom<ResourceKind>('settings', 'workload', 'service', 'endpoints', 'routes');
    fc.assert(
      fc.property(kinds, fc.oneof(fc.json(), fc.string()), (kind, text) => {
        expect(decodeResource(kind, 'a/b', Buffer.from(text)).ok).toBe(false);
      }),
    );
  });
});

describe('canonicalJson', () => {
  it('says the same as JSON, and the same for every order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
