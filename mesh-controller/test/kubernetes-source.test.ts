import { describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock, type Clock } from '@tulle/core';
import { FakeApiServer, FakeClock } from '@tulle/testkit';
import { KubernetesSource } from '../src/kubernetes/kubernetes-source.ts';
import { clientOf, resources } from './fake-cluster.ts';
import { CollectingSink, describeObjectSource } from './object-source-contract.ts';

const { service, pod, httpRoute, namespace } = resources;
const core = Object.values(resources);

function resourceFor(object: { readonly kind: string }) {
  const found = core.find(({ kind }) => kind === object.kind);
  if (found === undefined) throw new Error(`${object.kind} is not served`);
  return found;
}

describeObjectSource('KubernetesSource', async () => {
  const server = await FakeApiServer.start(core);
  const client = clientOf(server);
  const source = new KubernetesSource({ client, clock: systemClock, logger: silentLogger });
  return {
    source,
    put: (objects) => {
      for (const object of objects) server.put(resourceFor(object), object);
      return Promise.resolve();
    },
    remove: (reference) => {
      server.remove(resourceFor(reference), reference.name, reference.namespace);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      await source.close();
      await client.close();
      await server.close();
    },
  };
});

/** A server, and a source that reads it. */
async function cluster(options: { served?: typeof core; clock?: Clock } = {}) {
  const server = await FakeApiServer.start(options.served ?? core);
  const client = clientOf(server);
  const source = new KubernetesSource({ client, clock: options.clock ?? systemClock, logger: silentLogger });
  const sink = new CollectingSink();
  return {
    server,
    source,
    sink,
    [Symbol.asyncDispose]: async () => {
      await source.close();
      await client.close();
      await server.close();
    },
  };
}

const named = (name: string) => ({ metadata: { namespace: 'shop', name } });
const aService = (name: string, port = 80) => ({ ...named(name), spec: { clusterIP: '10.96.0.1', ports: [{ port }] } });
const aRoute = (name: string) => ({
  ...named(name),
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'cart' }] },
});

describe('KubernetesSource', () => {
  it('reads long lists in pages', async () => {
    await using it = await cluster();
    for (let i = 0; i < 1100; i++) it.server.put(service, aService(`s${i}`));
    await it.source.start(it.sink);
    expect(it.sink.changes.filter(({ type }) => type === 'set')).toHaveLength(1100);
    const pages = it.server.requests.filter(({ path }) => path === '/api/v1/services');
    expect(pages.map(({ query }) => query.get('continue'))).toEqual([null, '500', '1000']);
  });

  it('lists anew when the past is lost, and gives only what differs', async () => {
    await using it = await cluster();
    it.server.put(service, aService('same'));
    it.server.put(service, aService('goes'));
    await it.source.start(it.sink);
    await it.server.until(() => it.server.watchCount === core.length);
    const before = it.sink.changes.length;
    // What happens while no watch is open and is then forgotten is seen by listing only.
    it.server.setResources(core.filter((resource) => resource !== service));
    await it.server.until(() => it.server.watchCount === core.length - 1);
    it.server.remove(service, 'goes', 'shop');
    it.server.put(service, aService('comes'));
    it.server.expireHistory();
    it.server.setResources(core);
    await it.sink.until(() => it.sink.of('Service', 'comes').length === 1);
    await it.sink.until(() => it.sink.of('Service', 'goes').length === 2);
    const kinds = it.sink.changes.slice(before).map((change) => change.type);
    expect(it.sink.of('Service', 'goes').at(-1)).toMatchObject({ type: 'delete' });
    expect(kinds.filter((type) => type === 'set').length).toBeLessThanOrEqual(2);
  });

  it('goes on after all watches ended and the past was forgotten', async () => {
    await using it = await cluster();
    await it.source.start(it.sink);
    await it.server.until(() => it.server.watchCount === core.length);
    it.server.expireHistory();
    it.server.endWatches();
    it.server.put(service, aService('a'));
    await it.sink.until(() => it.sink.of('Service', 'a').length === 1);
    expect(it.sink.of('Service', 'a')).toMatchObject([{ type: 'set' }]);
  });

  it('goes on where it was after a stream that breaks off in the middle of a line', async () => {
    await using it = await cluster();
    await it.source.start(it.sink);
    await it.server.until(() => it.server.watchCount === core.length);
    it.server.endWatches('{"type":"ADDED","object":{"meta');
    it.server.put(service, aService('a'));
    await it.sink.until(() => it.sink.of('Service', 'a').length === 1);
  });

  it('keeps the last valid version of an object, and says what is wrong with the new one', async () => {
    await using it = await cluster();
    it.server.put(service, aService('cart'));
    await it.source.start(it.sink);
    it.server.put(service, { ...named('cart'), spec: { ports: [{ port: 700_000 }] } });
    await it.sink.until(() => it.sink.problems.length > 0);
    expect(it.sink.problems).toMatchObject([
      {
        severity: 'error',
        code: 'InvalidObject',
        object: 'Service shop/cart',
        message: expect.stringMatching(/^spec\.ports\[0\]\.port: .*; its last valid version is used$/),
      },
    ]);
    expect(it.sink.of('Service', 'cart')).toHaveLength(1);
    it.server.put(service, aService('cart', 81));
    await it.sink.until(() => it.sink.problems.length === 0);
    expect(it.sink.of('Service', 'cart')).toHaveLength(2);
  });

  it('forgets the problem of an object that goes', async () => {
    await using it = await cluster();
    it.server.put(service, { ...named('bad'), spec: { ports: [{ port: -1 }] } });
    await it.source.start(it.sink);
    expect(it.sink.problems).toMatchObject([{ object: 'Service shop/bad' }]);
    it.server.remove(service, 'bad', 'shop');
    await it.sink.until(() => it.sink.problems.length === 0);
    expect(it.sink.changes).toEqual([]);
  });

  it('keeps of pods what a mesh reads, and is silent about all else that changes in them', async () => {
    await using it = await cluster();
    const aPod = (image: string, ready: string) => ({
      metadata: {
        namespace: 'shop',
        name: 'p',
        uid: 'u1',
        annotations: { 'tulle.dev/captured': 'iptables', other: 'x' },
        managedFields: [{ manager: 'kubelet' }],
      },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image, env: [{ name: 'A', value: 'b' }] }], volumes: [] },
      status: {
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: ready, lastProbeTime: null }],
        message: image,
      },
    });
    it.server.put(pod, aPod('one', 'False'));
    await it.source.start(it.sink);
    it.server.put(pod, aPod('two', 'False'));
    it.server.put(pod, aPod('three', 'True'));
    await it.sink.until(() => it.sink.of('Pod', 'p').length === 2);
    const [, last] = it.sink.of('Pod', 'p');
    expect(JSON.stringify(last)).not.toMatch(/three|managedFields|other|env/);
    expect(last).toMatchObject({
      object: {
        metadata: { uid: 'u1', annotations: { 'tulle.dev/captured': 'iptables' } },
        spec: { nodeName: 'n1', serviceAccountName: 'default', containers: [{ name: 'c' }] },
        status: { podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
      },
    });
  });

  it('waits for CRDs, and drops the objects of those that go', async () => {
    const clock = new FakeClock();
    const builtIn = core.filter(({ groupVersion }) => !groupVersion.startsWith('gateway.'));
    await using it = await cluster({ served: builtIn, clock });
    await it.source.start(it.sink);
    expect(it.sink.problems).toMatchObject([{ severity: 'warning', code: 'NoGatewayApi' }]);
    it.server.setResources(core);
    it.server.put(httpRoute, aRoute('canary'));
    clock.advance(10_000);
    await it.sink.until(() => it.sink.of('HTTPRoute', 'canary').length === 1 && it.sink.problems.length === 0);
    expect(it.source.resourceOf('HTTPRoute')).toMatchObject({ plural: 'httproutes' });
    await it.server.until(() => it.server.watchCount >= core.length);
    it.server.setResources(builtIn);
    await untilAdvancing(clock, () => it.sink.of('HTTPRoute', 'canary').length === 2);
    expect(it.sink.of('HTTPRoute', 'canary').at(-1)).toMatchObject({ type: 'delete' });
  });

  it('has a custom resource that it may not read as a problem, and goes on without it', async () => {
    await using it = await cluster();
    it.server.intercept = ({ path }) =>
      path.endsWith('/httproutes') ? { status: 403, body: { reason: 'Forbidden', message: 'not yours' } } : undefined;
    it.server.put(namespace, { metadata: { name: 'shop' } });
    await it.source.start(it.sink);
    expect(it.sink.of('Namespace', 'shop')).toHaveLength(1);
    expect(it.sink.problems).toMatchObject([
      { severity: 'error', code: 'Forbidden', message: expect.stringContaining('not yours') },
    ]);
  });

  it('is not started while a built-in kind cannot be read', async () => {
    const clock = new FakeClock();
    await using it = await cluster({ clock });
    let broken = true;
    it.server.intercept = ({ path }) =>
      broken && path === '/api/v1/pods' ? { status: 500, body: { message: 'etcd is away' } } : undefined;
    let started = false;
    const start = it.source.start(it.sink).then(() => (started = true));
    await it.sink.until(() => it.sink.problems.some(({ message }) => message.includes('etcd is away')));
    expect(started).toBe(false);
    broken = false;
    await Promise.race([start, untilAdvancing(clock, () => started)]);
    await start;
    expect(it.sink.problems).toEqual([]);
  });

  it('says so when there is no API server, and ends at once when it is closed meanwhile', async () => {
    const clock = new FakeClock();
    const server = await FakeApiServer.start(core);
    const client = clientOf(server);
    await server.close();
    const source = new KubernetesSource({ client, clock, logger: silentLogger });
    const sink = new CollectingSink();
    const start = source.start(sink);
    await sink.until(() => sink.problems.length > 0);
    expect(sink.problems).toMatchObject([{ code: 'Unreachable', message: expect.stringContaining('ECONNREFUSED') }]);
    await source.close();
    await start;
    await client.close();
  });
});

/** Lets the clock's timers fall due, one after the other, until `condition` holds. */
async function untilAdvancing(clock: FakeClock, condition: () => boolean): Promise<void> {
  while (!condition()) {
    clock.advance(clock.nextInMs ?? 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
