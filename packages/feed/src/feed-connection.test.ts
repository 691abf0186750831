import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { TestAgent, TestController } from '../test/control-plane.ts';
import { mesh, workload } from '../test/mesh.ts';
import type { NodeReport } from './index.ts';

const report: NodeReport = {
  sameNodeDirect: true,
  node: 'n1',
  agentVersion: '0.1.0',
  pods: [
    { uid: 'u1', namespace: 'shop', name: 'cart', captured: 'iptables' },
    { uid: 'u2', namespace: 'shop', name: 'batch', captured: null, reason: 'host network' },
  ],
  certificates: [
    {
      identity: 'spiffe://cluster.local/ns/shop/sa/cart',
      state: 'valid',
      serial: 'ab',
      issuer: 'CN=root',
      notBeforeMs: 1,
      notAfterMs: 1_800_000_000_000,
      nextAttemptMs: 3,
    },
    { identity: 'spiffe://cluster.local/ns/shop/sa/batch', state: 'failing', error: 'refused' },
  ],
  counters: { requests: 12, failures: 0.5 },
  requestRate: { perSecond: 812.5, failedPerSecond: 0 },
  configVersion: 'v1',
};

describe('who may use the feed', () => {
  it('refuses a token that is not known and tells nothing of why', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using agent = new TestAgent(controller, 'stranger');
    const lost = agent.logger.lines;
    await until(() => lost.length > 0);
    expect(lost[0]?.fields).toMatchObject({ why: 'the bearer token is missing or not accepted', retryInMs: 500 });
    expect(agent.client.state()).toBeUndefined();
    expect(controller.feed.nodes()).toEqual([]);
    expect(controller.logger.lines[0]).toMatchObject({ level: 'warn', fields: { why: 'no such token' } });
  });

  it('refuses a node that claims to be another', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({ workloads: [workload('cart')] }));
    using agent = new TestAgent(controller, 'n2', { credentials: controller.credentials('n1') });
    const lost = await agent.events.next((event) => event.type === 'disconnected');
    expect(lost).toMatchObject({ why: 'the token is that of node n1' });
    expect(agent.client.state()).toBeUndefined();
  });

  it('does not talk to a controller with a certificate of another authority or of another identity', async () => {
    await using controller = await new TestController().start();
    await using other = await new TestController().start();
    using foreign = new TestAgent(controller, 'n1', { credentials: other.credentials('n1') });
    await until(() => foreign.logger.lines.length > 0);
    expect(foreign.logger.lines[0]?.fields.why).toMatch(/certificate/);
  });
});

describe('the connection', () => {
  it('is tried again with back-off, and the back-off begins anew after a success', async () => {
    await using controller = await new TestController().start();
    const refusing = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    const address = `127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    using agent = new TestAgent(controller, 'n1', { address });
    const waits: (number | undefined)[] = [];
    for (let tries = 1; tries <= 8; tries++) {
      await until(() => agent.logger.lines.length === tries);
      waits.push(agent.clock.nextInMs);
      agent.clock.advance(agent.clock.nextInMs ?? 0);
    }
    refusing.close();
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('notices a controller that went silent', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    await using relay = await Relay.to(controller.port);
    using agent = new TestAgent(controller, 'n1', {
      address: `127.0.0.1:${relay.port}`,
      keepaliveIntervalMs: 50,
      keepaliveTimeoutMs: 50,
    });
    await agent.synced('v1');
    relay.freeze();
    const lost = await agent.events.next((event) => event.type === 'disconnected');
    expect(lost).toMatchObject({ type: 'disconnected' });
    expect(agent.client.connected).toBe(false);
    expect(agent.client.state()).toEqual(mesh({}));
  });

  it('is shown as gone when the agent closes it', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    const agent = new TestAgent(controller);
    await controller.states.next((state) => state.ackedVersion === 'v1');
    agent.client.close();
    const left = await controller.states.next((state) => !state.connected);
    expect(left).toEqual({ node: 'n1', connected: false, sentVersion: 'v1', ackedVersion: 'v1' });
    expect(agent.clock.timers).toBe(0);
    controller.feed.forgetNode('n1');
    expect(controller.feed.nodes()).toEqual([]);
  });

  it('of an agent that replaces another counts, and the end of the older one changes nothing', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using older = new TestAgent(controller);
    await older.synced('v1');
    using newer = new TestAgent(controller);
    await newer.synced('v1');
    await controller.states.next((state) => state.ackedVersion === 'v1');
    older.client.close();
    controller.feed.setState(mesh({ workloads: [workload('cart')] }));
    await controller.states.next((state) => state.ackedVersion === 'v2');
    expect(controller.states.all.every((state) => state.connected)).toBe(true);
  });
});

describe('reports', () => {
  it('arrive as they were sent', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    await agent.client.report(report);
    expect(controller.reports.all).toEqual([report]);
  });

  it('are refused for another node, and when they are too long', async () => {
    await using controller = await new TestController().start();
    controller.feed.setState(mesh({}));
    using agent = new TestAgent(controller);
    await agent.synced('v1');
    await expect(agent.client.report({ ...report, node: 'n2' })).rejects.toThrow('the token is that of node n1');
    const pods = Array.from({ length: 5000 }, () => ({ uid: '', namespace: '', name: '', captured: null }));
    await expect(agent.client.report({ ...report, pods })).rejects.toThrow('names more than 4096 pods');
    for (const [perSecond, failedPerSecond] of [
      [1, 2],
      [1, -1],
      [Number.NaN, 0],
      [Number.POSITIVE_INFINITY, 0],
    ] as const) {
      const wrong = agent.client.report({ ...report, requestRate: { perSecond, failedPerSecond } });
      await expect(wrong).rejects.toThrow('has a rate of requests that is none');
    }
    expect(controller.reports.all).toEqual([]);
  });

  it('cannot be sent without a connection', async () => {
    await using controller = await new TestController().start();
    controller.stop();
    using agent = new TestAgent(controller);
    await expect(agent.client.report(report)).rejects.toMatchObject({ code: 'not-connected' });
  });
});

/** Passes bytes on until it is frozen; then both sides see an open connection on which nothing comes. */
class Relay implements AsyncDisposable {
  port = 0;
  readonly #sockets: Socket[] = [];
  readonly #server;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const upstream = connectTcp(target, '127.0.0.1');
      for (const socket of [client, upstream]) {
        socket.on('error', () => {});
        this.#sockets.push(socket);
      }
      client.pipe(upstream).pipe(client);
    });
  }

  static async to(target: number): Promise<Relay> {
    const relay = new Relay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    relay.port = (relay.#server.address() as AddressInfo).port;
    return relay;
  }

  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Lets the loop turn until something is so. */
async function until(condition: () => boolean): Promise<void> {
  const limitMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > limitMs) throw new Error('waited in vain');
    await new Promise((done) => setImmediate(done));
  }
}
