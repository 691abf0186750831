import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HttpRule } from '@tulle/ir';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule } from './mesh-of-namespaces.ts';

const cart = { address: '10.99.6.1', port: 80 };
const front = { address: '10.99.6.2', port: 80 };

/** Requests one after the other on kept connections of a pod, at a steady rate. */
class Load {
  readonly answers = new Map<string, number>();
  readonly #mesh: MeshOfNamespaces;
  readonly #pod: TestPod;
  readonly #to: typeof cart;
  readonly #free: Socket[] = [];
  #open = 0;

  constructor(mesh: MeshOfNamespaces, pod: TestPod, to: typeof cart) {
    this.#mesh = mesh;
    this.#pod = pod;
    this.#to = to;
  }

  /** Makes requests at a rate until `until` is settled, and waits for their answers. */
  async run(perSecond: number, until: Promise<unknown>): Promise<void> {
    let going = true;
    void until.then(() => (going = false));
    const startedMs = performance.now();
    const pending = new Set<Promise<void>>();
    for (let sent = 0; going;) {
      const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1_000);
      for (; sent < due; sent++) {
        const request = this.one(sent % 4 === 3 ? 'POST' : 'GET').finally(() => pending.delete(request));
        pending.add(request);
      }
      await sleep(2);
    }
    await Promise.all(pending);
  }

  async one(method = 'GET'): Promise<void> {
    const answer = await this.#exchange(method).catch((error: unknown) => String(error));
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }

  async #exchange(method: string): Promise<string> {
    const socket = this.#free.pop() ?? (await this.#mesh.connect(this.#pod, this.#to));
    const body = method === 'POST' ? 'content-length: 2\r\n\r\nhi' : '\r\n';
    socket.write(`${method} / HTTP/1.1\r\nHost: cart\r\n${body}`);
    const text = await new Promise<string>((resolve, reject) => {
      let seen = '';
      const gone = () => reject(new Error('the connection ended'));
      const onData = (bytes: Buffer) => {
        seen += bytes.toString('latin1');
        const head = seen.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? Number.NaN);
        if (head < 0 || seen.length < head + 4 + length) return;
        socket.off('data', onData);
        socket.off('close', gone);
        resolve(seen);
      };
      socket.on('data', onData);
      socket.once('close', gone);
    });
    if (/connection: close/i.test(text)) socket.destroy();
    else this.#free.push(socket);
    this.#open = Math.max(this.#open, this.#free.length);
    const status = text.slice(9, 12);
    return status === '200'
      ? text.slice(text.indexOf('\r\n\r\n') + 4)
      : `${status} ${/tulle-reason: (\S+)/.exec(text)?.[1]}`;
  }

  /** What was answered, and how often; begins anew. */
  take(): Record<string, number> {
    const answers = Object.fromEntries(this.answers);
    this.answers.clear();
    return answers;
  }

  close(): void {
    for (const socket of this.#free) socket.destroy();
  }
}

describe('the balance of requests, through the agent', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let load: Load | undefined;
  const servers: Server[] = [];

  beforeEach(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
  });

  afterEach(async () => {
    load?.close();
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    await mesh.close();
  });

  const serve = async (name: string, listener: RequestListener): Promise<{ pod: TestPod; server: Server }> => {
    const pod = await mesh.addPod(name);
    const server = createServer(listener);
    server.listen({ fd: mesh.listen(pod, 8080) });
    servers.push(server);
    return { pod, server };
  };

  const use = async (pods: readonly TestPod[], rule?: Partial<HttpRule>): Promise<Load> => {
    mesh.addService('cart', cart.address, { pods, targetPort: 8080, protocol: 'http' });
    if (rule !== undefined) {
      const table = oneRule({ ...rule, backends: [backendTo('cart')] });
      mesh.addService('front', front.address, { pods: [], targetPort: 1, table });
    }
    await mesh.measures();
    load = new Load(mesh, web, rule === undefined ? cart : front);
    return load;
  };

  it('an endpoint that turns ten times slower gets less than a third of its part within 2 s', async () => {
    const delayMs = { ep1: 25, ep2: 25, ep3: 25, ep4: 25 };
    const pods = [];
    for (const name of ['ep1', 'ep2', 'ep3', 'ep4'] as const) {
      const { pod } = await serve(
        name,
        (_request, response) => void setTimeout(() => response.end(name), delayMs[name]),
      );
      pods.push(pod);
    }
    const load = await use(pods);
    await load.run(100, sleep(1_500));
    const even = load.take();
    for (const name of ['ep1', 'ep2', 'ep3', 'ep4']) expect(even[name]).toBeGreaterThan(20);
    delayMs.ep4 = 250;
    await load.run(100, sleep(2_000));
    load.take();
    await load.run(100, sleep(2_000));
    const after = load.take();
    const all = Object.values(after).reduce((sum, count) => sum + count, 0);
    expect(Object.keys(after).sort().slice(0, 3)).toEqual(['ep1', 'ep2', 'ep3']);
    expect(after['ep4'] ?? 0).toBeLessThan(all / 4 / 3);
  });

  it('a rolling replacement of all endpoints under 500 requests a second fails none', async () => {
    const replicas = [];
    for (const name of ['o1', 'o2', 'o3', 'n1', 'n2', 'n3']) {
      replicas.push(await serve(name, (_request, response) => void setTimeout(() => response.end(name), 5)));
    }
    const load = await use(replicas.slice(0, 3).map(({ pod }) => pod));
    const replaced = (async () => {
      await sleep(500);
      for (let i = 1; i <= 3; i++) {
        const present = replicas.slice(i, i + 3).map(({ pod }) => pod);
        mesh.addService('cart', cart.address, { pods: present, targetPort: 8080, protocol: 'http' });
        await mesh.measures();
        // As an application does that is told to end: it takes what is on its way, finishes it, and closes.
        await sleep(300);
        const { server } = replicas[i - 1] as { server: Server };
        server.close();
        server.closeIdleConnections();
        await sleep(300);
      }
    })();
    await load.run(500, replaced);
    const answers = load.take();
    expect(Object.keys(answers).sort()).toEqual(['n1', 'n2', 'n3', 'o1', 'o2', 'o3']);
    expect(Object.values(answers).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(700);
  });

  it('answers 503 at once when nothing is ready, and when nobody listens', async () => {
    const load = await use([]);
    const startedMs = performance.now();
    await load.one();
    expect(load.take()).toEqual({ '503 no-healthy-endpoint': 1 });
    await use([await mesh.addPod('silent')]);
    for (let i = 0; i < 20; i++) await load.one();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    const answers = load.take();
    expect((answers['503 connect-failed'] ?? 0) + (answers['503 no-healthy-endpoint'] ?? 0)).toBe(20);
    // After seven failures in a row the endpoint is not even tried.
    expect(answers['503 no-healthy-endpoint']).toBeGreaterThan(5);
  });

  it('a backend that fails one request in ten shows no failure where the rule says to try again', async () => {
    let count = 0;
    const { pod } = await serve('flaky', (_request, response) => {
      count += 1;
      response.statusCode = count % 10 === 0 ? 503 : 200;
      response.end('fine');
    });
    const load = await use([pod], { retry: { codes: [503], connectionErrors: true, attempts: 3, backoffMs: 1 } });
    for (let i = 0; i < 500; i++) await load.one();
    expect(load.take()).toEqual({ fine: 500 });
    expect(count).toBe(555);
  });

  it('a backend that is down altogether gets no more retries than the budget', async () => {
    let count = 0;
    const { pod } = await serve('broken', (_request, response) => {
      count += 1;
      response.statusCode = 503;
      response.end('no');
    });
    const load = await use([pod], { retry: { codes: [503], connectionErrors: true, attempts: 5, backoffMs: 1 } });
    const requests = 1_000;
    const group = async () => {
      for (let i = 0; i < requests / 20; i++) await load.one();
    };
    await Promise.all(Array.from({ length: 20 }, group));
    expect(load.take()).toEqual({ '503 undefined': requests });
    // A fifth of the requests, and 10 a second over 10 s (the least that a budget gives).
    expect(count).toBeLessThanOrEqual(requests * 1.2 + 100 + 1);
    expect((await mesh.measures()).counters['retry_budget_exhausted']).toBeGreaterThan(0);
  });
});
