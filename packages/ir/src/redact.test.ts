import { describe, expect, it } from '@jest/globals';
import { isSecretName, redactRoutes, redactState, shownValue } from './redact.ts';
import type { HeaderModifier, ServiceRoutes } from './route.ts';

const secret = 'Bearer c2VjcmV0';
const modifier: HeaderModifier = {
  set: [
    { name: 'Authorization', value: secret },
    { name: 'X-Team', value: 'qa' },
  ],
  add: [{ name: 'x-api-key', value: secret }],
  remove: ['cookie'],
};
const filters = [
  { type: 'requestHeaders', modifier },
  { type: 'responseHeaders', modifier: { set: [{ name: 'Set-Cookie', value: secret }], add: [], remove: [] } },
] as const;
const backend = { target: { type: 'service', service: 'shop/cart', port: 80 }, weight: 1, filters } as const;
const routes: ServiceRoutes = {
  namespace: 'shop',
  name: 'cart',
  port: 80,
  producer: {
    kind: 'http',
    table: {
      rules: [{ route: 'HTTPRoute/shop/cart', index: 0, filters, backends: [backend] }],
      matches: [
        {
          match: {
            path: { type: 'prefix', value: '/' },
            headers: [{ name: 'authorization', match: { type: 'exact', value: secret } }],
            queryParams: [
              { name: 'access_token', match: { type: 'regex', value: secret } },
              { name: 'page', match: { type: 'exact', value: '1' } },
            ],
          },
          rule: 0,
        },
      ],
    },
  },
  consumers: {
    qa: { kind: 'grpc', table: { rules: [{ route: 'GRPCRoute/qa/c', index: 0, filters, backends: [] }], matches: [] } },
    raw: { kind: 'tcp', rules: [{ route: 'TCPRoute/raw/c', index: 0, backends: [] }] },
  },
};

describe('redaction', () => {
  it('leaves no secret, and everything else as it was', () => {
    const shown = redactRoutes(routes);
    const text = JSON.stringify(shown);
    expect(text).not.toContain(secret);
    expect(JSON.stringify(routes)).toContain(secret);
    expect(text.replaceAll('[redacted]', secret)).toBe(JSON.stringify(routes));
  });

  it('is of a whole state, too', () => {
    const none = new Map<string, never>();
    const state = {
      settings: { trustDomain: 'cluster.local', mtlsMode: 'strict', sessionKey: 'c2VjcmV0' },
      policies: none,
      workloads: none,
      services: none,
      endpoints: none,
      routes: new Map([['shop/cart:80', routes]]),
    } as const;
    expect(redactState(state).routes.get('shop/cart:80')).toEqual(redactRoutes(routes));
    expect(redactState(state).settings).toEqual({ ...state.settings, sessionKey: '[redacted]' });
  });

  it.each([
    'Authorization',
    'proxy-authorization',
    'Cookie',
    'set-cookie',
    'X-API-Key',
    'x-apikey',
    'access_token',
    'clientSecret',
    'sessionId',
    'X-Amz-Signature',
    'x-auth-token',
    'api.keys',
  ])('hides %s', (name) => {
    expect(isSecretName(name)).toBe(true);
    expect(shownValue({ name, value: secret })).toBe('[redacted]');
  });

  it.each(['x-team', 'user-agent', 'accept', 'host', 'x-monkey', 'x-author', 'tokenizer', 'page', 'keyboard', ''])(
    'shows %s',
    (name) => {
      expect(isSecretName(name)).toBe(false);
    },
  );
});
