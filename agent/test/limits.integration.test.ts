import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { WorkerLimits } from '../src/worker/limits.ts';
import { http2Get } from './http2-get.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const front = { address: '10.99.4.1', port: 80 };
const raw = { address: '10.99.4.2', port: 80 };
const two = { address: '10.99.4.3', port: 80 };

/** A worker with limits, two client pods, and a server that answers when it is told to. */
class Ground implements AsyncDisposable {
  readonly mesh: MeshOfNamespaces;
  readonly waiting: ServerResponse[] = [];
  readonly #servers: (Server | Http2Server)[] = [];
  #onRequest: (() => void) | undefined;

  private constructor(mesh: MeshOfNamespaces) {
    this.mesh = mesh;
  }

  static async with(limits: Partial<WorkerLimits>): Promise<Ground> {
    const mesh = await MeshOfNamespaces.create({ limits });
    const ground = new Ground(mesh);
    for (const name of ['web', 'other']) await mesh.addPod(name);
    const cart = await mesh.addPod('cart');
    const server = createServer((request, response) => {
      if (request.url === '/now') response.end('now');
      else if (request.url === '/large') response.end(Buffer.alloc(64 * 1024 * 1024));
      else ground.waiting.push(response);
      ground.#onRequest?.();
    });
    server.listen({ fd: mesh.listen(cart, 8080) });
    const http2 = createHttp2Server();
    http2.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end('two');
    });
    http2.listen({ fd: mesh.listen(cart, 8081) });
    ground.#servers.push(server, http2);
    mesh.addService('front', front.address, { pods: [cart], targetPort: 8080, protocol: 'http' });
    mesh.addService('raw', raw.address, { pods: [cart], targetPort: 8080, protocol: 'tcp' });
    mesh.addService('two', two.address, { pods: [cart], targetPort: 8081, protocol: 'http2' });
    await mesh.measures();
    return ground;
  }

  pod(name: string): TestPod {
    return this.mesh.pods.get(name) as TestPod;
  }

  /** Sends a request that is not answered yet; comes back when the server has it. */
  async hold(pod: string): Promise<Socket> {
    const socket = await this.mesh.connect(this.pod(pod), front);
    const arrived = new Promise<void>((resolve) => (this.#onRequest = resolve));
    socket.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived;
    return socket;
  }

  async get(pod: string, path = '/now'): Promise<string> {
    const socket = await this.mesh.connect(this.pod(pod), front);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  }

  async counter(name: string): Promise<number> {
    return (await this.mesh.measures()).counters[name] ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
    await this.mesh.close();
  }
}

const overload = /^HTTP\/1.1 503 Service Unavailable\r\ntulle-reason: overload\r\n/;

describe('the limits of a worker', () => {
  const open: Socket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  it('requests of a pod: one more gets 503 in its version, other pods none of it, and room that is free is used', async () => {
    await using ground = await Ground.with({ requestsPerPod: 2 });
    open.push(await ground.hold('web'), await ground.hold('web'));
    expect(await ground.get('web')).toMatch(overload);
    const plain = await ground.mesh.connect(ground.pod('web'), two);
    expect(await http2Get(plain, '/')).toMatch(/^503 tulle: overload/);
    const grpc = await ground.mesh.connect(ground.pod('web'), two);
    const trailers = await http2Get(grpc, '/a.B/C', { ':method': 'POST', 'content-type': 'application/grpc' });
    expect(trailers).toBe('200 ');
    expect(await ground.get('other')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ground.counter('overload_requests')).toBe(3);
    const [socket] = open;
    ground.waiting[0]?.end();
    await once(socket as Socket, 'data');
    expect(await ground.get('web')).toMatch(/^HTTP\/1.1 200 /);
  });

  it('a connection that got 503 for overload goes on', async () => {
    await using ground = await Ground.with({ requestsPerPod: 1 });
    open.push(await ground.hold('web'));
    const socket = await ground.mesh.connect(ground.pod('web'), front);
    open.push(socket);
    socket.write('GET /now HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(overload);
    ground.waiting[0]?.end();
    await once(open[0] as Socket, 'data');
    socket.write('GET /now HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
  });

  it('connections of a pod: HTTP is told why, bytes are reset, other pods none of it', async () => {
    await using ground = await Ground.with({ connectionsPerPod: 2 });
    open.push(await ground.mesh.connect(ground.pod('web'), front), await ground.mesh.connect(ground.pod('web'), front));
    // The worker has accepted them once it has answered.
    await ground.mesh.measures();
    expect(await ground.get('web')).toMatch(overload);
    const bytes = await ground.mesh.connect(ground.pod('web'), raw).catch(() => undefined);
    bytes?.write('anything');
    expect(bytes === undefined ? '' : await readAll(bytes)).toBe('');
    expect(await ground.get('other')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ground.counter('overload_connections')).toBe(2);
    open[0]?.destroy();
    await once(open[0] as Socket, 'close');
    await ground.mesh.measures();
    expect(await ground.get('web')).toMatch(/^HTTP\/1.1 200 /);
  });

  it('memory: a worker that has used it up takes nothing new, and says so', async () => {
    await using ground = await Ground.with({ memoryMib: 1 });
    expect(await ground.get('web')).toMatch(overload);
    expect(await ground.counter('overload_connections')).toBeGreaterThan(0);
  });

  it('buffered bytes of a pod: the slowest reader is cut off, and others of the pod go on', async () => {
    await using ground = await Ground.with({ bufferedMibPerPod: 1 });
    const slow = await ground.mesh.connect(ground.pod('web'), front);
    open.push(slow);
    slow.pause();
    slow.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    const gone = new Promise<void>((resolve) => slow.once('close', () => resolve()));
    while ((await ground.counter('overload_slow_readers')) === 0) expect(await ground.get('web')).toMatch(/200/);
    slow.resume();
    await gone;
    expect(slow.errored === null ? 'ended' : 'reset').toBe('reset');
    expect(await ground.get('web')).toMatch(/^HTTP\/1.1 200 /);
  });
});
