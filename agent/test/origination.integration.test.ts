import { createSecureServer } from 'node:http2';
import type { Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:https';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BackendTls, SubjectAltName } from '@tulle/ir';
import { TestCa } from '@tulle/testkit';
import { http2Call, http2Session } from './http-harness.ts';
import { http2Get } from './http2-get.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule, readAll } from './mesh-of-namespaces.ts';

const hostname = 'cart.internal.example';

describe('TLS to the application, by BackendTLSPolicy', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let plainCart: TestPod;
  let next = 10;
  let nextPort = 8000;
  const closers: (() => void)[] = [];
  const own = new TestCa({ commonName: 'the application’s own root' });

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    plainCart = await mesh.addPod('outside', { meshed: false });
  });

  afterAll(async () => {
    for (const close of closers) close();
    await mesh.close();
  });

  const trustOwn = (more: { hostname?: string; subjectAltNames?: readonly SubjectAltName[] } = {}): BackendTls => ({
    type: 'originate',
    hostname: more.hostname ?? hostname,
    subjectAltNames: more.subjectAltNames ?? [],
    trust: { type: 'pem', certificates: own.certificate.certPem },
  });

  const listen = (server: { listen(options: { fd: number }): unknown; close(): unknown }, on: TestPod): number => {
    const port = nextPort++;
    server.listen({ fd: mesh.listen(on, port) });
    closers.push(() => server.close());
    return port;
  };

  const certificate = (options: Parameters<TestCa['issue']>[0] = { dnsNames: [hostname] }, ca = own): TlsOptions => {
    const leaf = ca.issue(options);
    return { cert: leaf.certPem, key: leaf.keyPem };
  };

  /** An HTTPS server that says by which name, and through which ALPN, it was asked. */
  const https = (options: TlsOptions, on = cart): number => {
    const server = createServer(options, (request, response) => {
      const { servername, alpnProtocol } = request.socket as { servername?: string; alpnProtocol?: string };
      response.end(`${servername} ${alpnProtocol} ${request.url}`);
    });
    server.on('tlsClientError', () => {});
    closers.push(() => server.closeAllConnections());
    return listen(server, on);
  };

  /** Puts a Service before a port; gives its address. */
  const serve = async (
    targetPort: number,
    tls: BackendTls,
    more: {
      readonly protocol?: 'https' | 'http' | 'tcp' | 'http2' | 'detect';
      readonly pods?: readonly TestPod[];
    } = {},
  ): Promise<string> => {
    const address = `10.99.3.${next++}`;
    mesh.addService(`s${next}`, address, {
      pods: more.pods ?? [cart],
      targetPort,
      protocol: more.protocol ?? 'https',
      tls,
    });
    await mesh.measures();
    return address;
  };

  const get = async (address: string, path = '/x'): Promise<string> => {
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n`);
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  };

  it('is spoken inside the tunnel, with the name of the policy, to who has a certificate for it', async () => {
    const address = await serve(https(certificate()), trustOwn());
    const answer = await get(address);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toContain(`${hostname} http/1.1 /x`);
    const { tunnels } = await mesh.measures();
    expect(tunnels.some(({ peerIdentity }) => peerIdentity === cart.spec.identity)).toBe(true);
  });

  it('is spoken to a backend of a route, and where a port says nothing or HTTP', async () => {
    const port = https(certificate());
    for (const protocol of ['http', 'detect'] as const) {
      expect(await get(await serve(port, trustOwn(), { protocol }))).toContain(`${hostname} http/1.1 /x`);
    }
    const backend = `s${next}`;
    mesh.addService('routed', '10.99.3.200', {
      pods: [],
      targetPort: 1,
      table: oneRule({ backends: [backendTo(backend)] }),
    });
    await mesh.measures();
    expect(await get('10.99.3.200', '/routed')).toContain(`${hostname} http/1.1 /routed`);
  });

  it('is spoken to an application that is in no mesh, too', async () => {
    const address = await serve(https(certificate(), plainCart), trustOwn(), { pods: [plainCart] });
    expect(await get(address)).toContain(`${hostname} http/1.1 /x`);
  });

  it('carries large bodies whole, both ways', async () => {
    const server = createServer(certificate(), (request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => response.end(Buffer.alloc(bytes, 98)));
    });
    closers.push(() => server.closeAllConnections());
    const address = await serve(listen(server, cart), trustOwn());
    const size = 8 * 1024 * 1024;
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`);
    socket.write(Buffer.alloc(size, 97));
    const answer = await readAll(socket);
    socket.destroy();
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect([body.length, body === 'b'.repeat(body.length)]).toEqual([size, true]);
  });

  it.each<readonly [string, () => TlsOptions, SubjectAltName[]]>([
    ['a certificate of another name', () => certificate({ dnsNames: ['other.example'] }), []],
    [
      'a certificate that has the name only as a common name',
      () => certificate({ commonName: hostname, uris: ['spiffe://a/b'] }),
      [],
    ],
    ['a certificate of another authority', () => certificate({ dnsNames: [hostname] }, new TestCa()), []],
    [
      'a certificate that has ended',
      () => certificate({ dnsNames: [hostname], notBeforeMs: 0, notAfterMs: 1_000_000 }),
      [],
    ],
    [
      'a certificate without the name that is asked for besides',
      () => certificate(),
      [{ type: 'uri', value: 'spiffe://a/b' }],
    ],
    [
      'a URI that only looks like the one',
      () => certificate({ uris: ['spiffe://a/b,URI:spiffe://a/c'] }),
      [{ type: 'uri', value: 'spiffe://a/c' }],
    ],
  ])('fails closed on %s', async (_what, options, subjectAltNames) => {
    const before = (await mesh.measures()).counters['backend_tls_refused'] ?? 0;
    const answer = await get(await serve(https(options()), trustOwn({ subjectAltNames })));
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer).toContain('tulle-reason: backend-tls\r\n');
    expect((await mesh.measures()).counters['backend_tls_refused']).toBeGreaterThan(before);
  });

  it.each<readonly [string, SubjectAltName[]]>([
    ['a host name', [{ type: 'hostname', value: 'also.example' }]],
    ['a URI', [{ type: 'uri', value: 'spiffe://trust.example/ns/shop/sa/cart' }]],
    [
      'one of several',
      [
        { type: 'hostname', value: 'not.there' },
        { type: 'hostname', value: 'also.example' },
      ],
    ],
  ])('takes a certificate with %s that is asked for', async (_what, subjectAltNames) => {
    const options = certificate({ dnsNames: ['also.example'], uris: ['spiffe://trust.example/ns/shop/sa/cart'] });
    const answer = await get(await serve(https(options), trustOwn({ subjectAltNames })));
    expect(answer).toContain(`${hostname} http/1.1 /x`);
  });

  it('fails closed where the policy cannot be followed, or the application speaks no TLS', async () => {
    const refused = /^HTTP\/1.1 503 [^]*\r\ntulle-reason: backend-tls\r\n/;
    const invalid = await get(
      await serve(https(certificate()), { type: 'invalid', message: 'no such ConfigMap' }, { protocol: 'http' }),
    );
    expect(invalid).toMatch(refused);
    const broken: BackendTls = {
      type: 'originate',
      hostname,
      subjectAltNames: [],
      trust: { type: 'pem', certificates: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    };
    expect(await get(await serve(https(certificate()), broken))).toMatch(refused);
    const { createServer: createPlain } = await import('node:http');
    const plain = createPlain((_request, response) => response.end('in the clear'));
    closers.push(() => plain.closeAllConnections());
    expect(await get(await serve(listen(plain, cart), trustOwn()))).toMatch(refused);
  });

  it('says so in HTTP/2 and gRPC, in metrics and in the access log, for requests and for bytes', async () => {
    const wrong = https(certificate({ dnsNames: ['other.example'] }));
    const address = await serve(wrong, trustOwn(), { protocol: 'http2' });
    const service = `s${next}`;
    const session = await http2Session(mesh, web, address);
    const call = { ':path': '/', ':authority': 'cart' };
    expect((await http2Call(session, call)).headers).toMatchObject({ ':status': 503, 'tulle-reason': 'backend-tls' });
    const grpc = { ...call, ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    expect((await http2Call(session, grpc)).headers).toMatchObject({ ':status': 200, 'grpc-status': '14' });
    session.close();
    expect(await mesh.readLine((line) => line['destination'] === `shop/${service}:80`)).toMatchObject({
      access: 'request',
      status: 503,
      reason: 'backend-tls',
    });
    const bytes = await mesh.connect(web, { address: await serve(wrong, trustOwn(), { protocol: 'tcp' }), port: 80 });
    bytes.write('hello');
    expect(await readAll(bytes)).toBe('');
    const { requests, connections } = await mesh.measures();
    const reasons = (of: readonly { readonly labels: readonly string[] }[], name: string) =>
      of.filter(({ labels }) => labels.includes(name)).map(({ labels }) => labels.includes('backend-tls'));
    expect(reasons(requests, service)).toEqual([true, true]);
    expect(reasons(connections, `s${next}`)).toEqual([true]);
  });

  it('routes the requests of a client that takes its time on a port of HTTPS', async () => {
    const socket = await mesh.connect(web, { address: await serve(https(certificate()), trustOwn()), port: 80 });
    // Longer than a client of unknown protocol may be silent before its server is asked whether it speaks first.
    for (const until = performance.now() + 150; performance.now() < until;) await mesh.measures();
    const before = (await mesh.measures()).requests.length;
    socket.write('GET /late HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    expect(await readAll(socket)).toContain(`${hostname} http/1.1 /late`);
    expect((await mesh.measures()).requests.length).toBe(before + 1);
    socket.destroy();
  });

  it('speaks HTTP/2 where the client does, by ALPN', async () => {
    const server: Http2SecureServer = createSecureServer(certificate());
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      const { servername, alpnProtocol } = (stream.session?.socket ?? {}) as {
        servername?: string;
        alpnProtocol?: string;
      };
      stream.respond({ ':status': 200 });
      stream.end(`${servername} ${alpnProtocol} ${headers[':path']}`);
    });
    const address = await serve(listen(server, cart), trustOwn(), { protocol: 'http2' });
    const socket = await mesh.connect(web, { address, port: 80 });
    expect(await http2Get(socket, '/two')).toBe(`200 ${hostname} h2 /two`);
    socket.destroy();
    const onlyHttp1 = await serve(https({ ...certificate(), ALPNProtocols: ['http/1.1'] }), trustOwn(), {
      protocol: 'http2',
    });
    const other = await mesh.connect(web, { address: onlyHttp1, port: 80 });
    expect(await http2Get(other, '/two')).toMatch(/^503 /);
    other.destroy();
  });

  it('is spoken for bytes, and leaves alone a client that speaks TLS itself', async () => {
    const server: TlsServer = createTlsServer(certificate(), (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => socket.end(`${socket.servername}: ${chunk.toString()}`));
    });
    const port = listen(server, cart);
    const address = await serve(port, trustOwn(), { protocol: 'tcp' });
    const bare = await mesh.connect(web, { address, port: 80 });
    bare.write('hello');
    expect(await readAll(bare)).toBe(`${hostname}: hello`);
    bare.destroy();
    for (const protocol of ['tcp', 'https'] as const) {
      const inner = await mesh.connect(web, { address: await serve(port, trustOwn(), { protocol }), port: 80 });
      const secure = connectTls({ socket: inner, servername: 'my.own', rejectUnauthorized: false });
      secure.write('hello');
      const chunks: Buffer[] = [];
      for await (const chunk of secure) chunks.push(chunk as Buffer);
      expect(String(Buffer.concat(chunks))).toBe('my.own: hello');
    }
  });

  it('uses no connection of an earlier policy once there is another', async () => {
    const port = https(certificate());
    const address = await serve(port, trustOwn());
    const name = `s${next}`;
    const socket = await mesh.connect(web, { address, port: 80 });
    const ask = async () => {
      socket.write('GET /kept HTTP/1.1\r\nHost: a\r\n\r\n');
      const [chunk] = (await new Promise((resolve) => {
        socket.once('data', (bytes: Buffer) => resolve([bytes]));
      })) as [Buffer];
      return String(chunk).split('\r\n', 1)[0];
    };
    expect(await ask()).toBe('HTTP/1.1 200 OK');
    mesh.addService(name, address, {
      pods: [cart],
      targetPort: port,
      protocol: 'https',
      tls: trustOwn({ hostname: 'other.example' }),
    });
    await mesh.measures();
    expect(await ask()).toBe('HTTP/1.1 503 Service Unavailable');
    mesh.addService(name, address, { pods: [cart], targetPort: port, protocol: 'https', tls: trustOwn() });
    await mesh.measures();
    expect(await ask()).toBe('HTTP/1.1 200 OK');
    socket.destroy();
  });
});
