import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const clusterIP = '10.99.0.10';

describe('HTTP/1.1 through the agent, in network namespaces', () => {
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
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8080 });
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await mesh.close();
  });

  it('carries a request and shows the application its true client', async () => {
    let seen: string | undefined;
    handle = (request, response) => {
      seen = request.socket.remoteAddress?.replace('::ffff:', '');
      response.end(`hello ${request.url}`);
    };
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.write('GET /a?b=c HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/hello \/a\?b=c/);
    expect(seen).toBe(web.address);
    expect((await mesh.measures()).counters['hbone_accepted']).toBe(1);
    socket.destroy();
  });

  const request = async (bytes: string): Promise<string> => {
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.write(bytes);
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  };

  it('tells the server when a client has gone whose response says nothing, and waits for one that only has said all', async () => {
    const gone = Promise.withResolvers<number>();
    handle = (incoming, response) => {
      response.write('the first event');
      if (incoming.url === '/slow') setTimeout(() => response.end(', and the last'), 20_000);
      else response.on('close', () => gone.resolve(performance.now()));
    };
    const ended = async (path: string): Promise<Socket> => {
      const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
      socket.end(`GET ${path} HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n`);
      return socket;
    };
    const startedMs = performance.now();
    const socket = await ended('/events');
    // As when its process ends: a FIN, and no reset, since it has read all that came.
    socket.resume();
    const slow = await ended('/slow');
    expect(await readAll(slow)).toContain(', and the last');
    const tookMs = (await gone.promise) - startedMs;
    expect(tookMs).toBeGreaterThan(55_000);
    expect(tookMs).toBeLessThan(90_000);
  });

  it('carries request after request on one connection, pipelined ones in order', async () => {
    handle = (incoming, response) => response.end(`<${incoming.url}>`);
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${more}\r\n`;
    const answer = await request(`${get('/1')}${get('/2')}${get('/3', 'Connection: close\r\n')}`);
    expect(answer.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>']);
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  });

  it('carries chunked bodies of 50 MB both ways without changing a byte', async () => {
    const block = randomBytes(1 << 20);
    handle = (incoming, response) => {
      const hash = createHash('sha256');
      incoming.on('data', (chunk: Buffer) => hash.update(chunk));
      incoming.on('end', () => {
        response.setHeader('x-hash', hash.digest('hex'));
        let left = 50;
        const more = () => {
          while (left > 0) {
            left -= 1;
            if (!response.write(block)) {
              response.once('drain', more);
              return;
            }
          }
          response.end();
        };
        more();
      });
    };
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.write('POST / HTTP/1.1\r\nHost: cart\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    const sent = createHash('sha256');
    const answered = readAllBytes(socket);
    for (let i = 0; i < 50; i++) {
      sent.update(block);
      socket.write(`${block.length.toString(16)}\r\n`);
      socket.write(block);
      if (!socket.write('\r\n')) await once(socket, 'drain');
    }
    socket.write('0\r\n\r\n');
    const answer = await answered;
    const headEnd = answer.indexOf('\r\n\r\n');
    expect(answer.subarray(0, headEnd).toString()).toContain(`x-hash: ${sent.digest('hex')}`);
    const received = createHash('sha256');
    const expected = createHash('sha256');
    for (const payload of chunkPayloads(answer.subarray(headEnd + 4))) received.update(payload);
    for (let i = 0; i < 50; i++) expected.update(block);
    expect(received.digest('hex')).toBe(expected.digest('hex'));
    socket.destroy();
  }, 60_000);

  it('keeps Expect: 100-continue, HEAD, 204 and 304 as they are', async () => {
    handle = (incoming, response) => {
      if (incoming.url === '/204') response.writeHead(204);
      if (incoming.url === '/304') response.writeHead(304, { etag: '"x"' });
      if (incoming.method === 'HEAD') response.setHeader('content-length', '5');
      incoming.resume();
      incoming.on('end', () => response.end(incoming.method === 'POST' ? 'taken' : undefined));
    };
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    const answer = readAll(socket);
    socket.write(
      'HEAD /h HTTP/1.1\r\nHost: cart\r\n\r\nGET /204 HTTP/1.1\r\nHost: cart\r\n\r\nGET /304 HTTP/1.1\r\nHost: cart\r\n\r\n',
    );
    socket.write(
      'POST /p HTTP/1.1\r\nHost: cart\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    );
    const text: string[] = [];
    socket.on('data', (chunk: Buffer) => {
      text.push(chunk.toString());
      if (text.join('').includes('100 Continue') && !socket.writableEnded) socket.end('body');
    });
    const statuses = (await answer).match(/HTTP\/1\.1 \d{3}/g);
    expect(statuses).toEqual(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304', 'HTTP/1.1 100', 'HTTP/1.1 200']);
    expect(text.join('')).toContain('taken');
    socket.destroy();
  });

  it('carries trailers both ways', async () => {
    let got: NodeJS.Dict<string> = {};
    handle = (incoming, response) => {
      incoming.resume();
      incoming.on('end', () => {
        got = incoming.trailers;
        response.writeHead(200, { trailer: 'x-after' });
        response.write('body');
        response.addTrailers({ 'x-after': 'yes' });
        response.end();
      });
    };
    const answer = await request(
      'POST / HTTP/1.1\r\nHost: cart\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n',
    );
    expect(got).toEqual({ 'x-sum': '7' });
    expect(answer).toMatch(/x-after: yes/i);
  });

  it('switches protocols, and carries bytes both ways then, also those that came early', async () => {
    server.once('upgrade', (_incoming, socket, early: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi ');
      socket.write(early);
      socket.on('data', (chunk: Buffer) => socket.write(chunk));
      socket.on('end', () => socket.end());
    });
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    const answer = readAll(socket);
    socket.write('GET /ws HTTP/1.1\r\nHost: cart\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(socket, 'data');
    socket.end('and more');
    expect(await answer).toMatch(/^HTTP\/1\.1 101 [^]*upgrade: echo[^]*\r\n\r\nhi and more$/i);
    socket.destroy();
  });

  it('speaks HTTP/1.0 with those who do: no chunks, closed at the end, or kept where asked', async () => {
    handle = (_incoming, response) => {
      response.write('part one, ');
      response.end('part two');
    };
    const closed = await request('GET / HTTP/1.0\r\n\r\n');
    expect(closed).toMatch(/\r\n\r\npart one, part two$/);
    expect(closed).not.toMatch(/transfer-encoding/i);
    handle = (_incoming, response) => response.setHeader('content-length', '2').end('ok');
    const kept = await request('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n');
    expect(kept.match(/\r\n\r\nok/g)).toHaveLength(2);
  });

  it('answers 400 to bytes that break the rules, and the application sees none of them', async () => {
    let calls = 0;
    handle = (_incoming, response) => {
      calls += 1;
      response.end();
    };
    const answer = await request(
      'POST / HTTP/1.1\r\nHost: cart\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*tulle-reason: bad-request/);
    expect(calls).toBe(0);
  });

  it('sends the response of a server that ends it by closing', async () => {
    const raw = createTcpServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
    });
    raw.listen({ fd: mesh.listen(cart, 8081) });
    mesh.addService('closer', '10.99.0.11', { pods: [cart], targetPort: 8081 });
    const socket = await mesh.connect(web, { address: '10.99.0.11', port: 80 });
    socket.write('GET / HTTP/1.1\r\nHost: closer\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 200 OK[^]*\r\n\r\nuntil the end$/);
    socket.destroy();
    raw.close();
  });

  it('tries another connection when the server closed an idle one just then', async () => {
    let connections = 0;
    const raw = createTcpServer((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => {
        requests += 1;
        // The second request on a connection meets a server that has just gone.
        if (requests === 2) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    raw.listen({ fd: mesh.listen(cart, 8082) });
    mesh.addService('fickle', '10.99.0.12', { pods: [cart], targetPort: 8082 });
    const socket = await mesh.connect(web, { address: '10.99.0.12', port: 80 });
    const answer = readAll(socket);
    socket.write('GET /1 HTTP/1.1\r\nHost: f\r\n\r\n');
    await once(socket, 'data');
    socket.write('GET /2 HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n');
    expect((await answer).match(/200 OK/g)).toHaveLength(2);
    expect(connections).toBe(2);
    socket.destroy();
    raw.close();
  });

  it('answers with its reason where nothing can be reached', async () => {
    mesh.addService('nobody', '10.99.0.13', { pods: [], targetPort: 1, protocol: 'http' });
    mesh.addService('refused', '10.99.0.14', { pods: [cart], targetPort: 9, protocol: 'http' });
    for (const [address, reason] of [
      ['10.99.0.13', 'no-healthy-endpoint'],
      ['10.99.0.14', 'connect-failed'],
    ] as const) {
      const socket = await mesh.connect(web, { address, port: 80 });
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      expect(await readAll(socket)).toMatch(new RegExp(`^HTTP/1.1 503 [^]*tulle-reason: ${reason}`));
      socket.destroy();
    }
  });
});

async function readAllBytes(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The payload of each chunk of a body in chunked framing. */
function* chunkPayloads(body: Buffer): Generator<Buffer> {
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) {
      expect(body.toString('latin1', at)).toBe('0\r\n\r\n');
      return;
    }
    yield body.subarray(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
