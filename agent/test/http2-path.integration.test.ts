import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, constants, createServer } from 'node:http2';
import type { ClientHttp2Session, Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpMatch, HttpRouteTable, WeightedBackend } from '@tulle/ir';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const everything: HttpMatch = { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] };

function tableTo(service: string, path: string): HttpRouteTable {
  const backend: WeightedBackend = {
    target: { type: 'service', service, port: 80 },
    weight: 1,
    filters: [
      { type: 'requestHeaders', modifier: { set: [{ name: 'X-Routed', value: 'yes' }], add: [], remove: ['x-gone'] } },
    ],
  };
  return {
    rules: [{ route: 'HTTPRoute/shop/cart', index: 0, filters: [], backends: [backend] }],
    matches: [{ match: { ...everything, path: { type: 'prefix', value: path } }, rule: 0 }],
  };
}

describe('HTTP/2 and gRPC through the agent, in network namespaces', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: Http2Server[] = [];
  /** Of the sessions, in their order. */
  const sockets: Socket[] = [];
  let handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, name: string) => void;

  const serve = (pod: TestPod) => {
    const server = createServer();
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => {});
      handle(stream, headers, pod.spec.name);
    });
    server.listen({ fd: mesh.listen(pod, 8080) });
    servers.push(server);
  };

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const carts = [await mesh.addPod('cart1'), await mesh.addPod('cart2')];
    for (const cart of carts) serve(cart);
    mesh.addService('cart', '10.99.0.10', { pods: carts, targetPort: 8080 });
    mesh.addService('routed', '10.99.0.11', { pods: [], targetPort: 8080, table: tableTo('shop/cart', '/shop') });
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await mesh.close();
  });

  it('tells the server when a client has gone whose response says nothing', async () => {
    const cancelled = new Promise<number>((resolve) => {
      handle = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('the first event');
        stream.on('close', () => resolve(stream.rstCode));
      };
    });
    const client = await session();
    const stream = client.request({ ':path': '/events', ':authority': 'cart' });
    stream.on('error', () => {});
    await once(stream, 'data');
    const startedMs = performance.now();
    // As when its process ends: a FIN, and no reset, since it has read all that came.
    sockets.at(-1)?.end();
    expect(await cancelled).toBe(constants.NGHTTP2_CANCEL);
    expect(performance.now() - startedMs).toBeGreaterThan(10_000);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    client.destroy();
  });

  const session = async (address = '10.99.0.10'): Promise<ClientHttp2Session> => {
    const socket = await mesh.connect(web, { address, port: 80 });
    sockets.push(socket);
    const client = connectHttp2('http://cart', { createConnection: () => socket });
    client.on('error', () => {});
    return client;
  };

  interface Answer {
    readonly headers: IncomingHttpHeaders;
    readonly trailers: IncomingHttpHeaders;
    readonly body: string;
  }

  const call = async (client: ClientHttp2Session, headers: Record<string, string>, body?: string): Promise<Answer> => {
    const stream = client.request({ ':method': 'POST', ...headers });
    let trailers: IncomingHttpHeaders = {};
    stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
    const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    stream.end(body);
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    const [received] = await head;
    return { headers: received, trailers, body: text };
  };

  it('carries calls with trailers, and balances each call of one connection by itself', async () => {
    handle = (stream, headers, name) => {
      stream.respond({ ':status': 200, 'x-path': headers[':path'] }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-server': name }));
      stream.end(`from ${name}`);
    };
    const client = await session();
    const seen = new Map<string, number>();
    // Together, so that the load under way decides and not how fast each server happened to answer first.
    const calls = Array.from({ length: 40 }, (_, i) => call(client, { ':path': `/call/${i}` }, 'ping'));
    for (const [i, answer] of (await Promise.all(calls)).entries()) {
      expect(answer.headers).toMatchObject({ ':status': 200, 'x-path': `/call/${i}` });
      expect(answer.trailers['grpc-status']).toBe('0');
      seen.set(answer.body, (seen.get(answer.body) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['from cart1', 'from cart2']);
    for (const count of seen.values()) expect(count).toBeGreaterThan(5);
    client.close();
  });

  it('streams both ways at once, message by message', async () => {
    handle = (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.on('data', (chunk: Buffer) => stream.write(`echo ${chunk.toString()}`));
      stream.on('end', () => stream.end());
    };
    const client = await session();
    const stream = client.request({ ':method': 'POST', ':path': '/talk' });
    for (const word of ['one', 'two', 'three']) {
      stream.write(word);
      const [answer] = (await once(stream, 'data')) as [Buffer];
      expect(answer.toString()).toBe(`echo ${word}`);
    }
    const trailers = once(stream, 'trailers') as Promise<[IncomingHttpHeaders]>;
    stream.end();
    expect((await trailers)[0]['grpc-status']).toBe('0');
    client.close();
  });

  it('carries 32 MB each way without changing a byte', async () => {
    const block = randomBytes(1 << 20);
    handle = (stream) => {
      const hash = createHash('sha256');
      stream.on('data', (chunk: Buffer) => hash.update(chunk));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-hash': hash.digest('hex') });
        let left = 32;
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
      });
    };
    const expected = createHash('sha256');
    for (let i = 0; i < 32; i++) expected.update(block);
    const digest = expected.digest('hex');
    const client = await session();
    const stream = client.request({ ':method': 'POST', ':path': '/large' });
    const head = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    for (let i = 0; i < 32; i++) if (!stream.write(block)) await once(stream, 'drain');
    stream.end();
    const received = createHash('sha256');
    for await (const chunk of stream) received.update(chunk as Buffer);
    expect((await head)[0]['x-hash']).toBe(digest);
    expect(received.digest('hex')).toBe(digest);
    client.close();
  });

  it('routes and edits heads; a request that no rule matches gets 404, a gRPC call UNIMPLEMENTED', async () => {
    let seen: IncomingHttpHeaders = {};
    handle = (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200 });
      stream.end();
    };
    const client = await session('10.99.0.11');
    await call(client, { ':path': '/shop/1', 'x-gone': 'x', 'x-forwarded-client-cert': 'me', 'x-kept': 'k' });
    expect(seen).toMatchObject({ 'x-routed': 'yes', 'x-kept': 'k', ':authority': 'cart:80' });
    expect(seen).not.toHaveProperty('x-gone');
    expect(seen).not.toHaveProperty('x-forwarded-client-cert');
    const missed = await call(client, { ':path': '/elsewhere' }, 'body');
    expect(missed.headers).toMatchObject({ ':status': 404, 'tulle-reason': 'no-route' });
    const grpc = await call(client, { ':path': '/pkg.Svc/Call', 'content-type': 'application/grpc' }, 'body');
    expect(grpc.headers).toMatchObject({ ':status': 200, 'grpc-status': '12', 'tulle-reason': 'no-route' });
    client.close();
  });

  it('asks a server for no more requests at once than it takes, and answers all of them', async () => {
    const few = createServer({ settings: { maxConcurrentStreams: 4 } });
    few.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      stream.resume();
      stream.on('end', () => stream.end('few'));
    });
    const cart = mesh.pods.get('cart1') as TestPod;
    few.listen({ fd: mesh.listen(cart, 8090) });
    servers.push(few);
    mesh.addService('few', '10.99.0.12', { pods: [cart], targetPort: 8090, protocol: 'http2' });
    const client = await session('10.99.0.12');
    const calls = Array.from({ length: 90 }, (_, i) => call(client, { ':path': `/${i}` }, 'body'));
    for (const { headers, body } of await Promise.all(calls)) {
      expect([headers[':status'], headers['tulle-reason'], body]).toEqual([200, undefined, 'few']);
    }
    client.close();
  });

  it('passes resets on in both directions, with their code', async () => {
    const closed = new Promise<number>((resolve) => {
      handle = (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('x');
        stream.on('close', () => resolve(stream.rstCode));
      };
    });
    const client = await session();
    const stream = client.request({ ':method': 'POST', ':path': '/' });
    await once(stream, 'data');
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await closed).toBe(constants.NGHTTP2_CANCEL);
    handle = (server) => server.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    const refused = client.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/grpc' });
    refused.on('error', () => {});
    const [answer] = (await once(refused, 'response')) as [IncomingHttpHeaders];
    expect(answer).toMatchObject({ 'grpc-status': '14', 'tulle-reason': 'upstream-reset' });
    client.close();
  });
});
