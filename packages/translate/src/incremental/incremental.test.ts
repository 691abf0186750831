import { describe, expect, it } from '@jest/globals';
import { decodeObject, objectKey, referenceOf } from '@tulle/gateway-api';
import type { KubernetesObject } from '@tulle/gateway-api';
import { canonicalYaml, plainState } from '@tulle/ir/canonical';
import { validate } from '@tulle/ir';
import type { ChangeSet, MeshState } from '@tulle/ir';
import fc from 'fast-check';
import { goldenObjects } from '../../test/golden-inputs.ts';
import { graftsOf, mutated, mutation } from '../testing/mutations.ts';
import type { Mutation } from '../testing/mutations.ts';
import { decoded, route, service, translated, withClusterIPs } from '../testing/objects.ts';
import type { Translation } from '../translation.ts';
import { IncrementalTranslator } from './incremental-translator.ts';
import type { TranslationChange } from './incremental-translator.ts';

const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;
const now = '2026-01-01T00:00:00Z';

const inputs = goldenObjects();
const grafts = graftsOf(inputs);

function decodedOrNot(input: unknown): KubernetesObject[] {
  const result = decodeObject(input);
  return result.ok ? [result.value] : [];
}

/** The versions of each object that golden inputs hold, by the object's key: many have a name in common. */
function versions(): KubernetesObject[][] {
  const found = new Map<string, KubernetesObject[]>();
  for (const object of inputs.flatMap(decodedOrNot)) {
    const key = objectKey(referenceOf(object));
    found.set(key, [...(found.get(key) ?? []), object, ...withClusterIPs([object])]);
  }
  return [...found.values()];
}

/** The object with random changes, if one of the same name comes of it. */
function changed(object: KubernetesObject, mutations: readonly Mutation[]): KubernetesObject {
  const [other] = decodedOrNot(mutated(object, mutations, grafts));
  return other !== undefined && objectKey(referenceOf(other)) === objectKey(referenceOf(object)) ? other : object;
}

const set = (object: KubernetesObject): TranslationChange => ({ type: 'set', object });
const remove = (object: KubernetesObject): TranslationChange => ({ type: 'delete', reference: referenceOf(object) });

/** Everything that a translation says, in an order that does not depend on how it came to be. */
function shown({ state, routeStatuses, policyStatuses, meshStatuses, problems }: Translation): string {
  return canonicalYaml({
    state: plainState(state),
    routeStatuses: Object.fromEntries(routeStatuses),
    policyStatuses: Object.fromEntries(policyStatuses),
    meshStatuses: Object.fromEntries(meshStatuses),
    problems,
  });
}

describe('a translation made step by step', () => {
  const objects = versions();
  const edit = fc.record({
    which: fc.nat(objects.length - 1),
    version: fc.nat(50),
    isRemoval: fc.boolean(),
    mutations: fc.array(mutation, { maxLength: 2 }),
  });

  it('is tried with every kind that a translation reads', () => {
    const kinds = new Set(objects.flat().map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        ...['AuthorizationPolicy', 'BackendTLSPolicy', 'ClusterTrustBundle', 'ConfigMap', 'EndpointSlice', 'GRPCRoute'],
        ...[
          'HTTPRoute',
          'Namespace',
          'Node',
          'Pod',
          'ReferenceGrant',
          'Secret',
          'Service',
          'ServiceImport',
          'TCPRoute',
        ],
        ...['TLSRoute', 'UDPRoute', 'XBackendTrafficPolicy', 'XMesh'],
      ]),
    );
  });

  it('equals a full one whatever the steps were, and its deltas lead there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(edit, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 }),
        (steps) => {
          const translator = new IncrementalTranslator(settings);
          const present = new Map<number, KubernetesObject>();
          const followed = emptyMaps();
          for (const step of steps) {
            const changes = step.flatMap(({ which, version, isRemoval, mutations }) => {
              const ofObject = objects[which] ?? [];
              const original = ofObject[version % ofObject.length];
              if (original === undefined) return [];
              const object = changed(original, mutations);
              if (isRemoval) present.delete(which);
              else present.set(which, object);
              return [isRemoval ? remove(object) : set(object)];
            });
            const { delta, routeStatuses, policyStatuses, meshStatuses } = translator.apply(changes, now);
            for (const kind of stateKinds) follow(followed[kind], delta[kind]);
            follow(followed.routeStatuses, routeStatuses);
            follow(followed.policyStatuses, policyStatuses);
            follow(followed.meshStatuses, meshStatuses);
          }
          const full = translated([...present.values()], now);
          expect(shown(translator.translation)).toBe(shown(full));
          expect(validate(full.state)).toEqual([]);
          for (const kind of stateKinds) {
            expect(Object.fromEntries(followed[kind])).toEqual(Object.fromEntries(full.state[kind]));
          }
          expect(Object.fromEntries(followed.routeStatuses)).toEqual(Object.fromEntries(full.routeStatuses));
          expect(Object.fromEntries(followed.policyStatuses)).toEqual(Object.fromEntries(full.policyStatuses));
          expect(Object.fromEntries(followed.meshStatuses)).toEqual(Object.fromEntries(full.meshStatuses));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is empty again when everything is gone', () => {
    const all = objects.flatMap(([first]) => first ?? []);
    const translator = new IncrementalTranslator(settings);
    translator.apply(all.map(set), now);
    translator.apply(all.map(remove), now);
    expect(shown(translator.translation)).toBe(shown(translated([])));
  });
});

const stateKinds = [
  'policies',
  'workloads',
  'services',
  'endpoints',
  'routes',
] as const satisfies readonly (keyof MeshState)[];

function emptyMaps() {
  const map = () => new Map<string, unknown>();
  return {
    policies: map(),
    workloads: map(),
    services: map(),
    endpoints: map(),
    routes: map(),
    routeStatuses: map(),
    policyStatuses: map(),
    meshStatuses: map(),
  };
}

function follow(map: Map<string, unknown>, { changed, removed }: ChangeSet<unknown>): void {
  for (const key of removed) map.delete(key);
  for (const [key, value] of changed) map.set(key, value);
}

describe('a change', () => {
  const spec = (name: string) => ({ rules: [{ backendRefs: [{ name, port: 80 }] }] });
  const slice = (address: string) =>
    decoded({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'cart-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'cart' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [{ addresses: [address] }],
    });

  it('of a slice changes the endpoints of its Service and nothing else', () => {
    const translator = new IncrementalTranslator(settings);
    const objects = [service('cart'), service('web'), slice('10.0.0.1'), route('HTTPRoute', 'r', spec('cart'))];
    translator.apply(objects.map(set), now);
    const before = translator.translation;
    const { delta, routeStatuses } = translator.apply([set(slice('10.0.0.2'))], now);
    expect([...delta.endpoints.changed.keys()]).toEqual(['shop/cart']);
    expect(delta.services.changed.size + delta.routes.changed.size + routeStatuses.changed.size).toBe(0);
    expect(translator.translation.state.routes).toBe(before.state.routes);
    expect(translator.translation.state.endpoints.get('shop/web')).toBe(before.state.endpoints.get('shop/web'));
    expect(before.state.endpoints.get('shop/cart')?.ports[0]?.endpoints[0]?.address).toBe('10.0.0.1');
  });

  it('that says nothing new changes nothing', () => {
    const translator = new IncrementalTranslator(settings);
    translator.apply([service('cart'), slice('10.0.0.1')].map(set), now);
    const { delta } = translator.apply([service('cart'), slice('10.0.0.1')].map(set), now);
    for (const kind of stateKinds) expect([delta[kind].changed.size, delta[kind].removed.length]).toEqual([0, 0]);
  });

  it('of a Service makes the routes anew that were waiting for it, with the time of the change', () => {
    const translator = new IncrementalTranslator(settings);
    translator.apply(
      [service('cart'), route('HTTPRoute', 'r', spec('late')), route('HTTPRoute', 's', spec('cart'))].map(set),
      now,
    );
    const { routeStatuses } = translator.apply([set(service('late'))], '2026-02-02T00:00:00Z');
    expect([...routeStatuses.changed.keys()]).toEqual(['HTTPRoute/shop/r']);
    const conditions = routeStatuses.changed.get('HTTPRoute/shop/r')?.[0]?.conditions ?? [];
    expect(conditions.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime])).toEqual([
      ['Accepted', 'True', now],
      ['ResolvedRefs', 'True', '2026-02-02T00:00:00Z'],
    ]);
  });

  it('of an object of a kind of the same name in another group is not taken for ours', () => {
    const translator = new IncrementalTranslator(settings);
    translator.apply([set(service('cart'))], now);
    const reference = { group: 'serving.knative.dev', kind: 'Service', namespace: 'shop', name: 'cart' };
    expect(translator.apply([{ type: 'delete', reference }], now).delta.services.removed).toEqual([]);
  });
});
