import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { validate, validateResource } from './validate.ts';
import type { MeshState, ResourceKind } from './mesh.ts';
import type { HttpRouteTable } from './route.ts';

const table: HttpRouteTable = {
  rules: [
    {
      route: 'HTTPRoute/shop/cart',
      index: 0,
      filters: [],
      backends: [{ target: { type: 'service', service: 'shop/cart', port: 80 }, weight: 1, filters: [] }],
    },
  ],
  matches: [{ match: { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] }, rule: 0 }],
};

const state: MeshState = {
  settings: { trustDomain: 'cluster.local', mtlsMode: 'strict' },
  policies: new Map([['shop/p', { namespace: 'shop', name: 'p', rules: [] }]]),
  workloads: new Map([
    [
      'shop/cart-1',
      {
        uid: 'u',
        namespace: 'shop',
        name: 'cart-1',
        node: 'n1',
        addresses: ['10.0.0.1'],
        workloadName: 'cart',
        serviceAccount: 'cart',
        identity: 'spiffe://cluster.local/ns/shop/sa/cart',
        mesh: { state: 'in' },
        mtlsMode: 'strict',
        opaquePorts: [],
        zone: '',
        policies: ['shop/p'],
      },
    ],
  ]),
  services: new Map([
    [
      'shop/cart',
      {
        namespace: 'shop',
        name: 'cart',
        clusterIPs: ['10.96.0.1'],
        ports: [{ port: 80, name: '', protocol: 'http', routeKind: 'http' }],
        trafficDistribution: 'any',
      },
    ],
  ]),
  endpoints: new Map([
    [
      'shop/cart',
      {
        namespace: 'shop',
        name: 'cart',
        ports: [{ port: 80, endpoints: [{ address: '10.0.0.1', port: 8080, ready: true, workload: 'shop/cart-1' }] }],
      },
    ],
  ]),
  routes: new Map([
    [
      'shop/cart:80',
      {
        namespace: 'shop',
        name: 'cart',
        port: 80,
        producer: { kind: 'http', table },
        consumers: { qa: { kind: 'http', table: structuredClone(table) } },
      },
    ],
  ]),
};

/** A copy of the state with one value changed; the path goes through maps by key. */
function changed(path: readonly (string | number)[], value: unknown): MeshState {
  const copy = structuredClone(state);
  let at: unknown = copy;
  for (const part of path.slice(0, -1)) {
    const maps = at as { readonly get?: (key: string | number) => unknown };
    at = maps.get === undefined ? (at as Record<string | number, unknown>)[part] : maps.get(part);
  }
  (at as Record<string | number, unknown>)[path.at(-1) ?? ''] = value;
  return copy;
}

const told = (given: MeshState) =>
  validate(given).map(({ kind, key, path, message }) => `${kind} ${key} ${path}: ${message}`);
const firstRule = ['routes', 'shop/cart:80', 'producer', 'table', 'rules', 0];
const firstMatch = ['routes', 'shop/cart:80', 'producer', 'table', 'matches', 0, 'match'];

describe('validate', () => {
  it('finds nothing in a state that is whole', () => {
    expect(validate(state)).toEqual([]);
  });

  it.each<[string, readonly (string | number)[], unknown, string]>([
    [
      'a value of another type',
      ['settings', 'mtlsMode'],
      'maybe',
      'settings mesh $.mtlsMode: expected one of permissive, strict, found "maybe"',
    ],
    [
      'a resource under the key of another',
      ['services', 'shop/cart', 'name'],
      'web',
      'service shop/cart $: its own names make it shop/web',
    ],
    [
      'a policy that is not there',
      ['workloads', 'shop/cart-1', 'policies'],
      ['shop/x'],
      'workload shop/cart-1 $.policies: there is no policy shop/x',
    ],
    [
      'a workload that is not there',
      ['endpoints', 'shop/cart', 'ports', 0, 'endpoints', 0, 'workload'],
      'shop/x',
      'endpoints shop/cart $.ports: there is no workload shop/x',
    ],
    [
      'a kind of routes that is not theirs',
      ['services', 'shop/cart', 'ports', 0, 'routeKind'],
      'tcp',
      "service shop/cart $.ports[0].routeKind: is tcp, and the port's routes are of kind http",
    ],
    [
      'a backend that is not there',
      [...firstRule, 'backends', 0, 'target', 'service'],
      'shop/x',
      'routes shop/cart:80 $.producer: there is no port 80 of service shop/x',
    ],
    [
      'a port that is not there',
      [...firstRule, 'backends', 0, 'target', 'port'],
      81,
      'routes shop/cart:80 $.producer: there is no port 81 of service shop/cart',
    ],
    [
      'a prefix that ends with a slash',
      [...firstMatch, 'path', 'value'],
      '/a/',
      'routes shop/cart:80 $.producer.table.matches[0].match.path.value: "/a/" does not begin with a slash, or ends with one',
    ],
    [
      'a header name in upper case',
      [...firstMatch, 'headers'],
      [{ name: 'X-A', match: { type: 'exact', value: '' } }],
      'routes shop/cart:80 $.producer.table.matches[0].match.headers[0].name: "X-A" is not in lower case',
    ],
    [
      'a rule that is not there',
      ['routes', 'shop/cart:80', 'producer', 'table', 'matches', 0, 'rule'],
      1,
      'routes shop/cart:80 $.producer.table.matches[0].rule: there is no such rule',
    ],
    [
      'a share of more than all',
      [...firstRule, 'filters'],
      [{ type: 'mirror', backend: { type: 'invalid', reason: 'r', message: 'm' }, numerator: 3, denominator: 2 }],
      'routes shop/cart:80 $.producer.table.rules[0].filters[0].numerator: 3 is more than the denominator 2',
    ],
  ])('finds %s', (_, path, value, problem) => {
    expect(told(changed(path, value))).toEqual([problem]);
  });

  it('finds endpoints without their service', () => {
    expect(told({ ...state, services: new Map(), routes: new Map() })).toEqual([
      'endpoints shop/cart $: there is no such service',
    ]);
  });

  it('tells everything that is wrong with a resource at once', () => {
    const resource = { namespace: 1, name: 'cart', clusterIPs: 'x', ports: [{ port: 0, name: '', protocol: 'http' }] };
    const checked = validateResource('service', 'shop/cart', resource);
    expect(checked.ok ? [] : checked.problems.map(({ path }) => path)).toEqual([
      '$.namespace',
      '$.clusterIPs',
      '$.ports[0].port',
      '$.ports[0].routeKind',
      '$.trafficDistribution',
    ]);
  });

  it('ends after a hundred problems', () => {
    const endpoints = Array.from({ length: 50_000 }, () => ({ address: 1 }));
    const resource = { namespace: 'shop', name: 'cart', ports: [{ port: 80, endpoints }] };
    const checked = validateResource('endpoints', 'shop/cart', resource);
    expect(checked.ok ? 0 : checked.problems.length).toBe(100);
  });

  it('never throws, whatever the value is', () => {
    const kinds = fc.constantFrom<ResourceKind>('settings', 'policy', 'workload', 'service', 'endpoints', 'routes');
    fc.assert(
      fc.property(kinds, fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (kind, value) => {
        expect(validateResource(kind, 'a/b', value).ok).toBe(false);
      }),
    );
  });
});
