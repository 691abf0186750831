import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, FakeClock, type FakeResource } from '@tulle/testkit';
import { TrustBundles } from '../src/kubernetes/trust-bundles.ts';
import { ObjectStore } from '../src/objects/object-store.ts';
import { clientOf, resources, written } from './fake-cluster.ts';
import { byName, snapshotOf, workload } from './mesh-fixture.ts';
import { setObjects } from './objects.ts';

const clusterTrustBundle: FakeResource = {
  groupVersion: 'certificates.k8s.io/v1beta1',
  kind: 'ClusterTrustBundle',
  plural: 'clustertrustbundles',
  namespaced: false,
};
const bundleName = 'tulle.dev:mesh-ca:cluster.local';
const namespace = (name: string, more: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, ${more} }
`;
const joined = 'labels: { tulle.dev/mesh: enabled }';

let server: FakeApiServer;
let client: KubernetesClient;
let store: ObjectStore;
let bundle: string;
let bundles: TrustBundles;

beforeEach(async () => {
  server = await FakeApiServer.start([...Object.values(resources), ...Object.values(written), clusterTrustBundle]);
  client = clientOf(server);
  store = new ObjectStore(() => {});
  bundle = 'one';
  bundles = new TrustBundles({
    client,
    store,
    bundlePem: () => bundle,
    systemNamespace: 'tulle-system',
    trustDomain: 'cluster.local',
    clock: new FakeClock(),
    logger: silentLogger,
  });
});
afterEach(async () => {
  bundles[Symbol.dispose]();
  await client.close();
  await server.close();
});

const bundleOf = (name: string): unknown =>
  (server.object(written.configMap, 'tulle-trust-bundle', name)?.['data'] as Record<string, string> | undefined)?.[
    'bundle.pem'
  ];
const clusterBundle = (): unknown => server.object(clusterTrustBundle, bundleName)?.['spec'];
const noPods = snapshotOf({});

describe('the trust bundle', () => {
  it('is in the system namespace, in every namespace of the mesh, and for the cluster', async () => {
    store.apply(setObjects(namespace('shop', joined), 'a.yaml'));
    store.apply(setObjects(namespace('plain', 'labels: {}'), 'b.yaml'));
    const ops = workload('a', { namespace: 'ops' });
    bundles.setLeading(true, snapshotOf({ workloads: byName([ops]) }));
    await server.until(() => bundleOf('ops') === 'one' && clusterBundle() !== undefined);
    expect([bundleOf('tulle-system'), bundleOf('shop'), bundleOf('plain')]).toEqual(['one', 'one', undefined]);
    expect(clusterBundle()).toEqual({ signerName: 'tulle.dev/mesh-ca', trustBundle: 'one' });
  });

  it('follows the roots, and writes nothing while nothing changes', async () => {
    store.apply(setObjects(namespace('shop', joined), 'a.yaml'));
    bundles.setLeading(true, noPods);
    await server.until(() => bundleOf('shop') === 'one' && clusterBundle() !== undefined);
    bundle = 'two';
    bundles.update(noPods);
    await server.until(() => bundleOf('shop') === 'two' && bundleOf('tulle-system') === 'two');
    await server.until(() => (clusterBundle() as { trustBundle: string }).trustBundle === 'two');
    const before = server.requests.length;
    bundles.update(noPods);
    await client.get('/api/v1/namespaces');
    expect(server.requests.length).toBe(before + 1);
  });

  it('leaves a namespace that leaves the mesh, and everything but ours when the mesh is uninstalled', async () => {
    store.apply(setObjects(namespace('shop', joined), 'a.yaml'));
    bundles.setLeading(true, noPods);
    await server.until(() => bundleOf('shop') === 'one' && clusterBundle() !== undefined);
    store.apply(setObjects(namespace('shop', 'labels: {}'), 'a.yaml'));
    bundles.update(noPods);
    await server.until(() => bundleOf('shop') === undefined);
    store.apply(setObjects(namespace('tulle-system', 'annotations: { tulle.dev/withdraw: "true" }'), 'c.yaml'));
    bundles.update(noPods);
    await server.until(() => clusterBundle() === undefined);
    expect(bundleOf('tulle-system')).toBe('one');
  });

  it('is not published by a controller that does not lead, nor for the cluster where the API has no such thing', async () => {
    server.setResources([...Object.values(resources), ...Object.values(written)]);
    bundles.update(noPods);
    await client.get('/api/v1/namespaces');
    expect(server.requests).toHaveLength(1);
    bundles.setLeading(true, noPods);
    await server.until(() => bundleOf('tulle-system') === 'one');
    expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
  });
});
