import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders as Http1Headers } from 'node:http';
import { constants } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { http1Exchange, Http1Backend, http2Call, Http2Backend, http2Session, readHttp2 } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const mebibyte = 1 << 20;

function hashOf(block: Buffer, times: number): string {
  const hash = createHash('sha256');
  for (let i = 0; i < times; i++) hash.update(block);
  return hash.digest('hex');
}

describe('an HTTP/1.1 client and an HTTP/2 server, by appProtocol', () => {
  const address = '10.99.0.10';
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const backend = new Http2Backend();

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    backend.listen(mesh, cart, 8080);
    mesh.addService('cart', address, { pods: [cart], targetPort: 8080, protocol: 'http2' });
  });

  afterAll(async () => {
    backend.close();
    await mesh.close();
  });

  const send = (bytes: string) => http1Exchange(mesh, web, address, bytes);
  const answerWith = (headers: OutgoingHttpHeaders, body: string) => {
    backend.handle = (stream) => {
      stream.respond(headers);
      stream.end(body);
    };
  };

  it('says the request in HTTP/2: pseudo-header fields, and nothing that belongs to one hop', async () => {
    let seen: IncomingHttpHeaders = {};
    backend.handle = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200, 'x-out': 'yes', 'content-length': '2' });
      stream.end('ok');
    };
    const answer = await send(
      'GET /a/b?q=1 HTTP/1.1\r\nHost: cart.shop:80\r\nX-Kept: 1\r\nX-Hop: 2\r\nTE: trailers, gzip;q=0.5\r\n' +
        'Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nCookie: a=1; b=2\r\nConnection: close, x-hop, te\r\n\r\n',
    );
    expect(seen).toMatchObject({
      ':method': 'GET',
      ':scheme': 'http',
      ':path': '/a/b?q=1',
      ':authority': 'cart.shop:80',
      'x-kept': '1',
      te: 'trailers',
      cookie: 'a=1; b=2',
    });
    for (const gone of ['x-hop', 'connection', 'keep-alive', 'proxy-connection', 'host']) {
      expect(seen).not.toHaveProperty(gone);
    }
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*x-out: yes\r\n[^]*content-length: 2\r\n\r\nok$/);
    expect(answer).not.toMatch(/transfer-encoding/);
  });

  it('sends a body of unknown length in chunks, and to HTTP/1.0 until the end', async () => {
    answerWith({ ':status': 200 }, 'of some length');
    const chunked = await send('GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    expect(chunked).toMatch(/transfer-encoding: chunked\r\n\r\ne\r\nof some length\r\n0\r\n\r\n$/);
    const old = await send('GET / HTTP/1.0\r\n\r\n');
    expect(old).toMatch(/connection: close\r\n\r\nof some length$/);
    expect(old).not.toMatch(/transfer-encoding/);
  });

  it('keeps the connection from request to request, pipelined ones in order', async () => {
    backend.handle = (stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(`<${headers[':path']}>`);
    };
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: cart\r\n${more}\r\n`;
    const answer = await send(`${get('/1')}${get('/2')}${get('/3', 'Connection: close\r\n')}`);
    expect(answer.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>']);
  });

  it.each([
    ['POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 5\r\nConnection: close\r\n\r\napple', '5', undefined],
    [
      'POST / HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;x=y\r\nap\r\n3\r\nple\r\n0\r\nx-sum: 7\r\n\r\n',
      undefined,
      '7',
    ],
  ])('carries bodies and trailers to the server, and back: %#', async (request, length, sum) => {
    let seen: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    backend.handle = (stream, headers) => {
      seen = headers;
      const chunks: Buffer[] = [];
      stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-after': 'yes' }));
        stream.end(`got ${Buffer.concat(chunks).toString()}`);
      });
    };
    const answer = await send(request);
    expect(answer).toMatch(/\r\n9\r\ngot apple\r\n0\r\nx-after: yes\r\n\r\n$/);
    expect(seen['content-length']).toBe(length);
    expect(seen['transfer-encoding']).toBeUndefined();
    expect(trailers['x-sum']).toBe(sum);
  });

  it('keeps HEAD, 204 and 304 without a body', async () => {
    backend.handle = (stream, headers) => {
      const status = Number(String(headers[':path']).slice(1));
      stream.respond({ ':status': status, ...(status === 204 ? {} : { 'content-length': '5' }) }, { endStream: true });
    };
    const answer = await send(
      'HEAD /200 HTTP/1.1\r\nHost: c\r\n\r\nGET /204 HTTP/1.1\r\nHost: c\r\n\r\nGET /304 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304']);
    expect(answer.match(/content-length: 5/g)).toHaveLength(2);
    expect(answer).not.toMatch(/content-length: 0|chunked/);
  });

  it('passes on 100 and 103', async () => {
    backend.handle = (stream, headers) => {
      expect(headers.expect).toBe('100-continue');
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      stream.additionalHeaders({ ':status': 100 });
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end('done');
      });
    };
    const socket = await mesh.connect(web, { address, port: 80 });
    const answer = readAll(socket);
    socket.write(
      'POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
    );
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes('HTTP/1.1 100') && !socket.writableEnded) socket.end('body');
    });
    expect((await answer).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 103', 'HTTP/1.1 100', 'HTTP/1.1 200']);
    expect(seen).toContain('link: </a.css>');
    socket.destroy();
  });

  it('carries 24 MB each way without changing a byte', async () => {
    const block = randomBytes(mebibyte);
    backend.handle = (stream) => {
      const hash = createHash('sha256');
      stream.on('data', (chunk: Buffer) => hash.update(chunk));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-hash': hash.digest('hex'), 'content-length': 24 * mebibyte });
        writeBlocks(stream, block, 24);
      });
    };
    const socket = await mesh.connect(web, { address, port: 80 });
    const hash = createHash('sha256');
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      const headEnd = head.includes('\r\n\r\n') ? 0 : chunk.indexOf('\r\n\r\n') + 4;
      head += chunk.toString('latin1', 0, headEnd);
      hash.update(chunk.subarray(headEnd));
    });
    socket.write(`POST / HTTP/1.1\r\nHost: c\r\nContent-Length: ${24 * mebibyte}\r\nConnection: close\r\n\r\n`);
    for (let i = 0; i < 24; i++) if (!socket.write(block)) await once(socket, 'drain');
    await once(socket, 'end');
    expect(head).toContain(`x-hash: ${hashOf(block, 24)}`);
    expect(hash.digest('hex')).toBe(hashOf(block, 24));
    socket.destroy();
  });

  it('holds little of a large response whose reader is slow', async () => {
    let sentBytes = 0;
    const block = Buffer.alloc(mebibyte);
    backend.handle = (stream) => {
      stream.respond({ ':status': 200 });
      const more = () => {
        while (sentBytes < 512 * mebibyte) {
          sentBytes += block.length;
          if (!stream.write(block)) {
            stream.once('drain', more);
            return;
          }
        }
      };
      more();
    };
    const before = (await mesh.measures()).rssBytes;
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    let last = -1;
    while (sentBytes !== last || sentBytes === 0) {
      last = sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sentBytes).toBeLessThan(64 * mebibyte);
    expect((await mesh.measures()).rssBytes - before).toBeLessThan(96 * mebibyte);
    socket.destroy();
  });

  it('holds little of a large request whose server is slow', async () => {
    const release = Promise.withResolvers<void>();
    backend.handle = (stream) => {
      stream.pause();
      void release.promise.then(() => stream.close());
    };
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.write(`POST / HTTP/1.1\r\nHost: cart\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(mebibyte), Buffer.from('\r\n')]);
    expect(await sentBeforeStall(mesh, socket, chunk)).toBeLessThan(64 * mebibyte);
    release.resolve();
    socket.destroy();
  });

  it('sends a request again that a server did not process, with what it had sent of the body', async () => {
    let refusals = 1;
    let body = '';
    backend.handle = (stream) => {
      stream.on('data', (part: Buffer) => {
        if (refusals-- > 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
        else body += part.toString();
      });
      stream.on('end', () => {
        if (stream.destroyed || stream.closed) return;
        stream.respond({ ':status': 200 });
        stream.end('taken');
      });
    };
    const socket = await mesh.connect(web, { address, port: 80 });
    const answer = readAll(socket);
    socket.write('POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 10\r\nConnection: close\r\n\r\napple');
    while (refusals >= 0 && body === '') await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(' pie!');
    expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*taken/);
    expect(body).toBe('apple pie!');
    socket.destroy();
  });

  it('answers 502 to a request whose stream is reset, and cuts off a response that had begun', async () => {
    backend.handle = (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    expect(await send('GET / HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 502 [^]*tulle-reason: upstream-reset/,
    );
    backend.handle = (stream) => {
      stream.respond({ ':status': 200 });
      // Node ends a stream in good order before it resets it: only a connection that breaks cuts a response off.
      stream.write('half', () => stream.session?.destroy());
    };
    const socket = await mesh.connect(web, { address, port: 80 });
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    socket.on('data', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: c\r\n\r\n');
    expect((await broken).code).toBe('ECONNRESET');
  });

  it('cancels the stream of a client that leaves', async () => {
    const closed = new Promise<number>((resolve) => {
      backend.handle = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('the beginning');
        stream.on('close', () => resolve(stream.rstCode));
      };
    });
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.write('GET / HTTP/1.1\r\nHost: c\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    expect(await closed).toBe(constants.NGHTTP2_CANCEL);
  });
});

/** Writes `chunk` until nothing more is taken; gives how many bytes were. The worker's memory must not show them. */
async function sentBeforeStall(mesh: MeshOfNamespaces, to: Writable, chunk: Buffer): Promise<number> {
  const before = (await mesh.measures()).rssBytes;
  let sentBytes = 0;
  for (;;) {
    sentBytes += chunk.length;
    if (to.write(chunk)) continue;
    const drained = once(to, 'drain').then(() => true);
    const stalled = new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false));
    if (!(await Promise.race([drained, stalled])) || sentBytes > 512 * mebibyte) break;
  }
  expect((await mesh.measures()).rssBytes - before).toBeLessThan(96 * mebibyte);
  return sentBytes;
}

function writeBlocks(stream: ServerHttp2Stream, block: Buffer, times: number): void {
  let left = times;
  const more = () => {
    while (left > 0) {
      left -= 1;
      if (!stream.write(block)) {
        stream.once('drain', more);
        return;
      }
    }
    stream.end();
  };
  more();
}

describe('an HTTP/2 client and an HTTP/1.1 server, by appProtocol', () => {
  const address = '10.99.0.10';
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  const backend = new Http1Backend();
  const grpcBackend = new Http2Backend();

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    backend.listen(mesh, cart, 8080);
    mesh.addService('cart', address, { pods: [cart], targetPort: 8080, protocol: 'http' });
  });

  afterAll(async () => {
    backend.close();
    grpcBackend.close();
    await mesh.close();
  });

  const open = (to = address) => http2Session(mesh, web, to);

  it('says the request in HTTP/1.1: Host, one Cookie, TE, and nothing of HTTP/2', async () => {
    let seen: Http1Headers = {};
    let line = '';
    backend.handle = (request, response) => {
      seen = request.headers;
      line = `${request.method} ${request.url} ${request.httpVersion}`;
      response.setHeader('x-out', 'yes').setHeader('keep-alive', 'timeout=9').end('ok');
    };
    const session = await open();
    const answer = await http2Call(session, {
      ':path': '/a?b=c',
      'x-kept': '1',
      cookie: ['a=1', 'b=2'],
      te: 'trailers',
      'x-forwarded-client-cert': 'me',
    });
    expect(line).toBe('GET /a?b=c 1.1');
    expect(seen).toMatchObject({ host: 'shop:80', 'x-kept': '1', cookie: 'a=1; b=2', te: 'trailers' });
    expect(seen).not.toHaveProperty('x-forwarded-client-cert');
    expect(seen).not.toHaveProperty('transfer-encoding');
    expect(answer.headers).toMatchObject({ ':status': 200, 'x-out': 'yes' });
    for (const gone of ['connection', 'keep-alive', 'transfer-encoding']) {
      expect(answer.headers).not.toHaveProperty(gone);
    }
    expect(answer.body.toString()).toBe('ok');
    session.close();
  });

  it.each([
    [{ 'content-length': '5' }, 'apple', '5', undefined],
    [{}, 'apple', undefined, 'chunked'],
    [{}, undefined, '0', undefined],
  ])('frames request bodies: %j', async (headers, body, length, coding) => {
    let seen: Http1Headers = {};
    backend.handle = (request, response) => {
      seen = request.headers;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => response.end(`got ${Buffer.concat(chunks).toString()}`));
    };
    const session = await open();
    const answer = await http2Call(session, { ':method': 'POST', ':path': '/', ...headers }, body);
    expect([seen['content-length'], seen['transfer-encoding']]).toEqual([length, coding]);
    expect(answer.body.toString()).toBe(`got ${body ?? ''}`);
    session.close();
  });

  it('carries trailers both ways', async () => {
    let got: NodeJS.Dict<string> = {};
    backend.handle = (request, response) => {
      request.resume().on('end', () => {
        got = request.trailers;
        response.writeHead(200, { trailer: 'x-after' });
        response.write('body');
        response.addTrailers({ 'x-after': 'yes' });
        response.end();
      });
    };
    const session = await open();
    const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'content-type': 'never' }));
    const answered = readHttp2(stream);
    stream.end('abc');
    const answer = await answered;
    expect(got).toEqual({ 'x-sum': '7' });
    expect(answer.trailers['x-after']).toBe('yes');
    expect(answer.body.toString()).toBe('body');
    session.close();
  });

  it('keeps HEAD, 204, 304, 100 and 103 as they are', async () => {
    backend.handle = (request, response) => {
      if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      if (request.url === '/204') response.writeHead(204);
      if (request.url === '/304') response.writeHead(304, { etag: '"x"' });
      if (request.method === 'HEAD') response.setHeader('content-length', '5');
      request.resume().on('end', () => response.end(request.method === 'POST' ? 'taken' : undefined));
    };
    const session = await open();
    const head = await http2Call(session, { ':method': 'HEAD', ':path': '/' });
    expect([head.headers[':status'], head.headers['content-length'], head.body.length]).toEqual([200, '5', 0]);
    expect((await http2Call(session, { ':path': '/204' })).headers[':status']).toBe(204);
    expect((await http2Call(session, { ':path': '/304' })).headers).toMatchObject({ ':status': 304, etag: '"x"' });
    expect((await http2Call(session, { ':path': '/hints' })).interim).toEqual([103]);
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue' });
    stream.on('continue', () => stream.end('body'));
    expect((await readHttp2(stream)).body.toString()).toBe('taken');
    session.close();
  });

  it('carries requests of one connection at once, each to a connection of its own', async () => {
    backend.handle = (request, response) => {
      setImmediate(() => response.end(`<${request.url}>`));
    };
    const session = await open();
    const calls = Array.from({ length: 60 }, (_, i) => http2Call(session, { ':path': `/${i}` }));
    for (const [i, answer] of (await Promise.all(calls)).entries()) expect(answer.body.toString()).toBe(`</${i}>`);
    session.close();
  });

  it('carries 24 MB each way without changing a byte', async () => {
    const block = randomBytes(mebibyte);
    backend.handle = (request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        response.setHeader('x-hash', hash.digest('hex'));
        let left = 24;
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
    const session = await open();
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    const answered = readHttp2(stream);
    for (let i = 0; i < 24; i++) if (!stream.write(block)) await once(stream, 'drain');
    stream.end();
    const answer = await answered;
    expect(answer.headers['x-hash']).toBe(hashOf(block, 24));
    expect(hashOf(answer.body, 1)).toBe(hashOf(block, 24));
    session.close();
  });

  it('holds little of a large request whose server is slow', async () => {
    backend.handle = (request) => {
      request.pause();
    };
    const session = await open();
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => {});
    expect(await sentBeforeStall(mesh, stream, Buffer.alloc(mebibyte))).toBeLessThan(64 * mebibyte);
    session.destroy();
  });

  it('sends the response of a server that ends it by closing, and resets what is cut off', async () => {
    const raw = createTcpServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk: Buffer) => {
        if (chunk.includes('/whole')) socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
        else if (chunk.includes('/half')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        else if (chunk.includes('/none')) socket.resetAndDestroy();
        else socket.end('SSH-2.0-x\r\n');
      });
    });
    raw.listen({ fd: mesh.listen(cart, 8081) });
    mesh.addService('closer', '10.99.0.11', { pods: [cart], targetPort: 8081, protocol: 'http' });
    const session = await open('10.99.0.11');
    expect((await http2Call(session, { ':path': '/whole' })).body.toString()).toBe('until the end');
    await expect(http2Call(session, { ':path': '/half' })).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    for (const path of ['/none', '/ssh']) {
      const { headers } = await http2Call(session, { ':path': path });
      expect(headers).toMatchObject({ ':status': 502, 'tulle-reason': 'upstream-reset' });
    }
    session.close();
    raw.close();
  });

  it('refuses names that an application of the kind of CGI would read as others', async () => {
    let calls = 0;
    backend.handle = (_request, response) => {
      calls += 1;
      response.end();
    };
    const session = await open();
    const { headers } = await http2Call(session, { ':path': '/', x_forwarded_for: '1.2.3.4' });
    expect(headers).toMatchObject({ ':status': 400, 'tulle-reason': 'bad-request' });
    expect(calls).toBe(0);
    session.close();
  });

  it('stops asking the server for the rest when the client resets its stream', async () => {
    const closed = new Promise<void>((resolve) => {
      backend.handle = (request, response) => {
        response.write('the beginning');
        request.socket.once('close', () => resolve());
      };
    });
    const session = await open();
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await once(stream, 'data');
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
    session.close();
  });

  it('answers before the request is whole, as the server does', async () => {
    backend.handle = (_request, response) => response.writeHead(413).end('too much');
    const session = await open();
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => {});
    const answered = readHttp2(stream);
    stream.write('the beginning');
    const answer = await answered;
    expect([answer.headers[':status'], answer.body.toString()]).toEqual([413, 'too much']);
    session.close();
  });

  it('sends gRPC in HTTP/2 all the same: nobody serves it otherwise', async () => {
    grpcBackend.handle = (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end('x');
    };
    grpcBackend.listen(mesh, cart, 8082);
    mesh.addService('calls', '10.99.0.12', { pods: [cart], targetPort: 8082, protocol: 'http' });
    const session = await open('10.99.0.12');
    const call = { ':method': 'POST', ':path': '/p.S/M', 'content-type': 'application/grpc' };
    expect((await http2Call(session, call, 'x')).trailers['grpc-status']).toBe('0');
    session.close();
  });
});
