import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '@tulle/linux';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const clusterIP = '10.99.0.10';
const mebibyte = 1 << 20;

describe('clients and servers that are slow or hostile', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let server: Server;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    server = createServer((request, response) => handle(request, response));
    server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8080, protocol: 'http' });
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await mesh.close();
  });

  const connect = () => mesh.connect(web, { address: clusterIP, port: 80 });

  const get = async (): Promise<number> => {
    const started = performance.now();
    const socket = await connect();
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200/);
    socket.destroy();
    return performance.now() - started;
  };

  it('200 connections that send half a request and wait do not slow the others', async () => {
    handle = (_request, response) => response.end('ok');
    const waiting: Socket[] = [];
    for (let i = 0; i < 200; i++) {
      const socket = await connect();
      socket.write(
        i % 2 === 0 ? 'GET / HTTP/1.1\r\nHo' : 'POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 10\r\n\r\nhalf',
      );
      waiting.push(socket);
    }
    const times: number[] = [];
    for (let i = 0; i < 100; i++) times.push(await get());
    times.sort((a, b) => a - b);
    expect(times[95]).toBeLessThan(100);
    for (const socket of waiting) socket.destroy();
  });

  it('goes on when no descriptors are left: connections fail, the worker does not', async () => {
    let reached = 0;
    handle = (request, response) => {
      if (request.method === 'GET') response.end('ok');
      else reached += 1;
    };
    await get();
    const pid = `${mesh.workerPid}`;
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
    const limit = descriptors() + 30;
    await runCommand('prlimit', ['--pid', pid, `--nofile=${limit}:`]);
    const sockets: Socket[] = [];
    for (let i = 0; i < 100; i++) {
      // Each connection needs one descriptor for itself and two for its way to the application.
      const socket = await connect().catch(() => undefined);
      socket?.write('POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 10\r\n\r\nhalf');
      if (socket !== undefined) sockets.push(socket);
    }
    for (const until = Date.now() + 5_000; descriptors() < limit - 1 && Date.now() < until;) await mesh.measures();
    // libuv keeps one for itself.
    expect(descriptors()).toBeGreaterThanOrEqual(limit - 1);
    // Whether ways to the application fail or new connections wait depends on who takes the last one: all did neither.
    expect(reached).toBeLessThanOrEqual(30);
    await runCommand('prlimit', ['--pid', pid, '--nofile=4096:']);
    for (const socket of sockets) socket.destroy();
    await get();
  });

  it.each([
    ['', 'GET / HTTP/1.1\r\nHost: ca'],
    [', regression: one that is too short to tell the protocol waited for ten minutes', 'G'],
  ])('ends a head that does not come to its end within 10 s with 408%s', async (_, begun) => {
    const socket = await connect();
    socket.write(begun);
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 [^]*tulle-reason: header-timeout/);
    socket.destroy();
  });

  it('holds little of a large body whose reader is slow', async () => {
    const block = Buffer.alloc(mebibyte);
    let sentBytes = 0;
    handle = (_request, response) => {
      const more = () => {
        while (sentBytes < 512 * mebibyte) {
          sentBytes += block.length;
          if (!response.write(block)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    };
    const before = (await mesh.measures()).rssBytes;
    const socket = await connect();
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    // The server stops when everything on the way is full; two looks apart see the same.
    let last = -1;
    while (sentBytes !== last || sentBytes === 0) {
      last = sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sentBytes).toBeLessThan(64 * mebibyte);
    const { rssBytes } = await mesh.measures();
    expect(rssBytes - before).toBeLessThan(96 * mebibyte);
    socket.destroy();
  });

  it('does not close a tunnel for ever when responses end while their client is slow', async () => {
    const body = Buffer.alloc(200_000, 'x');
    handle = (_request, response) => response.end(body);
    // More than the tunnel's window (16 MiB) in responses whose last bytes find their client's buffers full.
    const clients = Array.from({ length: 8 }, async () => {
      const socket = await connect();
      for (let i = 0; i < 40; i++) {
        socket.pause();
        socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
        await new Promise((resolve) => setTimeout(resolve, 5));
        let got = 0;
        const whole = new Promise<void>((resolve) => {
          const onData = (chunk: Buffer) => {
            got += chunk.length;
            if (got < body.length) return;
            socket.off('data', onData);
            resolve();
          };
          socket.on('data', onData);
        });
        socket.resume();
        await whole;
      }
      socket.destroy();
    });
    await Promise.all(clients);
  });

  it('refuses a head without end, and forgets it', async () => {
    const socket = await connect();
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\n');
    const answer = readAll(socket);
    for (let i = 0; i < 100 && !socket.destroyed; i++) socket.write(`x-${i}: ${'y'.repeat(1_000)}\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 431 [^]*tulle-reason: header-too-large/);
    socket.destroy();
  });

  it('stops asking a server for the rest when the client leaves', async () => {
    const closed = new Promise<void>((resolve) => {
      handle = (request, response) => {
        response.write('the beginning');
        request.socket.once('close', () => resolve());
      };
    });
    const socket = await connect();
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    await closed;
  });

  it('cuts a response short when the server breaks off, so that the client sees it', async () => {
    handle = (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      response.once('drain', () => {});
      setImmediate(() => request.socket.resetAndDestroy());
    };
    const socket = await connect();
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    socket.on('data', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    expect((await broken).code).toBe('ECONNRESET');
  });
});
