import { once } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { HttpFilter, HttpRule } from '@tulle/ir';
import { http1Exchange, Http1Backend, Http2Backend, http2Call, http2Session, readHttp2 } from './http-harness.ts';
import type { Http2Answer } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule } from './mesh-of-namespaces.ts';

const front = '10.99.0.20';

function mirrorTo(service: string): HttpFilter {
  const backend = { type: 'service', service: `shop/${service}`, port: 80 } as const;
  return { type: 'mirror', backend, numerator: 1, denominator: 1 };
}

describe('what a rule says, over HTTP/2', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const two = new Http2Backend();
  const one = new Http1Backend();
  /** The requests that each server got, and who waits for the next one. */
  const calls: string[] = [];
  let arrived: (() => void) | undefined;
  let answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string) => void;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    two.handle = (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        note(`two ${headers[':method']} ${headers[':path']} ${body}`);
        answer(stream, headers, body);
      });
    };
    one.handle = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        note(`one ${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
        response.end('from one');
      });
    };
    two.listen(mesh, cart, 8080);
    one.listen(mesh, cart, 8081);
    mesh.addService('two', '10.99.0.10', { pods: [cart], targetPort: 8080, protocol: 'http2' });
    mesh.addService('one', '10.99.0.11', { pods: [cart], targetPort: 8081, protocol: 'http' });
  });

  const note = (call: string) => {
    calls.push(call);
    arrived?.();
  };

  beforeEach(() => {
    calls.length = 0;
    answer = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('from two');
    };
  });

  afterAll(async () => {
    two.close();
    one.close();
    await mesh.close();
  });

  const route = async (rule: Partial<HttpRule>) => {
    mesh.addService('front', front, { pods: [], targetPort: 1, table: oneRule(rule) });
    await mesh.measures();
  };
  const call = async (
    rule: Partial<HttpRule>,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Http2Answer> => {
    await route(rule);
    const session = await http2Session(mesh, web, front);
    const got = await http2Call(session, { ':path': '/a', ...headers }, body);
    session.close();
    return got;
  };
  const allCalls = async (count: number) => {
    while (calls.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    return [...calls].sort();
  };
  const post = { ':method': 'POST' };
  const retry = { codes: [503], connectionErrors: true, attempts: 2, backoffMs: 1 };

  it('tries again after statuses that the policy names, with the body, and no more often', async () => {
    let left = 2;
    answer = (stream, _headers, body) => {
      stream.respond({ ':status': left-- > 0 ? 503 : 200 });
      stream.end(`got ${body}`);
    };
    const rule = { backends: [backendTo('two')], retry };
    const got = await call(rule, post, 'apple');
    expect([got.headers[':status'], got.body.toString(), calls.length]).toEqual([200, 'got apple', 3]);
    left = 5;
    expect((await call(rule, post, 'apple')).headers[':status']).toBe(503);
    expect(calls).toHaveLength(6);
  });

  it('waits between attempts as long as the policy says', async () => {
    const times: number[] = [];
    answer = (stream) => {
      times.push(performance.now());
      stream.respond({ ':status': 503 }, { endStream: true });
    };
    await call({ backends: [backendTo('two')], retry: { ...retry, attempts: 1, backoffMs: 400 } });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(200);
  });

  it('tries again on a connection that breaks before the response, an idempotent call only', async () => {
    let left = 1;
    answer = (stream) => {
      if (left-- > 0) stream.session?.destroy();
      else stream.respond({ ':status': 200 }, { endStream: true });
    };
    const rule = { backends: [backendTo('two')], retry };
    expect((await call(rule)).headers[':status']).toBe(200);
    left = 1;
    expect((await call(rule, post, 'x')).headers).toMatchObject({ ':status': 502, 'tulle-reason': 'upstream-reset' });
  });

  it.each([
    [{ requestTimeoutMs: 100 }, 'request-timeout'],
    [{ backendRequestTimeoutMs: 100 }, 'upstream-timeout'],
  ])('gives up a call that takes too long: %j', async (timeout, reason) => {
    answer = () => {};
    const rule = { backends: [backendTo('two')], ...timeout };
    expect((await call(rule)).headers).toMatchObject({ ':status': 504, 'tulle-reason': reason });
    const grpc = await call(rule, { ...post, 'content-type': 'application/grpc' }, 'x');
    expect(grpc.headers).toMatchObject({ ':status': 200, 'grpc-status': '4', 'tulle-reason': reason });
  });

  it('tries another time after an attempt that took too long', async () => {
    let left = 1;
    answer = (stream) => {
      if (left-- > 0) return;
      stream.respond({ ':status': 200 }, { endStream: true });
    };
    const rule = { backends: [backendTo('two')], retry, backendRequestTimeoutMs: 100, requestTimeoutMs: 5_000 };
    expect((await call(rule, post, 'x')).headers[':status']).toBe(200);
    expect(calls).toHaveLength(2);
  });

  it.each(['two', 'one'])('copies calls with their bodies to mirrors of both versions, by way of %s', async (to) => {
    const rule = { filters: [mirrorTo('two'), mirrorTo('one')], backends: [backendTo(to)] };
    const got = await call(rule, post, 'apple');
    expect(got.body.toString()).toBe(`from ${to}`);
    const copies = ['one POST /a apple', 'two POST /a apple'];
    expect(await allCalls(3)).toEqual([...copies, `${to} POST /a apple`].sort());
  });

  it.each(['two', 'one'])('does the same for a client of HTTP/1.1, chunks and all, by way of %s', async (to) => {
    await route({ filters: [mirrorTo('two'), mirrorTo('one')], backends: [backendTo(to)] });
    const text = await http1Exchange(
      mesh,
      web,
      front,
      'POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nap\r\n3\r\nple\r\n0\r\n\r\n',
    );
    expect(text).toMatch(new RegExp(`^HTTP/1.1 200 [^]*from ${to}`));
    expect(await allCalls(3)).toEqual(['one POST /a apple', 'two POST /a apple', `${to} POST /a apple`].sort());
  });

  it('answers preflights itself, and says on responses who may read them', async () => {
    const cors = {
      type: 'cors',
      allowOrigins: ['https://shop.example'],
      allowCredentials: true,
      allowMethods: ['GET', 'PUT'],
      allowHeaders: ['x-token'],
      exposeHeaders: ['x-total'],
      maxAgeSeconds: 60,
    } as const;
    const rule = { filters: [cors], backends: [backendTo('two')] };
    const origin = { origin: 'https://shop.example' };
    const preflight = await call(rule, { ':method': 'OPTIONS', ...origin, 'access-control-request-method': 'PUT' });
    expect(preflight.headers).toMatchObject({ ':status': 204, 'access-control-allow-methods': 'GET, PUT' });
    expect(calls).toEqual([]);
    expect((await call(rule, origin)).headers['access-control-allow-origin']).toBe('https://shop.example');
    const stranger = await call(rule, { origin: 'https://evil.example' });
    expect(stranger.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('redirects, with what the rule says about response headers', async () => {
    const modifier = { set: [{ name: 'X-Why', value: 'moved' }], add: [], remove: [] };
    const { headers } = await call({
      filters: [
        { type: 'redirect', statusCode: 308, path: { type: 'full', value: '/only' } },
        { type: 'responseHeaders', modifier },
      ],
    });
    expect(headers).toMatchObject({ ':status': 308, location: 'http://shop/only', 'x-why': 'moved' });
  });

  it('rewrites host and path for a server of the other version', async () => {
    const rewrite = { type: 'rewrite', hostname: 'inner.example', path: { type: 'prefix', value: '/v2' } } as const;
    await call({ filters: [rewrite], backends: [backendTo('one')] });
    expect(calls).toEqual(['one GET /v2/a ']);
    await route({ filters: [rewrite], backends: [backendTo('two')] });
    await http1Exchange(mesh, web, front, 'GET /b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(calls[1]).toBe('two GET /v2/b?c=d ');
  });

  it('does not lose an answer that is given before the call is whole', async () => {
    await route({ backends: [backendTo('two', { weight: 0 })] });
    const session = await http2Session(mesh, web, front);
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => {});
    const got = readHttp2(stream);
    stream.write('the beginning');
    expect((await got).headers).toMatchObject({ ':status': 500, 'tulle-reason': 'invalid-backend' });
    session.close();
    await once(session, 'close');
  });

  it('counts by the name of the rule, where it has one, and by its place where it has none', async () => {
    await call({ name: 'checkout', backends: [backendTo('two')] });
    await call({ index: 4, backends: [backendTo('two')] });
    await route({ name: 'checkout', backends: [backendTo('two')] });
    await http1Exchange(mesh, web, front, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const series = (await mesh.measures()).requests.filter(({ labels }) => labels[2] === 'front');
    const counts = new Map(series.map(({ labels, count }) => [`${labels[4]} ${labels[5]} ${labels[6]}`, count]));
    expect(counts.get('HTTPRoute/shop/test#checkout http/2 2xx')).toBe(1);
    expect(counts.get('HTTPRoute/shop/test#4 http/2 2xx')).toBe(1);
    expect(counts.get('HTTPRoute/shop/test#checkout http/1.1 2xx')).toBe(1);
  });
});
