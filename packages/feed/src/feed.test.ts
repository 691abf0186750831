import { describe, expect, it } from '@jest/globals';
import type { MeshDelta } from '@tulle/ir';
import { TestAgent, TestController } from '../test/control-plane.ts';
import { endpoints, mesh, routes, service, workload } from '../test/mesh.ts';

const empty = { changed: new Map(), removed: [] };
const nothing: MeshDelta = { policies: empty, workloads: empty, services: empty, endpoints: empty, routes: empty };
const small = mesh({
  workloads: [workload('cart'), workload('web')],
  services: [service('cart')],
  endpoints: [endpoints('cart')],
  routes: [routes('cart', 'cart')],
});

describe('the feed from controller to agent', () => {
  it('brings the whole configuration as one change, then only what differs', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    expect(agent.deltas()).toHaveLength(1);
    expect(agent.client.state()).toEqual(small);

    const next = mesh({
      workloads: [workload('cart', { addresses: ['10.0.0.9'] })],
      services: [service('cart')],
      endpoints: [endpoints('cart', '10.0.0.9')],
      routes: [],
    });
    expect(controller.feed.setState(next)).toBe('v2');
    await agent.synced('v2');
    expect(agent.client.state()).toEqual(next);
    const delta = agent.deltas()[1] as MeshDelta;
    expect(delta.settings).toBeUndefined();
    expect([...delta.workloads.changed.keys()]).toEqual(['shop/cart']);
    expect(delta.workloads.removed).toEqual(['shop/web']);
    expect(delta.services).toEqual(empty);
    expect([...delta.endpoints.changed.keys()]).toEqual(['shop/cart']);
    expect(delta.routes).toEqual({ changed: new Map(), removed: ['shop/cart:80'] });
  });

  it('does not count up, and sends nothing, when equal content is set again', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    expect(controller.feed.setState(structuredClone(small))).toBe('v1');
    expect(
      controller.feed.applyDelta({
        ...nothing,
        services: { changed: new Map([['shop/web', service('web')]]), removed: [] },
      }),
    ).toBe('v2');
    await agent.synced('v2');
    expect(agent.deltas()).toHaveLength(2);
  });

  it('holds agents that come before there is a configuration, and they keep what they have', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');

    await controller.restart();
    await agent.events.next((event) => event.type === 'disconnected');
    agent.clock.advance(500);
    await agent.events.next((event) => event.type === 'connected');
    expect(controller.feed.version).toBeUndefined();
    expect(agent.client.state()).toEqual(small);

    controller.feed.setState(small);
    await agent.synced('v1');
    expect(agent.deltas()).toHaveLength(1);
  });

  it('sends only differences after a new connection, and names what went', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');

    await controller.restart();
    const next = mesh({
      workloads: [workload('cart')],
      services: [service('cart'), service('web')],
      endpoints: [endpoints('cart')],
      routes: [routes('cart', 'web')],
    });
    controller.feed.setState(next);
    await agent.events.next((event) => event.type === 'disconnected');
    agent.clock.advance(500);
    await agent.synced('v1');
    const delta = agent.deltas()[1] as MeshDelta;
    expect(delta.settings).toBeUndefined();
    expect(delta.workloads).toEqual({ changed: new Map(), removed: ['shop/web'] });
    expect([...delta.services.changed.keys()]).toEqual(['shop/web']);
    expect(delta.endpoints).toEqual(empty);
    expect([...delta.routes.changed.keys()]).toEqual(['shop/cart:80']);
    expect(agent.client.state()).toEqual(next);
  });

  it('keeps the last good configuration when a change is refused, and makes up for it with the next', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    await controller.states.next((state) => state.ackedVersion === 'v1');

    agent.refuseWith = 'port 80 is taken';
    controller.feed.setState(mesh({ ...parts(), services: [service('cart', { clusterIPs: ['10.96.0.2'] })] }));
    const refused = await controller.states.next((state) => state.nack !== undefined);
    expect(refused).toEqual({
      node: 'n1',
      connected: true,
      sentVersion: 'v2',
      ackedVersion: 'v1',
      nack: { version: 'v2', message: 'port 80 is taken' },
    });
    expect(agent.client.state()).toEqual(small);
    expect(agent.client.version).toBe('v1');

    agent.refuseWith = undefined;
    const good = mesh({
      ...parts(),
      services: [service('cart', { clusterIPs: ['10.96.0.2'] })],
      workloads: [workload('cart')],
    });
    controller.feed.setState(good);
    await agent.synced('v3');
    expect(agent.client.state()).toEqual(good);
    expect(await controller.states.next((state) => state.ackedVersion === 'v3')).not.toHaveProperty('nack');
  });

  it('refuses a malformed resource by name, with the place and what was expected', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    const bad = service('web', { ports: [{ port: 70_000, name: 'http', protocol: 'http', routeKind: 'none' }] });
    const changed = new Map([
      ['shop/web', bad],
      ['shop/other', service('other')],
    ]);
    controller.feed.applyDelta({ ...nothing, services: { changed, removed: [] } });
    const { nack } = await controller.states.next((state) => state.nack !== undefined);
    expect(nack?.message).toBe(
      'service shop/web: $.ports[0].port: expected a whole number from 1 to 65535, found 70000',
    );
    expect(agent.client.state()).toEqual(small);
    expect(agent.deltas()).toHaveLength(1);
  });

  it('brings an agent that is slow to the newest state in one step', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(small);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    await controller.states.next((state) => state.ackedVersion === 'v1');
    for (let n = 2; n <= 50; n++) {
      const cart = workload('cart', { addresses: [`10.0.0.${n}`] });
      controller.feed.setState(mesh({ ...parts(), workloads: [cart, workload('web')] }));
    }
    await agent.synced('v50');
    expect(agent.deltas()).toHaveLength(3);
    expect(agent.client.state()?.workloads.get('shop/cart')?.addresses).toEqual(['10.0.0.50']);
  });

  it('sends many resources in several responses that are applied as one change', async () => {
    await using controller = await new TestController().start();
    const many = mesh({ workloads: Array.from({ length: 12_000 }, (_, n) => workload(`pod-${n}`)) });
    controller.feed.setState(many);
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    expect(agent.deltas()).toHaveLength(1);
    expect(agent.client.count('workload')).toBe(12_000);
  });

  it('tells in several requests what it has, when that is much', async () => {
    await using controller = await new TestController().start();
    const pods = Array.from({ length: 25_000 }, (_, n) => workload(`pod-${n}`));
    controller.feed.setState(mesh({ workloads: pods }));
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    await controller.restart();
    controller.feed.setState(mesh({ workloads: pods.with(24_999, workload('another')) }));
    await agent.events.next((event) => event.type === 'disconnected');
    agent.clock.advance(500);
    await agent.synced('v1');
    const { changed, removed } = agent.deltas()[1]?.workloads ?? empty;
    expect([[...changed.keys()], removed]).toEqual([['shop/another'], ['shop/pod-24999']]);
  });

  it('goes on counting versions from the number that it is given', async () => {
    await using controller = await new TestController(41).start();
    expect(controller.feed.setState(small)).toBe('v42');
  });
});

function parts() {
  return {
    workloads: [...small.workloads.values()],
    services: [...small.services.values()],
    endpoints: [...small.endpoints.values()],
    routes: [...small.routes.values()],
  };
}
