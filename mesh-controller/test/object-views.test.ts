import { describe, expect, it } from '@jest/globals';
import { ObjectStore } from '../src/objects/object-store.ts';
import { routeViews } from '../src/views/route-view.ts';
import { serviceView } from '../src/views/service-view.ts';
import { byName, httpRule, parentStatus, snapshotOf, workload } from './mesh-fixture.ts';
import { setObjects } from './objects.ts';

const manifests = `
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: cart }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80, targetPort: 8080 }, { name: dns, port: 80, protocol: UDP, targetPort: 53 }] }
---
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: db }
spec: { clusterIP: None, ports: [{ port: 5432 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: canary }
spec: { parentRefs: [{ group: '', kind: Service, name: cart, port: 80 }], rules: [{}] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: qa, name: always-v2 }
spec: { parentRefs: [{ group: '', kind: Service, namespace: shop, name: cart }], rules: [{}] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { namespace: shop, name: canary }
spec:
  parentRefs: [{ group: '', kind: Service, name: cart }, { name: edge }, { group: '', kind: Service, name: carts }]
  rules: [{}]
`;
const accepted = { status: 'True', reason: 'Accepted', message: '' } as const;
const refused = { status: 'False', reason: 'NoMatchingParent', message: 'there is no Service "carts"' } as const;
const unresolved = { status: 'False', reason: 'BackendNotFound', message: 'no Service "v2"' } as const;

const everything = { match: { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] }, rule: 0 } as const;
const toV2 = [{ target: { type: 'service', service: 'shop/cart-v2', port: 80 }, weight: 1, filters: [] }] as const;
const table = (route: string) =>
  ({ kind: 'http', table: { rules: [httpRule({ route, backends: toV2 })], matches: [everything] } }) as const;

const snapshot = snapshotOf(
  {
    workloads: byName([workload('a'), workload('b', { node: 'n2', mesh: { state: 'out', reason: 'host network' } })]),
    services: byName([
      {
        namespace: 'shop',
        name: 'cart',
        clusterIPs: ['10.96.0.1'],
        ports: [{ port: 80, name: 'http', protocol: 'http', routeKind: 'http' }],
        trafficDistribution: 'any',
      } as const,
    ]),
    endpoints: byName([
      {
        namespace: 'shop',
        name: 'cart',
        ports: [{ port: 80, endpoints: [{ address: '10.9.9.9', port: 1, ready: true }] }],
      },
      {
        namespace: 'shop',
        name: 'cart-v2',
        ports: [
          {
            port: 80,
            endpoints: [
              { address: '10.244.1.7', port: 8080, ready: true, workload: 'shop/a', node: 'n1' },
              { address: '10.244.2.7', port: 8080, ready: false, workload: 'shop/b' },
              { address: '192.0.2.1', port: 8080, ready: true },
            ],
          },
        ],
      },
    ]),
    routes: [
      {
        namespace: 'shop',
        name: 'cart',
        port: 80,
        producer: table('HTTPRoute/shop/canary'),
        consumers: { qa: table('HTTPRoute/qa/always-v2') },
      },
    ],
  },
  new Map([
    ['HTTPRoute/shop/canary', [parentStatus({ name: 'cart', port: 80 }, accepted)]],
    ['HTTPRoute/qa/always-v2', [parentStatus({ namespace: 'shop', name: 'cart' }, accepted, unresolved)]],
    ['GRPCRoute/shop/canary', [parentStatus({ name: 'cart' }, refused), parentStatus({ name: 'carts' }, refused)]],
  ]),
);
const store = new ObjectStore(() => {});
store.apply(setObjects(manifests));

describe('serviceView', () => {
  const view = serviceView('shop', 'cart', store, snapshot);

  it('ports: with the target of the TCP port, and the kind of its routes', () => {
    expect(view?.ports).toEqual([{ port: 80, name: 'http', targetPort: 8080, protocol: 'http', routeKind: 'http' }]);
  });

  it('routes: producers first, then consumers, with for whom they act, refused ones included', () => {
    expect(
      view?.routes.map(({ role, kind, namespace, port, accepted, clients }) => [
        role,
        kind,
        namespace,
        port,
        accepted,
        clients?.text,
      ]),
    ).toEqual([
      ['producer', 'GRPCRoute', 'shop', undefined, false, undefined],
      ['producer', 'HTTPRoute', 'shop', 80, true, 'every client, except those of namespace qa'],
      ['consumer', 'HTTPRoute', 'qa', undefined, true, 'clients in namespace qa'],
    ]);
    expect(view?.routes[0]).toMatchObject({ reason: 'NoMatchingParent', message: 'there is no Service "carts"' });
  });

  it('endpoints: those that rules send to, with identity where a tunnel is used and why where none is', () => {
    expect(view?.endpoints).toEqual([
      {
        service: 'shop/cart-v2',
        servicePort: 80,
        address: '10.244.1.7',
        port: 8080,
        ready: true,
        pod: 'shop/a',
        node: 'n1',
        mesh: 'in',
        identity: 'spiffe://cluster.local/ns/shop/sa/cart',
      },
      {
        service: 'shop/cart-v2',
        servicePort: 80,
        address: '10.244.2.7',
        port: 8080,
        ready: false,
        pod: 'shop/b',
        node: 'n2',
        mesh: 'out',
        meshReason: 'host network',
      },
      { service: 'shop/cart-v2', servicePort: 80, address: '192.0.2.1', port: 8080, ready: true },
    ]);
  });

  it('its own endpoints, too, where only consumers have routes', () => {
    const consumersOnly = snapshotOf({
      ...snapshot.state,
      routes: [{ namespace: 'shop', name: 'cart', port: 80, consumers: { qa: table('HTTPRoute/qa/always-v2') } }],
    });
    const endpoints = serviceView('shop', 'cart', store, consumersOnly)?.endpoints ?? [];
    expect(endpoints.map(({ service }) => service)).toEqual([
      'shop/cart',
      'shop/cart-v2',
      'shop/cart-v2',
      'shop/cart-v2',
    ]);
  });

  it('a headless Service has ports and nothing else; an unknown one is undefined', () => {
    expect(serviceView('shop', 'db', store, snapshot)).toMatchObject({
      clusterIPs: [],
      ports: [{ port: 5432, name: '', protocol: 'opaque', routeKind: 'none' }],
      routes: [],
      ruleGroups: [],
    });
    expect(serviceView('qa', 'cart', store, snapshot)).toBeUndefined();
  });
});

describe('routeViews', () => {
  it('applied: every parent accepted, every reference resolved; only its own rules', () => {
    const [view, ...more] = routeViews({ kind: 'httproute', namespace: 'shop', name: 'canary' }, store, snapshot);
    expect(more).toEqual([]);
    expect(view).toMatchObject({
      routeKind: 'HTTPRoute',
      applied: 'applied',
      parents: [
        { parent: { group: '', kind: 'Service', namespace: 'shop', name: 'cart', port: 80 }, role: 'producer' },
      ],
    });
    expect(view?.ruleGroups.map(({ clients, rules }) => [clients.type, rules.map(({ route }) => route)])).toEqual([
      ['others', ['HTTPRoute/shop/canary']],
    ]);
  });

  it('partially applied: accepted, but a reference is not resolved', () => {
    const [view] = routeViews({ namespace: 'qa', name: 'always-v2' }, store, snapshot);
    expect(view).toMatchObject({ applied: 'partiallyApplied', parents: [{ role: 'consumer' }] });
  });

  it('not applied: no parent accepts it; a parent that is no Service has no conditions', () => {
    const [view] = routeViews({ kind: 'GRPCRoute', namespace: 'shop', name: 'canary' }, store, snapshot);
    expect(view?.applied).toBe('notApplied');
    expect(view?.parents.map(({ conditions }) => conditions.length)).toEqual([2, 0, 2]);
  });

  it('every kind of the name when none is given', () => {
    expect(
      routeViews({ namespace: 'shop', name: 'canary' }, store, snapshot).map(({ routeKind }) => routeKind),
    ).toEqual(['HTTPRoute', 'GRPCRoute']);
    expect(routeViews({ namespace: 'shop', name: 'none' }, store, snapshot)).toEqual([]);
  });
});
