import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import { FakeApiServer, TestCa } from '@tulle/testkit';
import { KubernetesSource } from '../src/kubernetes/kubernetes-source.ts';
import { ObjectStore } from '../src/objects/object-store.ts';
import { StoreTranslator } from '../src/pipeline/store-translator.ts';
import { clientOf, optional, resources, written } from './fake-cluster.ts';
import { CollectingSink } from './object-source-contract.ts';

const { configMap, secret } = written;
const { backendTlsPolicy, clusterTrustBundle, serviceImport } = optional;
const served = [...Object.values(resources), ...Object.values(optional), configMap, secret];
/** Watches that are there whatever the objects are. */
const steadyWatches = served.length - [configMap, clusterTrustBundle, secret].length;

const named = (name: string) => ({ metadata: { namespace: 'shop', name } });
const caRef = (kind: string, group = '') => ({ group, kind, name: 'ca' });
const policy = (name: string, ...caCertificateRefs: object[]) => ({
  ...named(name),
  spec: {
    targetRefs: [{ group: '', kind: 'Service', name: 'cart' }],
    validation: {
      hostname: 'cart.example.com',
      ...(caCertificateRefs.length === 0 ? { wellKnownCACertificates: 'System' } : { caCertificateRefs }),
    },
  },
});
const trustBundleRef = caRef('ClusterTrustBundle', 'certificates.k8s.io');
const configMapPath = '/api/v1/configmaps';
const trustBundlePath = '/apis/certificates.k8s.io/v1beta1/clustertrustbundles';

describe('kinds that are watched while a BackendTLSPolicy names one of them', () => {
  let server: FakeApiServer;
  let client: KubernetesClient;
  let source: KubernetesSource;
  let sink: CollectingSink;

  beforeEach(async () => {
    server = await FakeApiServer.start(served);
    client = clientOf(server);
    source = new KubernetesSource({ client, clock: systemClock, logger: silentLogger });
    sink = new CollectingSink();
    server.put(configMap, {
      metadata: { namespace: 'shop', name: 'ca', labels: { team: 'secret-project' } },
      data: { 'ca.crt': 'PEM', password: 'hunter2' },
      binaryData: { key: 'aHVudGVyMg==' },
    });
  });
  afterEach(async () => {
    await source.close();
    await client.close();
    await server.close();
  });

  const asked = (path: string) => server.requests.filter((request) => request.path === path).length;

  it('are not read at all while none does', async () => {
    server.put(backendTlsPolicy, policy('system'));
    server.put(clusterTrustBundle, { metadata: { name: 'ca' }, spec: { trustBundle: 'PEM' } });
    await source.start(sink);
    await server.until(() => server.watchCount === steadyWatches);
    expect([asked(configMapPath), asked(trustBundlePath)]).toEqual([0, 0]);
  });

  it('are read before the source has started, and nothing of a ConfigMap but its CA certificates is kept', async () => {
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await source.start(sink);
    expect(sink.of('ConfigMap', 'ca')).toHaveLength(1);
    expect(sink.of('ConfigMap', 'ca')[0]).toMatchObject({ object: { data: { 'ca.crt': 'PEM' } } });
    expect(JSON.stringify(sink.changes)).not.toMatch(/hunter2|aHVudGVyMg|secret-project/);
    expect(asked(trustBundlePath)).toBe(0);
  });

  it('are not told of when something else in a ConfigMap changes', async () => {
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await source.start(sink);
    await server.until(() => server.watchCount === steadyWatches + 1);
    server.put(configMap, { ...named('ca'), data: { 'ca.crt': 'PEM', password: 'hunter3' } });
    server.put(configMap, { ...named('ca'), data: { 'ca.crt': 'NEW' } });
    await sink.until(() => sink.of('ConfigMap', 'ca').length > 1);
    expect(sink.of('ConfigMap', 'ca').slice(1)).toMatchObject([{ object: { data: { 'ca.crt': 'NEW' } } }]);
  });

  it('are watched from the first policy to the last, and forgotten then', async () => {
    await source.start(sink);
    server.put(backendTlsPolicy, policy('a', caRef('ConfigMap')));
    server.put(backendTlsPolicy, policy('b', caRef('ConfigMap')));
    await sink.until(() => sink.of('ConfigMap', 'ca').length === 1 && sink.of('BackendTLSPolicy', 'b').length === 1);
    await server.until(() => server.watchCount === steadyWatches + 1);
    server.remove(backendTlsPolicy, 'a', 'shop');
    server.put(configMap, { ...named('ca'), data: { 'ca.crt': 'NEW' } });
    await sink.until(() => sink.of('ConfigMap', 'ca').length === 2);
    server.put(backendTlsPolicy, policy('b'));
    await sink.until(() => sink.of('ConfigMap', 'ca').length === 3);
    expect(sink.of('ConfigMap', 'ca')[2]).toMatchObject({ type: 'delete' });
    await server.until(() => server.watchCount === steadyWatches);
    server.put(backendTlsPolicy, policy('b', caRef('ConfigMap')));
    await sink.until(() => sink.of('ConfigMap', 'ca').length === 4);
    expect(sink.of('ConfigMap', 'ca')[3]).toMatchObject({ object: { data: { 'ca.crt': 'NEW' } } });
  });

  it('are told of before what names them, and forgotten after it', async () => {
    server.put(backendTlsPolicy, policy('tls'));
    await source.start(sink);
    const before = sink.changes.length;
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await sink.until(() => sink.changes.length === before + 2);
    server.put(backendTlsPolicy, policy('tls'));
    await sink.until(() => sink.changes.length === before + 4);
    const told = sink.changes
      .slice(before)
      .map((change) => `${change.type} ${change.type === 'set' ? change.object.kind : change.reference.kind}`);
    expect(told).toEqual(['set ConfigMap', 'set BackendTLSPolicy', 'set BackendTLSPolicy', 'delete ConfigMap']);
  });

  it('do not hold back what names them while they cannot be read', async () => {
    await source.start(sink);
    server.intercept = ({ path }) => (path === configMapPath ? { status: 500, body: { message: 'away' } } : undefined);
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await sink.until(() => sink.of('BackendTLSPolicy', 'tls').length === 1);
    expect(sink.of('ConfigMap', 'ca')).toEqual([]);
  });

  it('are forgotten when they are not served any more', async () => {
    server.put(backendTlsPolicy, policy('tls', trustBundleRef));
    server.put(clusterTrustBundle, { metadata: { name: 'ca' }, spec: { trustBundle: 'PEM' } });
    await source.start(sink);
    expect(sink.of('ClusterTrustBundle', 'ca')).toMatchObject([{ object: { spec: { trustBundle: 'PEM' } } }]);
    expect(asked(configMapPath)).toBe(0);
    server.setResources(served.filter((resource) => resource !== clusterTrustBundle));
    await sink.until(() => sink.of('ClusterTrustBundle', 'ca').length === 2);
    expect(sink.of('ClusterTrustBundle', 'ca')[1]).toMatchObject({ type: 'delete' });
  });

  it('keep nobody from starting where they may not be read', async () => {
    server.intercept = ({ path }) =>
      path === configMapPath ? { status: 403, body: { reason: 'Forbidden', message: 'not yours' } } : undefined;
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await source.start(sink);
    expect(sink.problems).toMatchObject([{ code: 'Forbidden', message: expect.stringContaining('ConfigMap') }]);
    server.remove(backendTlsPolicy, 'tls', 'shop');
    await sink.until(() => sink.problems.every(({ code }) => code !== 'Forbidden'));
  });

  it('keep nobody from starting where they are not served', async () => {
    server.setResources(served.filter((resource) => resource !== clusterTrustBundle));
    server.put(backendTlsPolicy, policy('tls', trustBundleRef));
    await source.start(sink);
    expect(sink.of('BackendTLSPolicy', 'tls')).toHaveLength(1);
  });

  it('are none of Secrets: a policy that names one is told to name a ConfigMap', async () => {
    const pem = new TestCa().certificate.certPem;
    server.put(secret, { ...named('ca'), data: { 'ca.crt': Buffer.from(pem).toString('base64') } });
    server.put(resources.service, { ...named('cart'), spec: { clusterIP: '10.96.0.1', ports: [{ port: 443 }] } });
    server.put(configMap, { ...named('ca'), data: { 'ca.crt': pem } });
    server.put(backendTlsPolicy, policy('tls', caRef('Secret')));
    const store = new ObjectStore(() => {});
    const translator = new StoreTranslator({ readsSecrets: false });
    await source.start({ apply: (changes) => (store.apply(changes), sink.apply(changes)), setProblems: () => {} });
    const translated = () => {
      const settings = { trustDomain: 'cluster.local', mtlsMode: 'permissive' } as const;
      const { policyStatuses, state } = translator.translate(store, settings, 0);
      const conditions = policyStatuses.get('BackendTLSPolicy/shop/tls')?.[0]?.conditions ?? [];
      return { conditions, tls: state.services.get('shop/cart')?.ports[0]?.tls?.type };
    };
    expect(translated()).toMatchObject({
      tls: 'invalid',
      conditions: [
        { type: 'Accepted', status: 'False', reason: 'NoValidCACertificate' },
        {
          type: 'ResolvedRefs',
          status: 'False',
          reason: 'InvalidKind',
          message: expect.stringMatching(/Secrets are not read here: .* into a ConfigMap, key "ca\.crt"/),
        },
      ],
    });
    expect(server.requests.filter(({ path }) => path.includes('secrets'))).toEqual([]);
    server.put(backendTlsPolicy, policy('tls', caRef('ConfigMap')));
    await sink.until(() => sink.of('ConfigMap', 'ca').length === 1);
    expect(translated()).toMatchObject({
      tls: 'originate',
      conditions: [
        { type: 'Accepted', status: 'True' },
        { type: 'ResolvedRefs', status: 'True' },
      ],
    });
  });

  it('are others than ServiceImports, which are read where they are served', async () => {
    server.put(serviceImport, {
      ...named('cart'),
      spec: { type: 'ClusterSetIP', ips: ['10.112.0.1'], ports: [{ port: 80, protocol: 'TCP' }] },
      status: { clusters: [{ cluster: 'east' }] },
    });
    await source.start(sink);
    const [change] = sink.of('ServiceImport', 'cart');
    expect(change).toMatchObject({ object: { spec: { ips: ['10.112.0.1'] } } });
    expect(JSON.stringify(change)).not.toContain('east');
  });
});
