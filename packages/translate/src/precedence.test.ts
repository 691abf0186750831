import { describe, expect, it } from '@jest/globals';
import type { KubernetesObject } from '@tulle/gateway-api';
import type { Route } from './input.ts';
import { compareRoutes } from './routes/precedence.ts';
import { route, service, translated } from './testing/objects.ts';

/** The routes and rule indexes of the table of `shop/cart:80`, in the order in which their matches are tried. */
function order(routes: readonly KubernetesObject[]): string[] {
  const group = translated([service('cart'), ...routes]).state.routes.get('shop/cart:80')?.producer;
  if (group?.kind !== 'http' && group?.kind !== 'grpc') throw new Error('no table');
  return group.table.matches.map(({ rule }) => {
    const { route: from = '', index = -1 } = group.table.rules[rule] ?? {};
    return `${from.split('/')[2]}#${index}`;
  });
}

const exact = { path: { type: 'Exact', value: '/a' } };
const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });
const regex = (value: string) => ({ path: { type: 'RegularExpression', value } });
const named = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `n${i}`, value: 'v' }));

/** In each case the first match comes before the second, which stands first in the route. */
const httpCases: [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['an exact path before a prefix, however long', exact, prefix('/a/very/long/prefix')],
  ['an exact path before a prefix with a method', exact, { ...prefix('/a'), method: 'GET' }],
  ['an exact path before a regular expression', exact, regex('/a/very/long/expression')],
  ['a prefix before a regular expression, however long', prefix('/'), regex('/a/very/long/expression')],
  ['a longer prefix before a shorter one', prefix('/ab'), prefix('/a')],
  ['a longer prefix before a shorter one with a method', prefix('/ab'), { ...prefix('/a'), method: 'GET' }],
  ['a longer prefix before a shorter one with headers', prefix('/ab'), { ...prefix('/a'), headers: named(3) }],
  ['a longer expression before a shorter one', regex('/ab.'), regex('/a.')],
  ['a method before none', { ...prefix('/a'), method: 'GET' }, prefix('/a')],
  ['a method before any number of headers', { ...exact, method: 'GET' }, { ...exact, headers: named(5) }],
  ['a method before any number of parameters', { ...exact, method: 'GET' }, { ...exact, queryParams: named(5) }],
  ['more headers before fewer', { ...exact, headers: named(2) }, { ...exact, headers: named(1) }],
  ['a header before any number of parameters', { ...exact, headers: named(1) }, { ...exact, queryParams: named(5) }],
  ['more parameters before fewer', { ...exact, queryParams: named(2) }, { ...exact, queryParams: named(1) }],
  [
    'headers count also where methods are equal',
    { ...exact, method: 'GET', headers: named(1) },
    { ...exact, method: 'PUT' },
  ],
  ['a prefix by its length without the trailing slash', prefix('/ab'), prefix('/a/')],
];

describe('HTTPRoute: precedence is given to', () => {
  for (const [what, winner, loser] of httpCases) {
    it(what, () => {
      const rules = [{ matches: [loser] }, { matches: [winner] }];
      expect(order([route('HTTPRoute', 'r', { rules })])).toEqual(['r#1', 'r#0']);
    });

    it(`${what}, across routes`, () => {
      const old = { metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } };
      const recent = { metadata: { creationTimestamp: '2025-01-01T00:00:00Z' } };
      const routes = [
        route('HTTPRoute', 'a-loser', { rules: [{ matches: [loser] }] }, old),
        route('HTTPRoute', 'b-winner', { rules: [{ matches: [winner] }] }, recent),
      ];
      expect(order(routes)).toEqual(['b-winner#0', 'a-loser#0']);
    });
  }

  it('one match of a rule, not the rule as a whole', () => {
    const rules = [{ matches: [exact, prefix('/')] }, { matches: [prefix('/a')] }];
    expect(order([route('HTTPRoute', 'r', { rules })])).toEqual(['r#0', 'r#1', 'r#0']);
  });
});

const method = (parts: Record<string, string>) => ({ method: parts });
const grpcCases: [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['the longer service', method({ service: 'a.Bc' }), method({ service: 'a.B', method: 'Long' })],
  ['a service before none', method({ service: 'a' }), method({ method: 'VeryLongMethod' })],
  [
    'the longer method',
    method({ service: 'a.B', method: 'Ab' }),
    { ...method({ service: 'a.B', method: 'A' }), headers: named(3) },
  ],
  ['a method before none', method({ method: 'A' }), { headers: named(3) }],
  [
    'more headers',
    { ...method({ service: 'a.B' }), headers: named(2) },
    { ...method({ service: 'a.B' }), headers: named(1) },
  ],
  ['headers before none', { headers: named(1) }, {}],
  [
    'exact names before expressions',
    method({ service: 'a' }),
    method({ type: 'RegularExpression', service: 'a|b|c|d', method: 'x|y' }),
  ],
  ['expressions before everything', method({ type: 'RegularExpression', method: 'x' }), { headers: named(3) }],
];

describe('GRPCRoute: precedence is given to', () => {
  for (const [what, winner, loser] of grpcCases) {
    it(what, () => {
      const rules = [{ matches: [loser] }, { matches: [winner] }];
      expect(order([route('GRPCRoute', 'r', { rules })])).toEqual(['r#1', 'r#0']);
    });
  }
});

for (const kind of ['HTTPRoute', 'GRPCRoute'] as const) {
  describe(`${kind}: ties are broken by`, () => {
    const rules = [{}];
    const created = (creationTimestamp: string) => ({ metadata: { creationTimestamp } });

    it('age', () => {
      const routes = [
        route(kind, 'a', { rules }, created('2025-01-01T00:00:00Z')),
        route(kind, 'b', { rules }, created('2024-12-31T23:59:59Z')),
      ];
      expect(order(routes)).toEqual(['b#0', 'a#0']);
    });

    it('age as time, not as text', () => {
      const routes = [
        route(kind, 'a', { rules }, created('2025-01-01T00:30:00Z')),
        route(kind, 'b', { rules }, created('2025-01-01T01:00:00+01:00')),
      ];
      expect(order(routes)).toEqual(['b#0', 'a#0']);
    });

    it('name, where age is equal or there is none', () => {
      for (const more of [{}, created('2025-01-01T00:00:00Z')]) {
        const routes = ['b', 'a', 'B-is-no-name'.toLowerCase()].map((name) => route(kind, name, { rules }, more));
        expect(order(routes)).toEqual(['a#0', 'b#0', 'b-is-no-name#0']);
      }
    });

    it('the order of rules, then of matches', () => {
      const equal = [{ headers: named(1) }, { headers: [{ name: 'other', value: 'v' }] }];
      const routes = [route(kind, 'r', { rules: [{ matches: equal }, { matches: equal }] })];
      expect(order(routes)).toEqual(['r#0', 'r#0', 'r#1', 'r#1']);
      const group = translated([service('cart'), ...routes]).state.routes.get('shop/cart:80')?.producer;
      const headers =
        group !== undefined && 'table' in group ? group.table.matches.map(({ match }) => match.headers[0]?.name) : [];
      expect(headers).toEqual(['n0', 'other', 'n0', 'other']);
    });
  });
}

describe('compareRoutes', () => {
  it('goes by age, then by name', () => {
    const at = (name: string, metadata = {}) => route('HTTPRoute', name, { rules: [{}] }, { metadata }) as Route;
    const old = { creationTimestamp: '2001-01-01T00:00:00Z' };
    const routes = [at('c', old), at('b'), at('a', old), at('a')].sort(compareRoutes);
    expect(routes.map(({ metadata }) => `${metadata.name} ${metadata.creationTimestamp ?? ''}`)).toEqual([
      'a ',
      'b ',
      'a 2001-01-01T00:00:00Z',
      'c 2001-01-01T00:00:00Z',
    ]);
  });
});
