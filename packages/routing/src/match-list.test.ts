import { describe, expect, it } from '@jest/globals';
import type { HttpMatch } from '@tulle/ir';
import fc from 'fast-check';
import { compileHttpRoutes } from './http-routes.ts';
import { requestHead } from './testing/head.ts';
import { httpMatch, tableOf } from './testing/tables.ts';

type Head = ReturnType<typeof requestHead>;

/** The index of the first match that a table of its own would find, so that no index is in play. */
function oneByOne(matches: readonly HttpMatch[], head: Head): number {
  return matches.findIndex((match) => compileHttpRoutes(tableOf([match]), 'http').match(head) !== undefined);
}

function expectSame(matches: readonly HttpMatch[], heads: readonly Head[]): void {
  const routes = compileHttpRoutes(tableOf(matches), 'http');
  for (const head of heads) expect(routes.match(head)?.rule.index ?? -1).toBe(oneByOne(matches, head));
}

const value = fc.constantFrom('1', '2', '12', '');
const check = fc.oneof(
  value.map((each) => ({ type: 'exact', value: each }) as const),
  fc.constantFrom('1', '[12]', '1.*').map((each) => ({ type: 'regex', value: each }) as const),
);
const names = ['a', 'b', 'c', 'host', 'cookie', 'x-long-name'];
const checks = (of: readonly string[]) =>
  fc.array(fc.record({ name: fc.constantFrom(...of), match: check }), { maxLength: 2 });
const anyMatch = fc
  .record({
    path: fc.constantFrom('/', '/p', '=/p/q', '=/p', '~/p/[a-z]+', '~/p.*', '~/(p|q)', '~/p/q'),
    method: fc.option(fc.constantFrom('GET', 'PUT'), { nil: undefined, freq: 5 }),
    headers: checks(names),
    queryParams: checks(['a', 'b', '%']),
  })
  .map(({ path, method, headers, queryParams }) =>
    httpMatch(path, { headers, queryParams, ...(method === undefined ? {} : { method }) }),
  );
const anyHead = fc
  .record({
    path: fc.constantFrom('/', '/p', '/p/q', '/q', '/p/q/r'),
    query: fc.array(fc.constantFrom('a=1', 'a=%31', 'b=2', 'b', '%25=12', 'a=12', 'z=1'), { maxLength: 3 }),
    method: fc.constantFrom('GET', 'PUT'),
    host: fc.constantFrom('', '1', '12'),
    headers: fc.array(fc.tuple(fc.constantFrom('A', 'b', 'C', 'cookie', 'X-Long-Name', 'z'), value), { maxLength: 5 }),
  })
  .map(({ path, query, ...options }) => requestHead(query.length === 0 ? path : `${path}?${query.join('&')}`, options));

describe('long tables', () => {
  it('decide as trying one by one would', () => {
    const property = fc.property(
      fc.array(anyMatch, { minLength: 8, maxLength: 40 }),
      fc.array(anyHead, { minLength: 1, maxLength: 8 }),
      expectSame,
    );
    fc.assert(property, { numRuns: 400 });
  });

  it('find each of five hundred by its header, its name, its parameter and its expression', () => {
    const ofNumber: ((i: number) => readonly [HttpMatch, Head])[] = [
      (i) => [
        httpMatch('/', { headers: [{ name: 'tenant', match: { type: 'exact', value: `t${i}` } }] }),
        requestHead('/', { headers: [['Tenant', `t${i}`]] }),
      ],
      (i) => [
        httpMatch('/', { headers: [{ name: `flag-${i}`, match: { type: 'exact', value: 'on' } }] }),
        requestHead('/', {
          headers: [
            ['other', '1'],
            [`Flag-${i}`, 'on'],
          ],
        }),
      ],
      (i) => [
        httpMatch('/', { queryParams: [{ name: 't', match: { type: 'exact', value: `${i}` } }] }),
        requestHead(`/?x=1&t=${i}`),
      ],
      (i) => [httpMatch(`~/v[0-9]+/items-${i}/[a-z]+`), requestHead(`/v1/items-${i}/abc`)],
    ];
    for (const make of ofNumber) {
      const pairs = Array.from({ length: 500 }, (_, i) => make(i));
      const routes = compileHttpRoutes(tableOf(pairs.map(([match]) => match)), 'http');
      expect(pairs.map(([, head]) => routes.match(head)?.rule.index)).toEqual(pairs.map((_, i) => i));
      expect(routes.match(make(500)[1])).toBeUndefined();
    }
  });

  it('tell values apart whose hashes are equal', () => {
    // FNV-1a of 32 bits gives these pairs the same value.
    const collide = ['costarring', 'liquid', 'declinate', 'macallums', 'altarage', 'zinke'];
    const filler = Array.from({ length: 8 }, (_, i) => `filler-${i}`);
    const matches = [...collide, ...filler].map((each) =>
      httpMatch('/', { headers: [{ name: 'h', match: { type: 'exact', value: each } }] }),
    );
    expectSame(
      matches,
      collide.map((each) => requestHead('/', { headers: [['h', each]] })),
    );
  });

  it('take expressions that are too large together one by one', () => {
    const matches = Array.from({ length: 60 }, (_, i) => httpMatch(`~/(?:[a-z]{100}){10}${i}`));
    const routes = compileHttpRoutes(tableOf(matches), 'http');
    expect(routes.match(requestHead(`/${'a'.repeat(1000)}59`))?.rule.index).toBe(59);
    expect(routes.match(requestHead(`/${'a'.repeat(999)}59`))).toBeUndefined();
  });

  it('stay quick where a hostile path makes the expressions forget what they have learnt', () => {
    const matches = Array.from({ length: 100 }, (_, i) => httpMatch(`~/.*[a-f]..${i}.*x`));
    const routes = compileHttpRoutes(tableOf(matches), 'http');
    const path = `/${Array.from({ length: 4000 }, (_, i) => 'abcdefgh0123456789'[(i * i + (i >> 3)) % 18]).join('')}x`;
    const head = requestHead(path);
    expect(routes.match(head)?.rule.index ?? -1).toBe(oneByOne(matches, head));
  });
});
