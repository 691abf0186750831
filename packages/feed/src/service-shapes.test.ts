import { describe, expect, it } from '@jest/globals';
import type { MeshService, ServiceEndpoints } from '@tulle/ir';
import { endpoints, service } from '../test/mesh.ts';
import { canonicalJson, decodeResource } from './index.ts';

const port = { port: 443, name: 'https', protocol: 'https', routeKind: 'none' } as const;
const pem = '-----BEGIN CERTIFICATE-----\n'.padEnd(6000, 'A');
const withPolicies: MeshService = {
  ...service('cart'),
  ports: [
    {
      ...port,
      tls: {
        type: 'originate',
        hostname: 'cart.example.com',
        subjectAltNames: [{ type: 'uri', value: 'spiffe://cluster.local/ns/shop/sa/cart' }],
        trust: { type: 'pem', certificates: pem },
      },
    },
    { ...port, port: 444, tls: { type: 'invalid', message: 'no such ConfigMap' } },
  ],
  retryBudget: { percent: 20, intervalMs: 10_000, minPerSecond: 0.5 },
  sessionPersistence: { type: 'header', name: 'X-Seat', lifetime: 'session' },
};
const hinted: ServiceEndpoints = {
  ...endpoints('cart'),
  ports: [{ port: 80, endpoints: [{ address: '10.0.0.1', port: 80, ready: true, forZones: ['a'], forNodes: ['n1'] }] }],
};
const decode = (kind: 'service' | 'endpoints', resource: object) =>
  decodeResource(kind, 'shop/cart', Buffer.from(canonicalJson(resource)));

describe('what policies and hints add to a service and its endpoints', () => {
  it('is taken as it is', () => {
    expect(decode('service', withPolicies)).toMatchObject({ ok: true, value: withPolicies });
    expect(decode('endpoints', hinted)).toMatchObject({ ok: true, value: hinted });
  });

  it.each([
    ['tls of no known kind', { ports: [{ ...port, tls: { type: 'maybe' } }] }],
    [
      'trust without certificates',
      { ports: [{ ...port, tls: { type: 'originate', hostname: 'a', subjectAltNames: [], trust: { type: 'pem' } } }] },
    ],
    ['a budget above 100 percent', { retryBudget: { percent: 101, intervalMs: 1, minPerSecond: 1 } }],
    ['a rate of nothing', { retryBudget: { percent: 1, intervalMs: 1, minPerSecond: 0 } }],
    ['a session of no known kind', { sessionPersistence: { type: 'url', name: 'x', lifetime: 'session' } }],
  ])('is refused when it is %s', (_, more) => {
    expect(decode('service', { ...service('cart'), ...more }).ok).toBe(false);
  });
});
