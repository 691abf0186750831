import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeApiServer, type FakeResource } from '@tulle/testkit';
import { objectPath, ResourceCatalog } from './catalog.ts';
import { KubernetesClient } from './client.ts';
import { Connection } from './connection.ts';

const configMaps: FakeResource = { groupVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
const nodes: FakeResource = { groupVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };

describe('KubernetesClient', () => {
  let server: FakeApiServer;
  let client: KubernetesClient;
  beforeEach(async () => {
    server = await FakeApiServer.start([configMaps, nodes]);
    client = new KubernetesClient(Connection.insecure(server.url));
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('gives the reason of the API server as the code of an error', async () => {
    await expect(client.get('/api/v1/namespaces/shop/configmaps/none')).rejects.toMatchObject({
      code: 'NotFound',
      status: 404,
      message: 'GET /api/v1/namespaces/shop/configmaps/none: configmaps "none" not found',
    });
  });

  it('says what it can of an answer that is none of the API server', async () => {
    server.intercept = () => ({ status: 502, body: [] });
    await expect(client.get('/version')).rejects.toMatchObject({ code: 'Http502', status: 502 });
    await server.close();
    await expect(client.get('/version')).rejects.toMatchObject({ code: 'Unreachable', status: 0 });
    server = await FakeApiServer.start([]);
  });

  it('finds the paths of objects, and asks for each version of a group once', async () => {
    const catalog = new ResourceCatalog(client);
    const object = { namespace: 'shop', name: 'a' };
    expect(objectPath(await catalog.resource('v1', 'ConfigMap'), object)).toBe('/api/v1/namespaces/shop/configmaps/a');
    expect(objectPath(await catalog.resource('v1', 'Node'), object)).toBe('/api/v1/nodes/a');
    await expect(catalog.resource('apps/v1', 'Deployment')).rejects.toMatchObject({ code: 'UnknownKind' });
  });

  it('gives the events of a watch until it is ended', async () => {
    server.put(nodes, { metadata: { name: 'n1' } });
    const stop = new AbortController();
    const events = client.watch('/api/v1/nodes', { query: { resourceVersion: '100' }, signal: stop.signal });
    expect((await events.next()).value).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'n1' } } });
    server.remove(nodes, 'n1');
    expect((await events.next()).value).toMatchObject({ type: 'DELETED' });
    server.endWatches();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

describe('Connection', () => {
  it('says why a kubeconfig cannot be used', () => {
    expect(() => Connection.load({ kubeconfig: '/nowhere/config' })).toThrow(/kubeconfig cannot be used.*ENOENT/);
  });
});
