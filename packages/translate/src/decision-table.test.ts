import { describe, expect, it } from '@jest/globals';
import type { ServiceLookup } from './lookup.ts';
import type { Route } from './input.ts';
import { placedMatches } from './routes/placed-matches.ts';
import { comparePlaced, precedence } from './routes/precedence.ts';
import type { PrecedenceRule } from './routes/precedence.ts';
import { translateRoute } from './routes/translate-route.ts';
import { route } from './testing/objects.ts';

/*
 * The decision tables of HTTPRoute and GRPCRoute. Each rule has a case that it alone decides, and that the next rule
 * would decide the other way: so the case fails when the rule is dropped, and when it changes places with the next one.
 * That it does so is tested, too, by taking the rule out of the table and by swapping it.
 */

const nothing: ServiceLookup = {
  get: () => undefined,
  namesNear: () => [],
  namespaceOf: () => undefined,
  tlsOf: () => undefined,
};

/** A route of one rule with one match, unless it says otherwise; `name` is what is expected to come first or second. */
interface Side {
  readonly match?: object;
  readonly created?: string;
  readonly name?: string;
  readonly namespace?: string;
  /** How many rules, and matches, of another kind stand before it in its route. */
  readonly rulesBefore?: number;
  readonly matchesBefore?: number;
}

/** Which rule decides, what comes first by it, and what would come first by the next one. */
interface Case {
  readonly rule: string;
  readonly first: Side;
  readonly second: Side;
}

type Kind = keyof typeof precedence;
const routeKinds = { http: 'HTTPRoute', grpc: 'GRPCRoute' } as const;
/** A match that no case has: what stands before others. */
const filler = { headers: [{ name: 'filler', value: 'x' }] };

function routeOf(kind: Kind, side: Side): Route {
  const { match = {}, created, name = 'r', namespace = 'shop', rulesBefore = 0, matchesBefore = 0 } = side;
  const rules = [
    ...Array.from({ length: rulesBefore }, () => ({ matches: [filler] })),
    { matches: [...Array.from({ length: matchesBefore }, () => filler), match] },
  ];
  const metadata = { name, namespace, ...(created === undefined ? {} : { creationTimestamp: created }) };
  return route(routeKinds[kind], name, { rules }, { metadata }) as Route;
}

/** Whether `first` comes before `second` by these rules, in whatever order they are found. */
function isFirst(kind: Kind, { first, second }: Case, rules: readonly PrecedenceRule[]): boolean {
  const [a, b] = [first, second].map((side) =>
    placedMatches(translateRoute(routeOf(kind, side), nothing), kind).at(-1),
  );
  if (a === undefined || b === undefined) throw new Error('no match');
  const compare = comparePlaced(rules);
  return [
    [a, b],
    [b, a],
  ].every((both) => both.sort(compare)[0] === a);
}

const headers = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `h${i}`, value: 'v' }));
const params = (count: number) => headers(count);
const exact = { type: 'Exact', value: '/a' };
const prefix = (value: string) => ({ type: 'PathPrefix', value });
const regex = (value: string) => ({ type: 'RegularExpression', value });
const old = '2020-01-01T00:00:00Z';
const recent = '2026-01-01T00:00:00Z';

/** The ties are the same for both kinds. */
const ties: readonly Case[] = [
  { rule: 'oldest route', first: { created: old, namespace: 'z' }, second: { created: recent, namespace: 'a' } },
  { rule: 'first name', first: { namespace: 'a', name: 'b', rulesBefore: 1 }, second: { namespace: 'b', name: 'a' } },
  { rule: 'first rule', first: { matchesBefore: 1 }, second: { rulesBefore: 1 } },
  { rule: 'first match', first: {}, second: { matchesBefore: 1 } },
];

const cases: Readonly<Record<Kind, readonly Case[]>> = {
  http: [
    { rule: 'exact path', first: { match: { path: exact } }, second: { match: { path: prefix('/a/very/long/one') } } },
    {
      rule: 'longest prefix',
      first: { match: { path: prefix('/') } },
      second: { match: { path: regex('/a/very/long/expression') } },
    },
    {
      rule: 'longest expression',
      first: { match: { path: regex('/ab.') } },
      second: { match: { path: regex('/a.'), method: 'GET' } },
    },
    {
      rule: 'method',
      first: { match: { path: exact, method: 'GET' } },
      second: { match: { path: exact, headers: headers(9) } },
    },
    {
      rule: 'most headers',
      first: { match: { path: exact, headers: headers(2) } },
      second: { match: { path: exact, headers: headers(1), queryParams: params(9) } },
    },
    {
      rule: 'most query parameters',
      first: { match: { path: exact, queryParams: params(2) }, created: recent },
      second: { match: { path: exact, queryParams: params(1) }, created: old },
    },
    ...ties,
  ],
  grpc: [
    {
      rule: 'longest service',
      first: { match: { method: { service: 'a.Bc' } } },
      second: { match: { method: { service: 'a.B', method: 'Long' } } },
    },
    {
      rule: 'longest method',
      first: { match: { method: { method: 'A' } } },
      second: { match: { method: { type: 'RegularExpression', service: 'a|b|c' } } },
    },
    {
      rule: 'longest service expression',
      first: { match: { method: { type: 'RegularExpression', service: 'ab+' } } },
      second: { match: { method: { type: 'RegularExpression', service: 'a+', method: 'Long.*' } } },
    },
    {
      rule: 'longest method expression',
      first: { match: { method: { type: 'RegularExpression', method: 'Ab+' } } },
      second: { match: { method: { type: 'RegularExpression', method: 'A+' }, headers: headers(9) } },
    },
    {
      rule: 'most headers',
      first: { match: { headers: headers(2) }, created: recent },
      second: { match: { headers: headers(1) }, created: old },
    },
    ...ties,
  ],
};

for (const kind of ['http', 'grpc'] as const) {
  const table = precedence[kind];

  describe(`the decision table of ${routeKinds[kind]}`, () => {
    it('has a case for each of its rules, in their order', () => {
      expect(cases[kind].map(({ rule }) => rule)).toEqual(table.map(({ name }) => name));
    });

    it.each(cases[kind].map((one) => [one.rule, one] as const))('%s', (rule, one) => {
      expect(isFirst(kind, one, table)).toBe(true);
      const at = table.findIndex(({ name }) => name === rule);
      const without = table.filter((_, i) => i !== at);
      expect(isFirst(kind, one, without)).toBe(false);
      // Before any rule is left out, each rule above it has found both sides equal.
      expect(isFirst(kind, one, table.slice(at))).toBe(true);
    });

    it.each(cases[kind].slice(0, -1).map((one, i) => [one.rule, table[i + 1]?.name ?? '', one] as const))(
      '%s decides before %s',
      (rule, _, one) => {
        const at = table.findIndex(({ name }) => name === rule);
        const swapped = table.flatMap((each, i) =>
          i === at ? (table[at + 1] ?? []) : i === at + 1 ? (table[at] ?? []) : each,
        );
        expect(isFirst(kind, one, swapped)).toBe(false);
      },
    );
  });
}
