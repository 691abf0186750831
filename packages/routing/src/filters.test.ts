import { describe, expect, it } from '@jest/globals';
import type { RequestHead } from '@tulle/core';
import type { HttpFilter } from '@tulle/ir';
import { compileHeaderEdits } from './header-edits.ts';
import type { HeaderEdits } from './header-edits.ts';
import { compileHttpRoutes } from './http-routes.ts';
import { headerBlock, requestHead } from './testing/head.ts';
import { backend, httpMatch, httpRule } from './testing/tables.ts';

/** Applies edits as an agent does. */
function edited(edits: HeaderEdits | undefined, fields: readonly (readonly [string, string])[]): string {
  const { buffer, ranges, count } = headerBlock(fields);
  let text = '';
  for (let i = 0; i < count; i++) {
    const [nameStart = 0, nameEnd = 0, valueStart = 0, valueEnd = 0] = ranges.subarray(i * 4);
    if (edits?.drops(buffer, nameStart, nameEnd) === true) continue;
    text += `${Buffer.from(buffer).toString('utf8', nameStart, nameEnd)}: `;
    text += `${Buffer.from(buffer).toString('utf8', valueStart, valueEnd)}\r\n`;
  }
  return (text + (edits?.append.toString() ?? '')).replaceAll('\r\n', '|');
}

const modifier = (parts: Partial<{ set: [string, string][]; add: [string, string][]; remove: string[] }>) => ({
  set: (parts.set ?? []).map(([name, value]) => ({ name, value })),
  add: (parts.add ?? []).map(([name, value]) => ({ name, value })),
  remove: parts.remove ?? [],
});

describe('header edits', () => {
  it('set replaces every line, whatever its case', () => {
    const edits = compileHeaderEdits([modifier({ set: [['X-A', 'new']] })]);
    expect(
      edited(edits, [
        ['x-a', '1'],
        ['b', '2'],
        ['X-A', '3'],
      ]),
    ).toBe('b: 2|X-A: new|');
  });

  it('set makes a header that is not there', () => {
    expect(edited(compileHeaderEdits([modifier({ set: [['a', '1']] })]), [])).toBe('a: 1|');
  });

  it('add keeps the lines that are there', () => {
    expect(edited(compileHeaderEdits([modifier({ add: [['a', '2']] })]), [['a', '1']])).toBe('a: 1|a: 2|');
  });

  it('remove takes every line and nothing else', () => {
    const edits = compileHeaderEdits([modifier({ remove: ['a'] })]);
    expect(
      edited(edits, [
        ['A', '1'],
        ['ab', '2'],
        ['a', '3'],
        ['b', '4'],
      ]),
    ).toBe('ab: 2|b: 4|');
  });

  it('does set, then add, then remove', () => {
    const edits = compileHeaderEdits([
      modifier({
        set: [['a', '1']],
        add: [
          ['a', '2'],
          ['b', '3'],
        ],
        remove: ['b'],
      }),
    ]);
    expect(
      edited(edits, [
        ['a', '0'],
        ['b', '0'],
      ]),
    ).toBe('a: 1|a: 2|');
  });

  it("applies the rule's, then the backend's", () => {
    const edits = compileHeaderEdits([
      modifier({ set: [['a', 'rule']], add: [['c', 'rule']] }),
      modifier({ set: [['a', 'backend']], remove: ['c'] }),
    ]);
    expect(edited(edits, [['c', '0']])).toBe('a: backend|');
  });

  it('never touches what frames the message or names its target', () => {
    const names = ['Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'TE', 'Upgrade', ':path'];
    const all = names.map((name): [string, string] => [name, 'x']);
    expect(compileHeaderEdits([modifier({ set: all, add: all, remove: names })])).toBeUndefined();
  });

  it('follow one another: what the second sets or removes of the first is gone', () => {
    const first = compileHeaderEdits([modifier({ set: [['a', '1']], add: [['X-B', '2']], remove: ['gone'] })]);
    const second = compileHeaderEdits([modifier({ set: [['x-b', '3']], add: [['a', '4']] })]);
    expect(
      edited(second === undefined ? undefined : first?.followedBy(second), [
        ['a', '0'],
        ['x-b', '0'],
        ['gone', '0'],
        ['kept', '0'],
      ]),
    ).toBe('kept: 0|a: 1|x-b: 3|a: 4|');
  });

  it('describes what it appends as fields, too', () => {
    const edits = compileHeaderEdits([modifier({ set: [['X-Ä', 'ö']], add: [['b', '']] })]);
    const { buffer, count, ranges } = edited2(edits);
    const part = (i: number) => Buffer.from(buffer).toString('utf8', ranges[i], ranges[i + 1]);
    expect([count, part(0), part(2), part(4), part(6)]).toEqual([2, 'X-Ä', 'ö', 'b', '']);
  });

  it('is nothing when nothing changes', () => {
    expect(compileHeaderEdits([modifier({})])).toBeUndefined();
  });
});

function edited2(edits: HeaderEdits | undefined) {
  if (edits === undefined) throw new Error('no edits');
  return edits.appended;
}

/** The rule that a table with one rule, matched on `path` and with these filters, gives for a request. */
function ruleWith(path: string, filters: HttpFilter[], head: RequestHead, backendFilters: HttpFilter[] = []) {
  const rule = httpRule(0, { filters, backends: [backend('v1', 1, backendFilters)] });
  const found = compileHttpRoutes({ rules: [rule], matches: [{ match: httpMatch(path), rule: 0 }] }, 'http').match(
    head,
  );
  if (found === undefined) throw new Error('no match');
  return found;
}

const prefixTable = [
  // The table in the API's comments on HTTPPathModifier.replacePrefixMatch: path, prefix, replacement, result.
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
  ['/foo', '/foo', '/xyz', '/xyz'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/foo/', '/foo', '', '/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/', '/foo', '/', '/'],
  ['/foo', '/foo', '/', '/'],
  // And what follows from it.
  ['/bar', '/', '/xyz', '/xyz/bar'],
  ['/', '/', '/xyz', '/xyz/'],
  ['/foo/bar?a=/foo', '/foo', '/xyz', '/xyz/bar?a=/foo'],
  ['/foo?', '/foo', '/', '/?'],
] as const;

describe('rewrite', () => {
  for (const [target, prefix, value, result] of prefixTable) {
    it(`of ${target} with ${prefix} to '${value}' gives ${result}`, () => {
      const head = requestHead(target);
      const rule = ruleWith(prefix, [{ type: 'rewrite', path: { type: 'prefix', value } }], head);
      expect(rule.rewrite?.target?.build(head).toString()).toBe(result);
    });
  }

  it('of the full path keeps the query', () => {
    const head = requestHead('/a/b?c=d');
    const rule = ruleWith('/', [{ type: 'rewrite', hostname: 'other', path: { type: 'full', value: '/x' } }], head);
    expect(rule.rewrite?.target?.build(head).toString()).toBe('/x?c=d');
    expect(rule.rewrite?.host?.toString()).toBe('other');
  });

  it('of the full path takes a query that the replacement brings', () => {
    const head = requestHead('/a?b');
    const rule = ruleWith('/', [{ type: 'rewrite', path: { type: 'full', value: '/x?y' } }], head);
    expect(rule.rewrite?.target?.build(head).toString()).toBe('/x?y');
  });

  it('of a prefix replaces nothing where no prefix was matched', () => {
    const head = requestHead('/a');
    expect(ruleWith('=/a', [{ type: 'rewrite', path: { type: 'prefix', value: '/x' } }], head).rewrite).toBeUndefined();
  });

  it('uses the prefix of the match that held', () => {
    const rule = httpRule(0, { filters: [{ type: 'rewrite', path: { type: 'prefix', value: '/x' } }] });
    const matches = ['/a/b', '/a'].map((path) => ({ match: httpMatch(path), rule: 0 }));
    const routes = compileHttpRoutes({ rules: [rule], matches }, 'http');
    const results = ['/a/b/c', '/a/c'].map((target) => {
      const head = requestHead(target);
      return routes.match(head)?.rewrite?.target?.build(head).toString();
    });
    expect(results).toEqual(['/x/c', '/x/c']);
  });

  it("takes a backend's host with the rule's path", () => {
    const head = requestHead('/a/b');
    const rule = ruleWith('/a', [{ type: 'rewrite', hostname: 'rule', path: { type: 'prefix', value: '/x' } }], head, [
      { type: 'rewrite', hostname: 'backend' },
    ]);
    const rewrite = rule.pickBackend()?.rewrite;
    expect([rewrite?.host?.toString(), rewrite?.target?.build(head).toString()]).toEqual(['backend', '/x/b']);
    expect(rule.rewrite?.host?.toString()).toBe('rule');
  });

  it('writes where it is told', () => {
    const head = requestHead('/foo/bar?q');
    const target = ruleWith('/foo', [{ type: 'rewrite', path: { type: 'prefix', value: '/z' } }], head).rewrite?.target;
    const into = Buffer.alloc(32, 46);
    const end = target?.write(head, into, 4) ?? 0;
    expect(into.toString('latin1', 0, end + 1)).toBe('..../z/bar?q.');
    expect(end - 4).toBeLessThanOrEqual(target?.maxLength(head) ?? 0);
  });
});

type Redirect = Omit<Extract<HttpFilter, { type: 'redirect' }>, 'type' | 'statusCode'>;

const redirects: [string, Redirect, { host?: string; port?: number; target?: string; match?: string }, string][] = [
  ['a hostname', { hostname: 'other.example' }, {}, 'http://other.example/a/b?c'],
  ['nothing: the host of the request', {}, {}, 'http://cart.shop/a/b?c'],
  ['the port of the Service', {}, { port: 8080 }, 'http://cart.shop:8080/a/b?c'],
  ["not the port of the request's host", {}, { host: 'cart:1234', port: 80 }, 'http://cart/a/b?c'],
  ['an IPv6 address', {}, { host: '[fd00::1]:80' }, 'http://[fd00::1]/a/b?c'],
  ['an IPv6 address without a port', {}, { host: '[fd00::1]' }, 'http://[fd00::1]/a/b?c'],
  ['a port', { port: 8443 }, { port: 8080 }, 'http://cart.shop:8443/a/b?c'],
  ['a port that goes without saying', { port: 80 }, { port: 8080 }, 'http://cart.shop/a/b?c'],
  ['a scheme: its own port', { scheme: 'https' }, { port: 8080 }, 'https://cart.shop/a/b?c'],
  ['the scheme http: its own port', { scheme: 'http' }, { port: 8080 }, 'http://cart.shop/a/b?c'],
  ['a scheme and a port', { scheme: 'https', port: 80 }, {}, 'https://cart.shop:80/a/b?c'],
  ['a scheme and its own port', { scheme: 'https', port: 443 }, {}, 'https://cart.shop/a/b?c'],
  ['a path', { path: { type: 'full', value: '/x' } }, {}, 'http://cart.shop/x?c'],
  ['a prefix', { path: { type: 'prefix', value: '/x' } }, { match: '/a' }, 'http://cart.shop/x/b?c'],
  ['a request without a host', {}, { host: '' }, '/a/b?c'],
  ['a request without a host, with a hostname', { hostname: 'x' }, { host: '' }, 'http://x/a/b?c'],
  ['a request without a path', {}, { target: '' }, 'http://cart.shop/'],
];

describe('redirect', () => {
  for (const [what, filter, { host = 'cart.shop', port = 80, target = '/a/b?c', match = '/' }, result] of redirects) {
    it(`to ${what}`, () => {
      const head = requestHead(target, { host });
      const rule = ruleWith(match, [{ type: 'redirect', statusCode: 302, ...filter }], head);
      expect(rule.redirect?.buildLocation(head, { scheme: 'http', port }).toString()).toBe(result);
    });
  }

  it('has the status of the filter', () => {
    const rule = ruleWith('/', [{ type: 'redirect', statusCode: 308 }], requestHead('/'));
    expect(rule.redirect?.status).toBe(308);
  });

  it("may be a backend's own", () => {
    const rule = ruleWith('/', [], requestHead('/'), [{ type: 'redirect', statusCode: 303 }]);
    expect([rule.redirect, rule.pickBackend()?.redirect?.status]).toEqual([undefined, 303]);
  });
});

describe('mirrors', () => {
  const mirror = (numerator: number): HttpFilter => ({
    type: 'mirror',
    backend: { type: 'service', service: 'shop/copy', port: 80 },
    numerator,
    denominator: 100,
  });

  it("sample their share, the rule's and the backend's", () => {
    const rule = ruleWith('/', [mirror(100), mirror(10)], requestHead('/'), [mirror(0)]);
    const counts = [0, 0, 0];
    for (let i = 0; i < 1000; i++) {
      rule.pickBackend()?.mirrors.forEach((one, at) => {
        if (one.sample()) counts[at] = (counts[at] as number) + 1;
      });
    }
    expect([counts[0], counts[2]]).toEqual([1000, 0]);
    expect(Math.abs((counts[1] as number) - 100)).toBeLessThanOrEqual(4);
  });
});
