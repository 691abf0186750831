import { describe, expect, it } from '@jest/globals';
import type { HttpFilter, HttpMatch, ServiceRoutes } from '@tulle/ir';
import { httpMatchView } from '../src/views/match-view.ts';
import { ruleDetails } from '../src/views/rule-details.ts';
import { ruleGroups } from '../src/views/rule-views.ts';
import { byName, httpRule, snapshotOf } from './mesh-fixture.ts';

const everything: HttpMatch = { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] };

describe('a match in words', () => {
  it.each<[string, Partial<HttpMatch>, 'http' | 'grpc']>([
    ['everything', {}, 'http'],
    ['path under /cart', { path: { type: 'prefix', value: '/cart' } }, 'http'],
    ['path = /cart and method GET', { path: { type: 'exact', value: '/cart' }, method: 'GET' }, 'http'],
    ['path ~ /v[0-9]+', { path: { type: 'regex', value: '/v[0-9]+' } }, 'http'],
    [
      'header x-team = qa and query v ~ [12]',
      {
        headers: [{ name: 'x-team', match: { type: 'exact', value: 'qa' } }],
        queryParams: [{ name: 'v', match: { type: 'regex', value: '[12]' } }],
      },
      'http',
    ],
    ['method shop.Cart/Add', { path: { type: 'exact', value: '/shop.Cart/Add' } }, 'grpc'],
    ['service shop.Cart', { path: { type: 'prefix', value: '/shop.Cart' } }, 'grpc'],
  ])('%s', (text, match, kind) => {
    expect(httpMatchView({ ...everything, ...match }, kind).text).toBe(text);
  });

  it('carries the same as data', () => {
    const headers = [{ name: 'x-team', match: { type: 'exact', value: 'qa' } }] as const;
    expect(httpMatchView({ ...everything, method: 'GET', headers }, 'http')).toEqual({
      text: 'method GET and header x-team = qa',
      method: 'GET',
      headers,
    });
  });
});

describe('a match that holds a secret', () => {
  it('is shown without it, in words and as data', () => {
    const headers = [{ name: 'x-api-key', match: { type: 'exact', value: 'hush' } }] as const;
    const view = httpMatchView({ ...everything, headers }, 'http');
    expect(view.text).toBe('header x-api-key = [redacted]');
    expect(JSON.stringify(view)).not.toContain('hush');
  });
});

describe('what a rule does besides', () => {
  const backends = [
    { target: { type: 'service', service: 'shop/cart-v1', port: 80 }, weight: 1, filters: [] },
  ] as const;
  const modifier = { set: [{ name: 'A', value: '1' }], add: [{ name: 'B', value: '2' }], remove: ['c'] };

  it.each<[string, HttpFilter, string[]]>([
    [
      'request headers',
      { type: 'requestHeaders', modifier },
      ['sets request header A: 1', 'adds request header B: 2', 'removes request header c'],
    ],
    [
      'response headers',
      { type: 'responseHeaders', modifier: { ...modifier, add: [], remove: [] } },
      ['sets response header A: 1'],
    ],
    [
      'headers that are secrets, without their values',
      { type: 'requestHeaders', modifier: { ...modifier, add: [{ name: 'Authorization', value: 'Bearer x' }] } },
      ['sets request header A: 1', 'adds request header Authorization: [redacted]', 'removes request header c'],
    ],
    [
      'redirect',
      { type: 'redirect', scheme: 'https', port: 8443, path: { type: 'full', value: '/x' }, statusCode: 301 },
      ['redirects with 301 to scheme https, port 8443, path /x'],
    ],
    [
      'rewrite',
      { type: 'rewrite', hostname: 'a.example', path: { type: 'prefix', value: '/v2' } },
      ['rewrites the host to a.example', 'rewrites the path prefix /v2'],
    ],
    [
      'mirror',
      { type: 'mirror', backend: { type: 'service', service: 'shop/shadow', port: 80 }, numerator: 1, denominator: 10 },
      ['mirrors 10 % to shop/shadow:80'],
    ],
  ])('%s', (_, filter, words) => {
    expect(ruleDetails(httpRule({ backends, filters: [filter] }))).toEqual(words);
  });

  it('timeouts, retries and sessions', () => {
    const rule = httpRule({
      backends,
      requestTimeoutMs: 2000,
      backendRequestTimeoutMs: 0,
      retry: { codes: [502, 503], connectionErrors: true, attempts: 2, backoffMs: 25 },
      sessionPersistence: { type: 'cookie', name: 'sid', lifetime: 'session' },
    });
    expect(ruleDetails(rule)).toEqual([
      'timeout 2 s',
      'no timeout of each try',
      '2 retries on 502 503 connection errors, first after 25 ms',
      'one endpoint a session (cookie sid)',
    ]);
  });

  it('a rule without backends answers 500, unless it redirects', () => {
    expect(ruleDetails(httpRule({}))).toEqual(['answers 500: the rule has no backend']);
    expect(ruleDetails(httpRule({ filters: [{ type: 'redirect', statusCode: 302 }] }))).toEqual(['redirects with 302']);
  });
});

describe('groups of rules', () => {
  const routes: ServiceRoutes = {
    namespace: 'shop',
    name: 'cart',
    port: 80,
    producer: {
      kind: 'http',
      table: {
        rules: [
          httpRule({
            backends: [
              { target: { type: 'service', service: 'shop/cart-v1', port: 80 }, weight: 3, filters: [] },
              {
                target: { type: 'invalid', reason: 'BackendNotFound', message: 'no such Service' },
                weight: 1,
                filters: [],
              },
              { target: { type: 'service', service: 'shop/unknown', port: 80 }, weight: 0, filters: [] },
            ],
          }),
        ],
        matches: [
          { match: { ...everything, method: 'GET' }, rule: 0 },
          { match: everything, rule: 0 },
        ],
      },
    },
    consumers: {
      qa: {
        kind: 'tls',
        rules: [{ route: 'TLSRoute/qa/cart', index: 0, backends: [], serverNames: ['*.shop', 'a.b'] }],
      },
      dev: { kind: 'tcp', rules: [{ route: 'TCPRoute/dev/cart', index: 2, name: 'all', backends: [] }] },
    },
  };
  const endpoints = byName([
    {
      namespace: 'shop',
      name: 'cart-v1',
      ports: [
        {
          port: 80,
          endpoints: [
            { address: '10.0.0.1', port: 8080, ready: true },
            { address: '10.0.0.2', port: 8080, ready: false },
          ],
        },
      ],
    },
  ]);
  const groups = ruleGroups(routes, snapshotOf({ endpoints }).state);

  it('the producer group first, for all but the consumer namespaces; then those by name', () => {
    expect(groups.map(({ clients, protocol }) => [protocol, clients.text])).toEqual([
      ['http', 'every client, except those of namespaces dev, qa'],
      ['tcp', 'clients in namespace dev'],
      ['tls', 'clients in namespace qa'],
    ]);
  });

  it('a rule for each match in the order of precedence, with shares of the weight', () => {
    const rules = groups[0]?.rules ?? [];
    expect(rules.map(({ order, match }) => [order, match.text])).toEqual([
      [1, 'method GET'],
      [2, 'everything'],
    ]);
    expect(rules[1]?.backends).toEqual([
      { service: 'shop/cart-v1', port: 80, weight: 3, share: 0.75, valid: true, endpoints: { ready: 1, total: 2 } },
      { weight: 1, share: 0.25, valid: false, reason: 'BackendNotFound', message: 'no such Service' },
      { service: 'shop/unknown', port: 80, weight: 0, share: 0, valid: true },
    ]);
  });

  it('connection rules say their server names', () => {
    expect(groups[2]?.rules[0]?.match).toEqual({
      text: 'server name *.shop or a.b',
      serverNames: ['*.shop', 'a.b'],
    });
    expect(groups[1]?.rules[0]).toMatchObject({ ruleIndex: 2, ruleName: 'all', match: { text: 'everything' } });
  });
});
