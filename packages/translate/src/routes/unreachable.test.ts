import { expect, it } from '@jest/globals';
import type { HttpMatch, HttpRouteTable } from '@tulle/ir';
import fc from 'fast-check';
import { httpRank } from './http-match.ts';
import { comparePlaced, precedence } from './precedence.ts';
import { unreachableRules } from './unreachable.ts';

interface Request {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

const requests: Request[] = ['/', '/a', '/a/b', '/ab', '/a/b/c', '/c'].flatMap((path) =>
  ['GET', 'PUT'].flatMap((method) =>
    [{}, { x: '1' }, { y: '1' }, { x: '1', y: '1' }, { x: '2', y: '1' }].map((headers) => ({ path, method, headers })),
  ),
);

function holds({ path, method, headers }: HttpMatch, request: Request): boolean {
  const isPath =
    path.type === 'exact'
      ? request.path === path.value
      : path.value === '/' || request.path === path.value || request.path.startsWith(`${path.value}/`);
  return (
    isPath &&
    (method === undefined || method === request.method) &&
    headers.every(({ name, match }) => request.headers[name] === match.value)
  );
}

interface Entry {
  readonly match: HttpMatch;
  readonly rule: number;
}

/** As the matches of one route. */
function byRank(a: Entry, b: Entry): number {
  const place = ({ match: one, rule }: Entry) => ({
    rank: httpRank(one),
    createdMs: 0,
    route: 'shop/r',
    ruleIndex: rule,
    matchIndex: 0,
  });
  return comparePlaced(precedence.http)(place(a), place(b));
}

const header = (name: string, value: string) => ({ name, match: { type: 'exact' as const, value } });
const match: fc.Arbitrary<HttpMatch> = fc.record(
  {
    path: fc.record({ type: fc.constantFrom('exact', 'prefix'), value: fc.constantFrom('/', '/a', '/a/b', '/ab') }),
    method: fc.constantFrom('GET', 'PUT'),
    headers: fc.subarray([header('x', '1'), header('y', '1')]),
    queryParams: fc.constant([]),
  },
  { requiredKeys: ['path', 'headers', 'queryParams'] },
);

it('no request reaches a rule that is said to be unreachable, and each with one equal match before it is said to be', () => {
  fc.assert(
    fc.property(fc.array(fc.array(match, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 5 }), (specs) => {
      const matches = specs.flatMap((list, rule) => list.map((one) => ({ match: one, rule }))).sort(byRank);
      const rules = specs.map((_, index) => ({ route: 'HTTPRoute/shop/r', index, filters: [], backends: [] }));
      const table: HttpRouteTable = { rules, matches };
      const unreachable = new Set(unreachableRules(table).map(({ rule }) => rule.index));
      for (const request of requests) {
        const first = matches.find((entry) => holds(entry.match, request));
        if (first !== undefined) expect(unreachable).not.toContain(first.rule);
      }
      const copy = {
        rules: [...rules, { ...rules[0], route: 'HTTPRoute/shop/s', index: specs.length, filters: [], backends: [] }],
        matches,
      };
      const again = matches.filter(({ rule }) => rule === 0).map((entry) => ({ ...entry, rule: specs.length }));
      const doubled = [...matches, ...again].sort(byRank);
      expect(unreachableRules({ ...copy, matches: doubled }).map(({ rule }) => rule.index)).toContain(specs.length);
    }),
  );
});
