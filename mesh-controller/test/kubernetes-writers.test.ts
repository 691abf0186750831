import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '@tulle/core';
import type { PolicyAncestorStatus, RouteParentStatus } from '@tulle/gateway-api';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, type FakeResource, type JsonObject } from '@tulle/testkit';
import { CapturedAnnotations } from '../src/kubernetes/captured-annotations.ts';
import { CaptureEvents } from '../src/kubernetes/capture-events.ts';
import { MeshObjectKeeper } from '../src/kubernetes/mesh-object.ts';
import { mergeEntries } from '../src/kubernetes/status-entries.ts';
import { StatusWriter } from '../src/kubernetes/status-writer.ts';
import { supportedFeatures } from '@tulle/translate';
import { withdrawn } from '../src/kubernetes/withdrawal.ts';
import { ObjectStore } from '../src/objects/object-store.ts';
import { clientOf, optional, resources, written } from './fake-cluster.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';
import { objectsOf } from './objects.ts';

const controllerName = 'tulle.dev/mesh-controller';
const tlsSpec = ', validation: { hostname: cart.example, wellKnownCACertificates: System }';
const parentRef = { group: '', kind: 'Service', name: 'cart' };

function entry(
  status: 'True' | 'False',
  options: { by?: string; at?: string; generation?: number } = {},
): RouteParentStatus {
  const { by = controllerName, at = '2030-01-01T00:00:00Z', generation = 1 } = options;
  const condition = {
    type: 'Accepted',
    status,
    reason: status === 'True' ? 'Accepted' : 'UnsupportedValue',
    message: 'm',
  };
  return {
    parentRef,
    controllerName: by,
    conditions: [{ ...condition, observedGeneration: generation, lastTransitionTime: at }],
  };
}

describe('mergeEntries', () => {
  const options = { controllerName, most: 32 };

  it('changes nothing where only the time differs', () => {
    const present = [entry('True', { at: '2020-01-01T00:00:00Z' })];
    expect(mergeEntries(present, [entry('True')], options)).toBeUndefined();
  });

  it('keeps the time of a condition whose status stays, and takes the new one where it changes', () => {
    const present = [entry('True', { at: '2020-01-01T00:00:00Z' })];
    expect(mergeEntries(present, [entry('True', { generation: 2 })], options)).toEqual([
      entry('True', { at: '2020-01-01T00:00:00Z', generation: 2 }),
    ]);
    expect(mergeEntries(present, [entry('False')], options)).toEqual([entry('False')]);
  });

  it('leaves the entries of others as they are, and takes ours away where nothing is wanted', () => {
    const other = entry('False', { by: 'example.com/other' });
    expect(mergeEntries([other, entry('True')], [], options)).toEqual([other]);
    expect(mergeEntries([other], [], options)).toBeUndefined();
  });

  it('never goes over what the API server takes', () => {
    const others = Array.from({ length: 31 }, () => entry('True', { by: 'example.com/other' }));
    expect(mergeEntries(others, [entry('True'), entry('False')], options)).toHaveLength(32);
  });
});

describe('writing into Kubernetes', () => {
  let server: FakeApiServer;
  let client: KubernetesClient;
  let store: ObjectStore;
  const owned: Disposable[] = [];
  const clock = systemClock;
  const logger = silentLogger;

  beforeEach(async () => {
    server = await FakeApiServer.start([resources, optional, written].flatMap((each) => Object.values(each)));
    client = clientOf(server);
    store = new ObjectStore(() => {});
  });
  afterEach(async () => {
    for (const each of owned.splice(0)) each[Symbol.dispose]();
    await client.close();
    await server.close();
  });

  /** Has the server and the store hold an object. */
  function putBoth(resource: FakeResource, yaml: string): void {
    const [object] = objectsOf(yaml);
    if (object === undefined) throw new Error('no object');
    server.put(resource, object);
    const { resourceVersion } =
      server.object(resource, object.metadata.name, object.metadata.namespace)?.metadata ?? {};
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion } };
    store.apply([{ type: 'set', object: stored as never }]);
  }

  const writes = () => server.requests.filter(({ method }) => method !== 'GET');
  const toResource = ({ groupVersion, kind, plural, namespaced }: FakeResource) => {
    const [group = '', version = ''] = groupVersion.split('/');
    return { group, version, kind, plural, namespaced };
  };
  const resourceOf = (kind: string) =>
    [resources.httpRoute, written.xMesh, ...Object.values(optional)]
      .filter((each) => each.kind === kind)
      .map(toResource)[0];

  describe('statuses', () => {
    const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: canary, generation: 1 }
spec: { parentRefs: [{ group: '', kind: Service, name: cart }] }
`;
    const statusOf = () => server.object(resources.httpRoute, 'canary', 'shop')?.['status'];
    const wanted = (status: 'True' | 'False') => ({
      routeStatuses: new Map([['HTTPRoute/shop/canary', [entry(status)]]]),
      policyStatuses: new Map(),
    });

    function writer(): StatusWriter {
      const made = new StatusWriter({ client, store, resourceOf, controllerName, clock, logger });
      owned.push(made);
      return made;
    }

    it('are written by the leader only, and once it leads', async () => {
      putBoth(resources.httpRoute, route);
      const statuses = writer();
      statuses.update(wanted('True'));
      expect(writes()).toEqual([]);
      statuses.setLeading(true);
      await server.until(() => writes().length === 1);
      expect(writes()[0]).toMatchObject({
        method: 'PATCH',
        path: '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/canary/status',
      });
      expect(statusOf()).toEqual({ parents: [entry('True')] });
    });

    it('are not written again while nothing changes', async () => {
      putBoth(resources.httpRoute, route);
      const statuses = writer();
      statuses.setLeading(true);
      statuses.update(wanted('True'));
      await server.until(() => writes().length === 1);
      const now = server.object(resources.httpRoute, 'canary', 'shop');
      store.apply([{ type: 'set', object: now as never }]);
      statuses.update(wanted('True'));
      statuses.update(wanted('False'));
      await server.until(() => writes().length === 2);
      expect(statusOf()).toMatchObject({ parents: [{ conditions: [{ status: 'False' }] }] });
    });

    it('are merged with what another controller wrote meanwhile', async () => {
      putBoth(resources.httpRoute, route);
      const other = entry('True', { by: 'example.com/other' });
      const before = server.object(resources.httpRoute, 'canary', 'shop');
      server.put(resources.httpRoute, { ...before, status: { parents: [other] } });
      const statuses = writer();
      statuses.setLeading(true);
      statuses.update(wanted('True'));
      await server.until(() => JSON.stringify(statusOf()).includes(controllerName));
      expect(statusOf()).toEqual({ parents: [other, entry('True')] });
    });

    it('are tried again after a failure', async () => {
      putBoth(resources.httpRoute, route);
      let failures = 1;
      server.intercept = ({ method }) =>
        method === 'PATCH' && failures-- > 0 ? { status: 500, body: { message: 'later' } } : undefined;
      const statuses = writer();
      statuses.setLeading(true);
      statuses.update(wanted('True'));
      await server.until(() => statusOf() !== undefined);
      expect(statusOf()).toEqual({ parents: [entry('True')] });
    });
  });

  describe('statuses of policies that are attached to Services', () => {
    const all = [
      { resource: optional.backendTlsPolicy, path: '/apis/gateway.networking.k8s.io/v1', spec: tlsSpec },
      { resource: optional.backendTrafficPolicy, path: '/apis/gateway.networking.x-k8s.io/v1alpha1', spec: '' },
    ] as const;
    const ancestor = (name: string, by = controllerName, at = '2030-01-01T00:00:00Z'): PolicyAncestorStatus => ({
      ancestorRef: { group: '', kind: 'Service', namespace: 'shop', name },
      controllerName: by,
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'm', lastTransitionTime: at }],
    });
    const others = (count: number) => Array.from({ length: count }, (_, i) => ancestor(`o${i}`, 'example.com/other'));

    function policyStatus({ resource, spec }: (typeof all)[number], present: readonly PolicyAncestorStatus[]) {
      const { groupVersion, kind } = resource;
      const targetRefs = "targetRefs: [{ group: '', kind: Service, name: cart }]";
      const yaml = `
apiVersion: ${groupVersion}
kind: ${kind}
metadata: { namespace: shop, name: p, generation: 1 }
spec: { ${targetRefs}${spec} }
status: ${JSON.stringify({ ancestors: present })}
`;
      putBoth(resource, yaml);
      const statuses = new StatusWriter({ client, store, resourceOf, controllerName, clock, logger });
      owned.push(statuses);
      return {
        want: (...wanted: PolicyAncestorStatus[]) => {
          statuses.update({ routeStatuses: new Map(), policyStatuses: new Map([[`${kind}/shop/p`, wanted]]) });
          statuses.setLeading(true);
        },
        ancestors: () => (server.object(resource, 'p', 'shop')?.['status'] as JsonObject | undefined)?.['ancestors'],
      };
    }

    it.each(all)('of $resource.kind are written beside those of others', async (policy) => {
      const [other] = others(1) as [PolicyAncestorStatus];
      const { ancestors, want } = policyStatus(policy, [other]);
      want(ancestor('cart'));
      await server.until(() => writes().length === 1);
      const { plural } = policy.resource;
      expect(writes()).toMatchObject([{ path: `${policy.path}/namespaces/shop/${plural}/p/status` }]);
      expect(ancestors()).toEqual([other, ancestor('cart')]);
    });

    it.each(all)('of $resource.kind never are more than the API server takes', async (policy) => {
      const { ancestors, want } = policyStatus(policy, others(15));
      want(ancestor('cart'), ancestor('web'));
      await server.until(() => writes().length === 1);
      expect(ancestors()).toEqual([...others(15), ancestor('cart')]);
    });

    it.each(all)('of $resource.kind are not written where only times differ', async (policy) => {
      const { ancestors, want } = policyStatus(policy, [ancestor('cart', controllerName, '2020-01-01T00:00:00Z')]);
      want(ancestor('cart'));
      want(ancestor('cart'), ancestor('web'));
      await server.until(() => writes().length === 1);
      expect(ancestors()).toEqual([ancestor('cart', controllerName, '2020-01-01T00:00:00Z'), ancestor('web')]);
    });
  });

  describe('the XMesh', () => {
    function keeper(): MeshObjectKeeper {
      const made = new MeshObjectKeeper({ client, store, resourceOf, controllerName, clock, logger });
      owned.push(made);
      return made;
    }

    it('is made by the leader with a controllerName and nothing else, and says what is supported, sorted', async () => {
      const mesh = keeper();
      mesh.update();
      mesh.setLeading(true);
      await server.until(() => server.object(written.xMesh, 'tulle')?.['status'] !== undefined);
      const made = server.object(written.xMesh, 'tulle') as JsonObject;
      expect(made['spec']).toEqual({ controllerName });
      expect(made['status']).toMatchObject({
        conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted' }],
        supportedFeatures: supportedFeatures.map((name) => ({ name })),
      });
      expect(supportedFeatures).toEqual([...supportedFeatures].sort());
    });

    it('of another controller is left alone', async () => {
      server.put(written.xMesh, { metadata: { name: 'tulle' }, spec: { controllerName: 'example.com/other' } });
      keeper().setLeading(true);
      await server.until(() => server.requests.length === 1);
      expect(writes()).toEqual([]);
    });
  });

  describe('what captures a pod', () => {
    const pod = (annotations = '{}') => `
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: cart, uid: u1, annotations: ${annotations} }
spec: { nodeName: n1, containers: [{ name: app }] }
`;
    const reported = (captured: 'iptables' | null, uid = 'u1') => ({ namespace: 'shop', name: 'cart', uid, captured });
    const annotations = () => server.object(resources.pod, 'cart', 'shop')?.metadata['annotations'];

    function annotator(): CapturedAnnotations {
      const made = new CapturedAnnotations({ client, store, clock, logger });
      owned.push(made);
      return made;
    }

    it('is written as its agent reports it, and taken away', async () => {
      putBoth(resources.pod, pod());
      const it = annotator();
      it.report({ node: 'n1', pods: [reported('iptables')] });
      await server.until(() => writes().length === 1);
      expect(annotations()).toEqual({ 'tulle.dev/captured': 'iptables' });
      const now = server.object(resources.pod, 'cart', 'shop');
      store.apply([{ type: 'set', object: now as never }]);
      it.report({ node: 'n1', pods: [reported('iptables')] });
      it.report({ node: 'n1', pods: [reported(null)] });
      await server.until(() => writes().length === 2);
      expect(annotations()).toEqual({});
    });

    it('is not taken from an agent of another node, nor for a pod that had the name before', () => {
      putBoth(resources.pod, pod());
      const it = annotator();
      it.report({ node: 'n2', pods: [reported('iptables')] });
      it.report({ node: 'n1', pods: [reported('iptables', 'u0')] });
      expect(server.requests).toEqual([]);
    });

    it('is told as an Event once when a pod that should be captured cannot be', async () => {
      const state = snapshotOf({ workloads: byName([workload('cart', { uid: 'u1' })]) });
      const events = new CaptureEvents({ client, snapshot: () => state, clock, logger });
      const failed = { ...reported(null), reason: 'iptables is not there' };
      events.report({ node: 'n1', pods: [{ ...reported(null), reason: 'joining' }] });
      events.report({ node: 'n1', pods: [failed] });
      events.report({ node: 'n1', pods: [failed] });
      await server.until(() => writes().length === 1);
      expect(writes()).toMatchObject([
        {
          path: '/api/v1/namespaces/shop/events',
          body: { reason: 'CaptureFailed', message: expect.stringContaining('iptables is not there') },
        },
      ]);
    });
  });

  describe('a withdrawal', () => {
    const namespace = (value: string) =>
      objectsOf(
        `{ apiVersion: v1, kind: Namespace, metadata: { name: tulle-system, annotations: { tulle.dev/withdraw: '${value}' } } }`,
      );

    it('takes every workload out of the mesh and every status away', () => {
      const before = {
        ...snapshotOf({ workloads: byName([workload('cart')]) }),
        routeStatuses: new Map([['HTTPRoute/shop/canary', [entry('True')]]]),
      };
      expect(withdrawn(before, store, 'tulle-system')).toBe(before);
      for (const object of namespace('true')) store.apply([{ type: 'set', object }]);
      const after = withdrawn(before, store, 'tulle-system');
      expect([...after.state.workloads.values()].map(({ mesh }) => mesh.state)).toEqual(['out']);
      expect(after.routeStatuses.size).toBe(0);
    });
  });
});
