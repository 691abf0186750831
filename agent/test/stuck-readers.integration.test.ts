import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { http2Call, http2Session } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const mebibyte = 1 << 20;
const plain = '10.99.0.10';
const overHttp2 = '10.99.0.11';
const deaf = '10.99.0.12';
/** As many as an application may well have that it does not read: cursors, watches, subscriptions. */
const stuckReaders = 12;

describe('readers that have stopped do not stop the others', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: (Server | Http2Server)[] = [];

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      socket.pause();
    });
    const http2 = createHttp2Server();
    http2.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      // More than a window, and together less than Node's server keeps for one connection.
      stream.end(headers[':path'] === '/large' ? Buffer.alloc(700_000) : 'small');
    });
    for (const [i, server] of [echo, http2, silent].entries()) {
      server.listen({ fd: mesh.listen(cart, 8080 + i) });
      servers.push(server);
    }
    mesh.addService('plain', plain, { pods: [cart], targetPort: 8080, protocol: 'tcp' });
    mesh.addService('http2', overHttp2, { pods: [cart], targetPort: 8081, protocol: 'http2' });
    mesh.addService('deaf', deaf, { pods: [cart], targetPort: 8082, protocol: 'tcp' });
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await mesh.close();
  });

  /** Writes until nothing is taken any more. */
  const fill = async (socket: Socket): Promise<void> => {
    const block = Buffer.alloc(mebibyte);
    for (let written = 0; written < 32; written++) {
      if (socket.write(block)) continue;
      const taken = await Promise.race([
        once(socket, 'drain').then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 700)),
      ]);
      if (!taken) return;
    }
  };

  it('in one tunnel: connections carried as bytes', async () => {
    const stuck = await Promise.all(
      Array.from({ length: stuckReaders }, () => mesh.connect(web, { address: deaf, port: 80 })),
    );
    await Promise.all(stuck.map((socket) => fill(socket)));
    const other = await mesh.connect(web, { address: plain, port: 80 });
    other.end('hello');
    expect(await readAll(other)).toBe('hello');
    for (const socket of stuck) socket.destroy();
    other.destroy();
  });

  it('on one connection of HTTP/2 to a server', async () => {
    const sessions = await Promise.all(Array.from({ length: stuckReaders }, () => http2Session(mesh, web, overHttp2)));
    const streams = sessions.map((session) => session.request({ ':path': '/large' }));
    // Nobody reads these.
    const heads = (await Promise.all(streams.map((stream) => once(stream, 'response')))) as [IncomingHttpHeaders][];
    expect(heads.map(([head]) => head[':status'])).toEqual(heads.map(() => 200));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const other = await http2Session(mesh, web, overHttp2);
    expect((await http2Call(other, { ':path': '/small' })).body.toString()).toBe('small');
    for (const session of [...sessions, other]) session.destroy();
  });
});
