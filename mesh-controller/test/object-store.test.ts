import { describe, expect, it } from '@jest/globals';
import { ObjectStore } from '../src/objects/object-store.ts';
import { setObjects } from './objects.ts';

const service = (name: string, port: number) => `
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: ${name} }
spec: { ports: [{ port: ${port} }] }
`;

describe('ObjectStore', () => {
  it('holds the last version of each object, with where it was read', () => {
    let changes = 0;
    const store = new ObjectStore(() => changes++);
    store.apply(setObjects(service('cart', 80), 'a.yaml'));
    store.apply(setObjects(service('cart', 81), 'b.yaml'));
    expect(store.get('Service', 'shop', 'cart')?.spec.ports?.[0]?.port).toBe(81);
    expect(store.originOf('Service', 'shop', 'cart')).toEqual({ file: 'b.yaml', line: 1 });
    expect(store.counts()).toEqual({ Service: 1 });
    expect(changes).toBe(2);
  });

  it('keeps namespaces and kinds apart', () => {
    const store = new ObjectStore(() => {});
    store.apply(setObjects(`${service('cart', 80)}---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop }`));
    expect(store.get('Service', 'qa', 'cart')).toBeUndefined();
    expect(store.get('Namespace', '', 'shop')?.metadata.name).toBe('shop');
    expect([...store.ofKind('Pod')]).toEqual([]);
    expect([...store.all()].map(({ kind }) => kind).sort()).toEqual(['Namespace', 'Service']);
  });

  it('forgets what is deleted, but not an object of another group with the same kind', () => {
    const store = new ObjectStore(() => {});
    store.apply(setObjects(service('cart', 80)));
    store.apply([
      { type: 'delete', reference: { group: 'other.example', kind: 'Service', namespace: 'shop', name: 'cart' } },
    ]);
    expect(store.get('Service', 'shop', 'cart')).toBeDefined();
    store.apply([{ type: 'delete', reference: { group: '', kind: 'Service', namespace: 'shop', name: 'cart' } }]);
    expect(store.get('Service', 'shop', 'cart')).toBeUndefined();
    expect(store.counts()).toEqual({});
  });

  it('says nothing of changes that are none', () => {
    let changes = 0;
    const store = new ObjectStore(() => changes++);
    store.apply([]);
    store.setProblems([]);
    expect(changes).toBe(0);
  });
});
