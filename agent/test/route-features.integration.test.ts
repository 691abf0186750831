import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { HttpRule } from '@tulle/ir';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule, readAll } from './mesh-of-namespaces.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

describe('what a rule says, through the agent', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: Server[] = [];
  const handlers = new Map<string, Handler>();
  /** The requests that each server got. */
  const calls = new Map<string, string[]>();

  const serve = async (name: string, clusterIP: string) => {
    const pod = await mesh.addPod(name);
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        calls.set(name, [
          ...(calls.get(name) ?? []),
          `${request.method} ${request.headers.host} ${request.url} ${body}`,
        ]);
        handlers.get(name)?.(request, response, body);
      });
    });
    server.listen({ fd: mesh.listen(pod, 8080) });
    servers.push(server);
    mesh.addService(name, clusterIP, { pods: [pod], targetPort: 8080, protocol: 'http' });
  };

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    await serve('cart', '10.99.0.10');
    await serve('copy', '10.99.0.11');
  });

  beforeEach(() => {
    calls.clear();
    for (const name of ['cart', 'copy']) handlers.set(name, (_request, response) => response.end(`from ${name}`));
  });

  afterAll(async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await mesh.close();
  });

  /** Sends a request to a Service whose one rule is given; gives the whole answer. */
  const send = async (
    rule: Partial<HttpRule>,
    request = 'GET /a/b?q=1 HTTP/1.1\r\nHost: shop\r\n',
    body = '',
  ): Promise<string> => {
    mesh.addService('front', '10.99.0.20', { pods: [], targetPort: 1, table: oneRule(rule) });
    // The worker takes messages in order: its answer to this one comes after the route is there.
    await mesh.measures();
    const socket = await mesh.connect(web, { address: '10.99.0.20', port: 80 });
    socket.write(`${request}Connection: close\r\n\r\n${body}`);
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  };

  it.each([
    [{ hostname: 'other.example', statusCode: 301 }, '301', 'http://other.example/a/b?q=1'],
    [{ scheme: 'https', statusCode: 302 }, '302', 'https://shop/a/b?q=1'],
    [{ port: 8443, statusCode: 303 }, '303', 'http://shop:8443/a/b?q=1'],
    [{ path: { type: 'prefix', value: '/new' }, statusCode: 307 }, '307', 'http://shop/new/a/b?q=1'],
    [{ path: { type: 'full', value: '/only' }, statusCode: 308 }, '308', 'http://shop/only?q=1'],
  ] as const)('redirects: %j', async (redirect, status, location) => {
    const answer = await send({ filters: [{ type: 'redirect', ...redirect }] });
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`\r\nlocation: ${location}\r\n`);
  });

  it.each([
    [{ path: { type: 'prefix', value: '/v2' } }, 'GET shop /v2/a/b?q=1 '],
    [{ path: { type: 'full', value: '/x' } }, 'GET shop /x?q=1 '],
    [{ hostname: 'inner.example' }, 'GET inner.example /a/b?q=1 '],
  ] as const)('rewrites: %j', async (rewrite, seen) => {
    await send({ filters: [{ type: 'rewrite', ...rewrite }], backends: [backendTo('cart')] });
    expect(calls.get('cart')).toEqual([seen]);
  });

  it('sets, adds and removes fields of requests and responses, on the rule and on the backend', async () => {
    let seen: NodeJS.Dict<string | string[]> = {};
    handlers.set('cart', (request, response) => {
      seen = request.headers;
      response.setHeader('x-inner', 'secret');
      response.end();
    });
    const modifier = {
      set: [{ name: 'X-Set', value: 'rule' }],
      add: [{ name: 'X-Add', value: '2' }],
      remove: ['x-old'],
    };
    const answer = await send(
      {
        filters: [{ type: 'requestHeaders', modifier }],
        backends: [
          backendTo('cart', {
            filters: [
              {
                type: 'requestHeaders',
                modifier: { set: [{ name: 'X-Backend', value: 'cart' }], add: [], remove: [] },
              },
              {
                type: 'responseHeaders',
                modifier: { set: [{ name: 'X-Out', value: 'yes' }], add: [], remove: ['x-inner'] },
              },
            ],
          }),
        ],
      },
      'GET / HTTP/1.1\r\nHost: shop\r\nX-Set: client\r\nX-Add: 1\r\nX-Old: gone\r\n',
    );
    expect(seen).toMatchObject({ 'x-set': 'rule', 'x-add': '1, 2', 'x-backend': 'cart' });
    expect(seen).not.toHaveProperty('x-old');
    expect(answer).toMatch(/\r\nX-Out: yes\r\n/);
    expect(answer).not.toMatch(/x-inner/i);
  });

  it('copies requests with their bodies to a mirror, whatever becomes of the copy', async () => {
    handlers.set('copy', (request) => request.socket.destroy());
    const mirrored = new Promise<void>((resolve) => {
      handlers.set('copy', (request) => {
        request.socket.destroy();
        resolve();
      });
    });
    const answer = await send(
      {
        filters: [
          {
            type: 'mirror',
            backend: { type: 'service', service: 'shop/copy', port: 80 },
            numerator: 1,
            denominator: 1,
          },
        ],
        backends: [backendTo('cart')],
      },
      'POST /order HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n',
      'apple',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*from cart$/);
    await mirrored;
    expect(calls.get('copy')).toEqual(['POST shop /order apple']);
  });

  it('tries again where the policy says so, with the body, and no more often', async () => {
    let left = 2;
    handlers.set('cart', (_request, response, body) => {
      response.statusCode = left-- > 0 ? 503 : 200;
      response.end(`got ${body}`);
    });
    const retry = { codes: [503], connectionErrors: true, attempts: 2, backoffMs: 1 };
    const post = 'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n';
    expect(await send({ backends: [backendTo('cart')], retry }, post, 'apple')).toMatch(
      /^HTTP\/1\.1 200 [^]*got apple$/,
    );
    expect(calls.get('cart')).toHaveLength(3);
    left = 5;
    expect(await send({ backends: [backendTo('cart')], retry }, post, 'apple')).toMatch(/^HTTP\/1\.1 503 /);
    expect(calls.get('cart')).toHaveLength(6);
  });

  it('gives up a request that takes too long: the whole of it, or one attempt', async () => {
    handlers.set('cart', () => {});
    const whole = await send({ backends: [backendTo('cart')], requestTimeoutMs: 100 });
    expect(whole).toMatch(/^HTTP\/1\.1 504 [^]*tulle-reason: request-timeout/);
    const attempt = await send({ backends: [backendTo('cart')], backendRequestTimeoutMs: 100 });
    expect(attempt).toMatch(/^HTTP\/1\.1 504 [^]*tulle-reason: upstream-timeout/);
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
    const rule = { filters: [cors], backends: [backendTo('cart')] };
    const preflight = await send(
      rule,
      'OPTIONS / HTTP/1.1\r\nHost: shop\r\nOrigin: https://shop.example\r\nAccess-Control-Request-Method: PUT\r\n',
    );
    expect(preflight).toMatch(/^HTTP\/1\.1 204 [^]*access-control-allow-methods: GET, PUT\r\n/i);
    expect(calls.get('cart')).toBeUndefined();
    const answer = await send(rule, 'GET / HTTP/1.1\r\nHost: shop\r\nOrigin: https://shop.example\r\n');
    expect(answer).toMatch(/access-control-allow-origin: https:\/\/shop\.example\r\n/i);
    const stranger = await send(rule, 'GET / HTTP/1.1\r\nHost: shop\r\nOrigin: https://evil.example\r\n');
    expect(stranger).not.toMatch(/access-control-allow-origin/i);
  });

  it('answers 500 for the share of an invalid backend, and 500 where there is none', async () => {
    const invalid = {
      target: { type: 'invalid', reason: 'BackendNotFound', message: 'no' },
      weight: 1,
      filters: [],
    } as const;
    expect(await send({ backends: [invalid] })).toMatch(/^HTTP\/1\.1 500 [^]*tulle-reason: invalid-backend/);
    expect(await send({ backends: [] })).toMatch(/^HTTP\/1\.1 500 /);
    expect(await send({ backends: [backendTo('cart', { weight: 0 })] })).toMatch(/^HTTP\/1\.1 500 /);
  });
});
