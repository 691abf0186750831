import { describe, expect, it } from '@jest/globals';
import type { RecordType } from 'dns-packet';
import type { EndpointSlice, Service } from '@tulle/gateway-api';
import { answerQuery } from './answer.ts';
import { makeZone } from './zone.ts';

function service(name: string, spec: Partial<Service['spec']>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name },
    spec: { type: 'ClusterIP', internalTrafficPolicy: 'Cluster', sessionAffinity: 'None', ...spec },
  };
}

const slice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  endpoints: [
    { addresses: ['10.244.1.2'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.2.2'], conditions: { ready: true } },
    { addresses: ['10.244.1.3'], conditions: { ready: false } },
  ],
};

const zone = makeZone([
  { service: service('cart', {}), clusterIP: '10.96.1.2', slices: [] },
  { service: service('db', { clusterIP: 'None' }), clusterIP: undefined, slices: [slice] },
  {
    service: service('far', { type: 'ExternalName', externalName: 'Cart.shop.svc.cluster.local.' }),
    clusterIP: undefined,
    slices: [],
  },
  { service: service('away', { type: 'ExternalName', externalName: 'example.com' }), clusterIP: undefined, slices: [] },
  {
    service: service('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }),
    clusterIP: undefined,
    slices: [],
  },
]);

function ask(name: string, type: RecordType = 'A') {
  const answer = answerQuery({ type: 'query', id: 7, flags: 0x0100, questions: [{ type, name }] }, zone);
  return {
    code: (answer.flags ?? 0) & 15,
    data: (answer.answers ?? []).map((each) => ('data' in each ? each.data : undefined)),
    authorities: (answer.authorities ?? []).map((each) => each.type),
  };
}

describe('answerQuery', () => {
  it("knows a Service's address, in whatever letters it is asked for", () => {
    expect(ask('cart.shop.svc.cluster.local')).toEqual({ code: 0, data: ['10.96.1.2'], authorities: [] });
    expect(ask('CART.Shop.svc.cluster.local').data).toEqual(['10.96.1.2']);
  });

  it('keeps the id and says that recursion was asked for', () => {
    const query = { type: 'query', id: 7, flags: 0x0100, questions: [{ type: 'A', name: 'x' }] } as const;
    const answer = answerQuery({ ...query, questions: [{ type: 'A', name: 'x' }] }, zone);
    expect(answer.id).toBe(7);
    expect((answer.flags ?? 0) & 0x0100).toBe(0x0100);
  });

  it('gives the ready endpoints of a headless Service, and those with a host name by it', () => {
    expect(ask('db.shop.svc.cluster.local').data).toEqual(['10.244.1.2', '10.244.2.2']);
    expect(ask('db-0.db.shop.svc.cluster.local').data).toEqual(['10.244.1.2']);
  });

  it('has no IPv6 addresses, and says so without denying the name', () => {
    expect(ask('cart.shop.svc.cluster.local', 'AAAA')).toEqual({ code: 0, data: [], authorities: ['SOA'] });
  });

  it('denies what is not there, inside the cluster and outside', () => {
    for (const name of ['nope.shop.svc.cluster.local', 'example.com', 'example.com.shop.svc.cluster.local']) {
      expect(ask(name)).toEqual({ code: 3, data: [], authorities: ['SOA'] });
    }
  });

  it('does not deny a name that names below it show to exist', () => {
    expect(ask('shop.svc.cluster.local')).toEqual({ code: 0, data: [], authorities: ['SOA'] });
  });

  it('follows the alias of an ExternalName, as far as the cluster knows it', () => {
    expect(ask('far.shop.svc.cluster.local').data).toEqual(['cart.shop.svc.cluster.local', '10.96.1.2']);
    expect(ask('away.shop.svc.cluster.local').data).toEqual(['example.com']);
    expect(ask('loop.shop.svc.cluster.local').data.length).toBeLessThan(20);
  });

  it('knows the names of addresses', () => {
    expect(ask('2.1.96.10.in-addr.arpa', 'PTR').data).toEqual(['cart.shop.svc.cluster.local']);
    expect(ask('9.9.96.10.in-addr.arpa', 'PTR').code).toBe(3);
  });

  it('refuses what is no single, ordinary question', () => {
    expect((answerQuery({ type: 'query', id: 1, questions: [] }, zone).flags ?? 0) & 15).toBe(1);
    const question = { type: 'A', name: 'cart' } as const;
    expect((answerQuery({ type: 'query', id: 1, questions: [question, question] }, zone).flags ?? 0) & 15).toBe(1);
    expect((answerQuery({ type: 'query', id: 1, flags: 4 << 11, questions: [question] }, zone).flags ?? 0) & 15).toBe(
      4,
    );
  });
});
