import { describe, expect, it } from '@jest/globals';
import type { HttpMatch } from '@tulle/ir';
import fc from 'fast-check';
import { compileHttpRoutes } from './http-routes.ts';
import { requestHead } from './testing/head.ts';
import { backend, httpMatch, httpRule, tableOf } from './testing/tables.ts';

const exact = (value: string) => ({ type: 'exact', value }) as const;
const regex = (value: string) => ({ type: 'regex', value }) as const;

/** The index of the rule that a request comes to, or -1. */
function decide(matches: readonly HttpMatch[], head: ReturnType<typeof requestHead>): number {
  return compileHttpRoutes(tableOf(matches), 'http').match(head)?.rule.index ?? -1;
}

interface Case {
  readonly rule: string;
  readonly matches: readonly HttpMatch[];
  readonly head: ReturnType<typeof requestHead>;
  readonly to: number;
}

const header = (name: string, value: string) => httpMatch('/', { headers: [{ name, match: exact(value) }] });
const query = (name: string, value: string) => httpMatch('/', { queryParams: [{ name, match: exact(value) }] });
const withHeaders = (...headers: [string, string][]) => requestHead('/', { headers });

const cases: Case[] = [
  { rule: 'an exact path', matches: [httpMatch('=/a')], head: requestHead('/a'), to: 0 },
  { rule: 'an exact path is all of the path', matches: [httpMatch('=/a')], head: requestHead('/a/'), to: -1 },
  { rule: 'a path is compared with case', matches: [httpMatch('=/a')], head: requestHead('/A'), to: -1 },
  { rule: 'a path is compared without the query', matches: [httpMatch('=/a')], head: requestHead('/a?b'), to: 0 },
  { rule: 'a path is compared as it came', matches: [httpMatch('=/a b')], head: requestHead('/a%20b'), to: -1 },
  { rule: 'a prefix is the path itself', matches: [httpMatch('/v2')], head: requestHead('/v2'), to: 0 },
  { rule: 'a prefix ends with an element', matches: [httpMatch('/v2')], head: requestHead('/v2/x'), to: 0 },
  { rule: 'a prefix ends with a slash', matches: [httpMatch('/v2')], head: requestHead('/v2/'), to: 0 },
  { rule: 'a prefix is no part of an element', matches: [httpMatch('/v2')], head: requestHead('/v2example'), to: -1 },
  { rule: 'a longer prefix is no match', matches: [httpMatch('/v2/x')], head: requestHead('/v2'), to: -1 },
  { rule: "a prefix's trailing slash does not count", matches: [httpMatch('/v2/')], head: requestHead('/v2'), to: 0 },
  { rule: 'the root prefix is every path', matches: [httpMatch('/')], head: requestHead('/x/y'), to: 0 },
  { rule: 'the root prefix is the empty path', matches: [httpMatch('/')], head: requestHead(''), to: 0 },
  { rule: 'a regular path', matches: [httpMatch('~/v[0-9]+/.*')], head: requestHead('/v12/x'), to: 0 },
  { rule: 'a regular path is all of the path', matches: [httpMatch('~/v[0-9]')], head: requestHead('/v12'), to: -1 },
  {
    rule: 'the first match decides',
    matches: [httpMatch('=/a'), httpMatch('/a'), httpMatch('/')],
    head: requestHead('/a'),
    to: 0,
  },
  {
    rule: 'order alone decides, whatever the kind of path',
    matches: [httpMatch('/'), httpMatch('/a'), httpMatch('=/a'), httpMatch('~/a')],
    head: requestHead('/a'),
    to: 0,
  },
  {
    rule: 'a regular path before a prefix in the order comes first',
    matches: [httpMatch('~/a.*'), httpMatch('/a')],
    head: requestHead('/a/b'),
    to: 0,
  },
  {
    rule: 'a longer prefix first in the order',
    matches: [httpMatch('/a/b'), httpMatch('/a')],
    head: requestHead('/a/b/c'),
    to: 0,
  },
  {
    rule: 'a match whose other parts fail gives way to the next',
    matches: [httpMatch('/a/b', { method: 'POST' }), httpMatch('/a')],
    head: requestHead('/a/b/c'),
    to: 1,
  },
  {
    rule: 'a method',
    matches: [httpMatch('/', { method: 'POST' })],
    head: requestHead('/', { method: 'POST' }),
    to: 0,
  },
  { rule: 'another method', matches: [httpMatch('/', { method: 'POST' })], head: requestHead('/'), to: -1 },
  {
    rule: 'a method is compared with case',
    matches: [httpMatch('/', { method: 'POST' })],
    head: requestHead('/', { method: 'post' }),
    to: -1,
  },
  { rule: 'a header', matches: [header('version', 'two')], head: withHeaders(['version', 'two']), to: 0 },
  {
    rule: "a header's name without case",
    matches: [header('version', 'two')],
    head: withHeaders(['VeRsion', 'two']),
    to: 0,
  },
  {
    rule: "a header's value with case",
    matches: [header('version', 'two')],
    head: withHeaders(['version', 'Two']),
    to: -1,
  },
  { rule: 'a header that is not there', matches: [header('version', 'two')], head: requestHead('/'), to: -1 },
  { rule: 'an empty header that is not there', matches: [header('version', '')], head: requestHead('/'), to: -1 },
  {
    rule: 'all headers must hold',
    matches: [
      httpMatch('/', {
        headers: [
          { name: 'a', match: exact('1') },
          { name: 'b', match: exact('2') },
        ],
      }),
    ],
    head: withHeaders(['a', '1'], ['b', '3']),
    to: -1,
  },
  {
    rule: 'of several matches with one header name only the first counts',
    matches: [
      httpMatch('/', {
        headers: [
          { name: 'a', match: exact('1') },
          { name: 'A', match: exact('2') },
        ],
      }),
    ],
    head: withHeaders(['a', '1']),
    to: 0,
  },
  {
    rule: 'several lines of a header are one value',
    matches: [header('a', '1, 2')],
    head: withHeaders(['a', '1'], ['b', '0'], ['A', '2']),
    to: 0,
  },
  { rule: 'with or without a space', matches: [header('a', '1,2')], head: withHeaders(['a', '1'], ['a', '2']), to: 0 },
  {
    rule: 'and not the first line alone',
    matches: [header('a', '1')],
    head: withHeaders(['a', '1'], ['a', '2']),
    to: -1,
  },
  {
    rule: 'lines of Cookie are joined with a semicolon',
    matches: [header('cookie', 'a=1; b=2')],
    head: withHeaders(['cookie', 'a=1'], ['cookie', 'b=2']),
    to: 0,
  },
  {
    rule: 'several lines of a header are one value for an expression',
    matches: [httpMatch('/', { headers: [{ name: 'a', match: regex('1, 2') }] })],
    head: withHeaders(['a', '1'], ['a', '2']),
    to: 0,
  },
  {
    rule: "a regular header is all of the header's value",
    matches: [httpMatch('/', { headers: [{ name: 'a', match: regex('v[0-9]') }] })],
    head: withHeaders(['a', 'xv1']),
    to: -1,
  },
  {
    rule: 'a regular header holds',
    matches: [httpMatch('/', { headers: [{ name: 'a', match: regex('v[0-9]') }] })],
    head: withHeaders(['a', 'v1']),
    to: 0,
  },
  {
    rule: 'an expression that matches the empty string wants the header all the same',
    matches: [httpMatch('/', { headers: [{ name: 'a', match: regex('.*') }] })],
    head: requestHead('/'),
    to: -1,
  },
  {
    rule: 'host is the authority',
    matches: [header('host', 'cart:8080')],
    head: requestHead('/', { host: 'cart:8080' }),
    to: 0,
  },
  { rule: 'a query parameter', matches: [query('a', '1')], head: requestHead('/?a=1'), to: 0 },
  { rule: 'a query parameter among others', matches: [query('a', '1')], head: requestHead('/?b=2&a=1&c'), to: 0 },
  { rule: "a query parameter's name with case", matches: [query('a', '1')], head: requestHead('/?A=1'), to: -1 },
  { rule: 'no query', matches: [query('a', '1')], head: requestHead('/'), to: -1 },
  { rule: 'an empty query', matches: [query('a', '')], head: requestHead('/?'), to: -1 },
  { rule: 'a parameter without a value has an empty one', matches: [query('a', '')], head: requestHead('/?a'), to: 0 },
  { rule: 'the first parameter of a name counts', matches: [query('a', '1')], head: requestHead('/?a=2&a=1'), to: -1 },
  { rule: 'also if it is empty', matches: [query('a', '')], head: requestHead('/?a&a=1'), to: 0 },
  { rule: "a value's percent-encoding is undone", matches: [query('a', 'x y')], head: requestHead('/?a=x%20y'), to: 0 },
  { rule: "a name's percent-encoding is undone", matches: [query('a b', '1')], head: requestHead('/?a%20b=1'), to: 0 },
  { rule: 'a plus is a plus', matches: [query('a', 'x y')], head: requestHead('/?a=x+y'), to: -1 },
  { rule: 'a broken encoding is plain', matches: [query('a', '%2')], head: requestHead('/?a=%2'), to: 0 },
  { rule: "a value's second = belongs to it", matches: [query('a', 'b=c')], head: requestHead('/?a=b=c'), to: 0 },
  {
    rule: 'of several matches with one parameter name only the first counts',
    matches: [
      httpMatch('/', {
        queryParams: [
          { name: 'a', match: exact('1') },
          { name: 'a', match: exact('2') },
        ],
      }),
    ],
    head: requestHead('/?a=1'),
    to: 0,
  },
  {
    rule: 'a regular parameter, decoded',
    matches: [httpMatch('/', { queryParams: [{ name: 'a', match: regex('x[ ]y') }] })],
    head: requestHead('/?a=x%20y'),
    to: 0,
  },
  { rule: 'nothing to match', matches: [], head: requestHead('/'), to: -1 },
];

describe('what decides', () => {
  for (const { rule, matches, head, to } of cases) {
    it(rule, () => {
      expect(decide(matches, head)).toBe(to);
    });
  }

  it('does not remember the headers and parameters of the request before', () => {
    const routes = compileHttpRoutes(tableOf([header('a', '1'), query('b', '2')]), 'http');
    const answers = ['/', '/?b=2', '/'].map((target) => routes.match(requestHead(target))?.rule.index);
    expect(routes.match(withHeaders(['a', '1']))?.rule.index).toBe(0);
    expect(routes.match(withHeaders(['b', '1']))).toBeUndefined();
    expect(answers).toEqual([undefined, 1, undefined]);
  });

  it('refuses a match that leads to no rule', () => {
    expect(() => compileHttpRoutes({ rules: [], matches: [{ match: httpMatch('/'), rule: 0 }] }, 'http')).toThrow(
      'rule 0',
    );
  });
});

/** What the table means: the first match that holds, tried one by one on strings. */
function naive(matches: readonly HttpMatch[], path: string, headers: Map<string, string>): number {
  return matches.findIndex(({ path: wanted, headers: checks }) => {
    const prefix = wanted.value.replace(/\/+$/, '');
    const holds =
      wanted.type === 'exact'
        ? path === wanted.value
        : wanted.type === 'prefix'
          ? path === prefix || path.startsWith(`${prefix}/`)
          : new RegExp(`^(?:${wanted.value})$`).test(path);
    return holds && checks.every((check) => headers.get(check.name) === check.match.value);
  });
}

describe('the index', () => {
  const paths = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const anyMatch = fc
    .tuple(fc.constantFrom('', '=', '~'), paths, fc.option(fc.constantFrom('1', '2')))
    .map(([kind, path, value]) =>
      httpMatch(kind + path, value === null ? {} : { headers: [{ name: 'h', match: exact(value) }] }),
    );

  it('decides as trying one by one would, in any order of matches', () => {
    fc.assert(
      fc.property(
        fc.array(anyMatch, { maxLength: 12 }),
        paths,
        fc.constantFrom('1', '2', '3'),
        fc.boolean(),
        (matches, path, value, slash) => {
          const target = slash && path !== '/' ? `${path}/` : path;
          const head = requestHead(target, { headers: [['H', value]] });
          expect(decide(matches, head)).toBe(naive(matches, target, new Map([['h', value]])));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a rule', () => {
  it('answers nothing when it has no backends or all weights are zero', () => {
    const rules = [httpRule(0, { backends: [] }), httpRule(1, { backends: [backend('a', 0), backend('b', 0)] })];
    const matches = [
      { match: httpMatch('=/none'), rule: 0 },
      { match: httpMatch('/'), rule: 1 },
    ];
    const routes = compileHttpRoutes({ rules, matches }, 'http');
    expect(routes.match(requestHead('/none'))?.pickBackend()).toBeUndefined();
    expect(routes.match(requestHead('/'))?.pickBackend()).toBeUndefined();
  });

  it('shares its weights among its matches', () => {
    const rules = [httpRule(0, { backends: [backend('a'), backend('b')] })];
    const matches = ['/x', '/y'].map((path) => ({ match: httpMatch(path), rule: 0 }));
    const routes = compileHttpRoutes({ rules, matches }, 'http', undefined, () => 0);
    const picks = Array.from(
      { length: 100 },
      (_, i) => routes.match(requestHead(i % 2 === 0 ? '/x' : '/y'))?.pickBackend()?.index,
    );
    expect(picks.filter((index) => index === 0).length).toBeGreaterThanOrEqual(49);
    expect(picks.filter((index) => index === 0).length).toBeLessThanOrEqual(51);
  });

  it('keeps its place among the weights when the configuration changes', () => {
    const table = (extra: number) => ({
      rules: [
        httpRule(0, { backends: [backend('a', 9), backend('b', 1)] }),
        ...Array.from({ length: extra }, (_, i) => httpRule(i + 1)),
      ],
      matches: [{ match: httpMatch('/'), rule: 0 }],
    });
    let routes = compileHttpRoutes(table(0), 'http', undefined, () => 0);
    let toB = 0;
    for (let i = 0; i < 1000; i++) {
      if (routes.match(requestHead('/'))?.pickBackend()?.index === 1) toB++;
      routes = compileHttpRoutes(table(i % 2), 'http', routes, () => 0);
    }
    expect(toB).toBeGreaterThanOrEqual(97);
    expect(toB).toBeLessThanOrEqual(103);
  });
});
