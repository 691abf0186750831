import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeObject } from '@tulle/gateway-api';
import type { KubernetesObject, RouteParentStatus } from '@tulle/gateway-api';
import { canonicalYaml, plainState } from '@tulle/ir/canonical';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { diffMeshState } from './diff.ts';
import { decoded, route, service, translated } from './testing/objects.ts';

const golden = join(import.meta.dirname, '..', 'golden');

/** Every object of the golden inputs, as they are written. */
function goldenInputs(): unknown[][] {
  return ['routes', 'cluster', 'policies', 'conformance'].flatMap((part) =>
    readdirSync(join(golden, part))
      .filter((name) => name.endsWith('.in.yaml') || name === 'services.yaml')
      .map((name) =>
        parseAllDocuments(readFileSync(join(golden, part, name), 'utf8')).map((one): unknown => one.toJS()),
      ),
  );
}

const allObjects = goldenInputs()
  .flat()
  .flatMap((input) => {
    const result = decodeObject(input);
    return result.ok ? [result.value] : [];
  });

describe('times in conditions', () => {
  const spec = { rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }] };
  const parents = (objects: KubernetesObject[], now: string) =>
    translated(objects, now).routeStatuses.get('HTTPRoute/shop/r') ?? [];
  const times = (statuses: readonly RouteParentStatus[]) =>
    statuses[0]?.conditions.map(({ lastTransitionTime }) => lastTransitionTime);
  const withStatus = (status: readonly RouteParentStatus[]) =>
    route('HTTPRoute', 'r', spec, { status: { parents: status } });

  it('stay as long as the status stays, whatever the message', () => {
    const first = parents([service('cart'), route('HTTPRoute', 'r', spec)], '2026-01-01T00:00:00Z');
    const second = parents([service('cart'), withStatus(first)], '2026-02-02T00:00:00Z');
    expect(times(second)).toEqual(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z']);
  });

  it('change with the status of their own condition', () => {
    const first = parents([service('cart'), route('HTTPRoute', 'r', spec)], '2026-01-01T00:00:00Z');
    const broken = { ...spec, rules: [{ backendRefs: [{ name: 'nothing', port: 80 }] }] };
    const second = parents(
      [service('cart'), route('HTTPRoute', 'r', broken, { status: { parents: first } })],
      '2026-02-02T00:00:00Z',
    );
    expect(times(second)).toEqual(['2026-01-01T00:00:00Z', '2026-02-02T00:00:00Z']);
  });

  it('are not taken from the status of another controller', () => {
    const first = parents([service('cart'), route('HTTPRoute', 'r', spec)], '2026-01-01T00:00:00Z');
    const others = first.map((status) => ({ ...status, controllerName: 'example.com/other' }));
    expect(times(parents([service('cart'), withStatus(others)], '2026-02-02T00:00:00Z'))).toEqual([
      '2026-02-02T00:00:00Z',
      '2026-02-02T00:00:00Z',
    ]);
  });

  it('are not taken from the status of another parentRef', () => {
    const first = parents([service('cart'), route('HTTPRoute', 'r', spec)], '2026-01-01T00:00:00Z');
    const others = first.map((status) => ({ ...status, parentRef: { ...status.parentRef, port: 81 } }));
    expect(times(parents([service('cart'), withStatus(others)], '2026-02-02T00:00:00Z'))?.[0]).toBe(
      '2026-02-02T00:00:00Z',
    );
  });
});

describe('diffMeshState', () => {
  const state = (...objects: KubernetesObject[]) => translated(objects).state;
  const cart = service('cart');

  it('finds what came, changed and went', () => {
    const r = (name: string) => route('HTTPRoute', 'r', { rules: [{ backendRefs: [{ name, port: 80 }] }] });
    const delta = diffMeshState(state(cart, service('old'), r('cart')), state(cart, service('new'), r('new')));
    expect([...delta.services.changed.keys()]).toEqual(['shop/new']);
    expect(delta.services.removed).toEqual(['shop/old']);
    expect([...delta.routes.changed.keys()]).toEqual(['shop/cart:80']);
    expect(delta.routes.removed).toEqual([]);
    expect(delta.settings).toBeUndefined();
  });

  it('finds nothing between equal states', () => {
    const delta = diffMeshState(translated(allObjects).state, translated(allObjects).state);
    for (const set of [delta.workloads, delta.services, delta.endpoints, delta.routes]) {
      expect([set.changed.size, set.removed.length]).toEqual([0, 0]);
    }
  });

  it('finds changed settings', () => {
    const before = state(cart);
    const after = { ...before, settings: { ...before.settings, mtlsMode: 'strict' as const } };
    expect(diffMeshState(before, after).settings?.mtlsMode).toBe('strict');
  });

  it('leads from one state to the other', () => {
    fc.assert(
      fc.property(fc.subarray(allObjects), fc.subarray(allObjects), (first, second) => {
        const before = translated(first).state;
        const after = translated(second).state;
        const delta = diffMeshState(before, after);
        for (const kind of ['workloads', 'services', 'endpoints', 'routes'] as const) {
          const map = new Map<string, unknown>(before[kind]);
          for (const key of delta[kind].removed) map.delete(key);
          for (const [key, value] of delta[kind].changed) map.set(key, value);
          expect(Object.fromEntries(map)).toEqual(Object.fromEntries(after[kind]));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('translate', () => {
  const result = (objects: readonly KubernetesObject[]) => {
    const { state, routeStatuses, problems } = translated(objects);
    return canonicalYaml({ state: plainState(state), statuses: [...routeStatuses], problems });
  };

  it('gives the same whatever the order of the objects', () => {
    // Names repeat among the golden inputs; of each only one can be in a cluster.
    const unique = new Map(
      allObjects.map((one) => [`${one.kind}/${one.metadata.namespace}/${one.metadata.name}`, one]),
    );
    const objects = [...unique.values()];
    const expected = result(objects);
    fc.assert(
      fc.property(fc.shuffledSubarray(objects, { minLength: objects.length }), (shuffled) => {
        expect(result(shuffled)).toBe(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('never throws on objects in which a value is missing, of another kind, or strange', () => {
    const inputs = goldenInputs()
      .flat()
      .filter((input) => input !== null);
    const strange = fc.oneof(
      fc.constantFrom(null, '', 0, -1, 65_536, [], {}, true, 'x'.repeat(300), '*', '/', '%', '\u0000'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...inputs), fc.nat(), strange, (input, at, value) => {
        const mutated = mutate(structuredClone(input), at, value);
        const result = decodeObject(mutated);
        if (result.ok) expect(() => translated([...allObjects, result.value])).not.toThrow();
      }),
      { numRuns: 400 },
    );
  });
});

/** Replaces value number `at` of a document, counted from the top and beginning anew at the end. */
function mutate(document: unknown, at: number, value: unknown): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const holder = node as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      visit(holder[key]);
    }
  };
  visit(document);
  const place = places[at % Math.max(1, places.length)];
  if (place !== undefined) place.holder[place.key] = value;
  return document;
}

describe('a Service that comes later', () => {
  it('turns a refused route into an accepted one', () => {
    const r = route('HTTPRoute', 'r', { rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }] });
    const accepted = (objects: KubernetesObject[]) =>
      translated(objects).routeStatuses.get('HTTPRoute/shop/r')?.[0]?.conditions[0]?.status;
    expect([accepted([r]), accepted([r, service('cart')])]).toEqual(['False', 'True']);
  });
});

describe('sizes', () => {
  it('cuts a message that the API server would refuse', () => {
    const backendRefs = Array.from({ length: 16 }, (_, i) => ({ name: `${'n'.repeat(240)}${i}`, port: 80 }));
    const rules = Array.from({ length: 16 }, () => ({ backendRefs }));
    const statuses = translated([service('cart'), route('HTTPRoute', 'r', { rules })]).routeStatuses;
    const message = statuses.get('HTTPRoute/shop/r')?.[0]?.conditions[1]?.message ?? '';
    expect(message.length).toBe(32_768);
  });

  it('translates 1,000 routes of one Service in less than two seconds', () => {
    const routes = Array.from({ length: 1000 }, (_, i) =>
      decoded({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name: `r${i}`, namespace: 'shop' },
        spec: {
          parentRefs: [{ group: '', kind: 'Service', name: 'cart' }],
          rules: [{ matches: [{ path: { value: `/p${i}` } }], backendRefs: [{ name: 'cart', port: 80 }] }],
        },
      }),
    );
    const start = performance.now();
    const table = translated([service('cart'), ...routes]).state.routes.get('shop/cart:80')?.producer;
    expect(performance.now() - start).toBeLessThan(2000);
    expect(table !== undefined && 'table' in table ? table.table.matches.length : 0).toBe(1000);
  });
});
