import { describe, expect, it } from '@jest/globals';
import { translate } from '@tulle/translate';
import { ObjectStore } from '../src/objects/object-store.ts';
import { StoreTranslator } from '../src/pipeline/store-translator.ts';
import { setObjects } from './objects.ts';

const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;

const service = (name: string, port = 80) => `
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: ${name} }
spec: { clusterIP: 10.96.0.1, ports: [{ port: ${port} }] }
`;
const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: r }
spec:
  parentRefs: [{ group: '', kind: Service, name: cart }]
  rules: [{ backendRefs: [{ name: late, port: 80 }] }]
`;

describe('StoreTranslator', () => {
  it('keeps up with a store, and keeps what did not change', () => {
    const store = new ObjectStore(() => {});
    const translator = new StoreTranslator();
    store.apply(setObjects([service('cart'), service('web'), route].join('---')));
    const first = translator.translate(store, settings, 0);
    store.apply(setObjects(service('late')));
    store.apply([{ type: 'delete', reference: { group: '', kind: 'Service', namespace: 'shop', name: 'web' } }]);
    const second = translator.translate(store, settings, 1000);

    const full = translate({ objects: store.all(), settings, now: new Date(0).toISOString() });
    expect(Object.fromEntries(second.state.services)).toEqual(Object.fromEntries(full.state.services));
    expect(Object.fromEntries(second.state.routes)).toEqual(Object.fromEntries(full.state.routes));
    expect(second.problems).toEqual(full.problems);
    expect(second.state.services.get('shop/cart')).toBe(first.state.services.get('shop/cart'));
    expect([...first.state.services.keys()].sort()).toEqual(['shop/cart', 'shop/web']);
    const times = second.routeStatuses.get('HTTPRoute/shop/r')?.[0]?.conditions.map((one) => one.lastTransitionTime);
    expect(times).toEqual(['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.000Z']);
  });

  it('begins anew after a translation that failed', () => {
    const store = new ObjectStore(() => {});
    const translator = new StoreTranslator();
    store.apply(setObjects(service('cart')));
    translator.translate(store, settings, 0);
    store.apply(setObjects(service('web')));
    expect(() => translator.translate(store, settings, Number.NaN)).toThrow();
    expect([...translator.translate(store, settings, 0).state.services.keys()].sort()).toEqual([
      'shop/cart',
      'shop/web',
    ]);
  });
});
