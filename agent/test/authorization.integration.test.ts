import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthorizationPolicy, AuthorizationRule, IdentityMatch } from '@tulle/ir';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const account = (namespace: string, name: string): IdentityMatch => ({
  type: 'exact',
  identity: `spiffe://cluster.local/ns/${namespace}/sa/${name}`,
});
const everyAccountOf = (namespace: string): IdentityMatch => ({
  type: 'prefix',
  prefix: `spiffe://cluster.local/ns/${namespace}/sa/`,
});
const rule = (sources: AuthorizationRule['sources'], ports: AuthorizationRule['ports'] = 'any'): AuthorizationRule => ({
  sources,
  ports,
});

const httpPort = 8080;
const echoPort = 7000;
const web = account('shop', 'web');
const admin = account('ops', 'admin');

/** The rules of each policy that the server has, by name; `missing` is named by the workload and has not come. */
const policySets = {
  none: {},
  'no rules': { p: [] },
  'nobody (empty list)': { p: [rule([])] },
  anybody: { p: [rule('any')] },
  'anybody on the HTTP port': { p: [rule('any', [httpPort])] },
  'no port (empty list)': { p: [rule('any', [])] },
  web: { p: [rule([web])] },
  'web on the HTTP port': { p: [rule([web], [httpPort])] },
  'web or admin': { p: [rule([web, admin])] },
  'every account of ops': { p: [rule([everyAccountOf('ops')])] },
  'two rules: web on HTTP, admin on TCP': { p: [rule([web], [httpPort]), rule([admin], [echoPort])] },
  'two policies: web, admin': { p: [rule([web])], q: [rule([admin])] },
  'two policies: nobody, web': { p: [], q: [rule([web])] },
  'one that has not come, and web': { missing: undefined, q: [rule([web])] },
  'one that has not come': { missing: undefined },
  'the account web of another trust domain': {
    p: [rule([{ type: 'exact', identity: 'spiffe://elsewhere/ns/shop/sa/web' }])],
  },
} as const satisfies Record<string, Record<string, readonly AuthorizationRule[] | undefined>>;

type PolicySet = keyof typeof policySets;
type Client = 'web' | 'admin' | 'plain';
type Way = 'http' | 'tcp';

/** For each set: who gets in, over HTTP to a Service, and over TCP to the pod itself. */
const lets: readonly (readonly [PolicySet, readonly `${Client} ${Way}`[]])[] = [
  ['none', ['web http', 'web tcp', 'admin http', 'admin tcp', 'plain http', 'plain tcp']],
  ['no rules', []],
  ['nobody (empty list)', []],
  ['anybody', ['web http', 'web tcp', 'admin http', 'admin tcp', 'plain http', 'plain tcp']],
  ['anybody on the HTTP port', ['web http', 'admin http', 'plain http']],
  ['no port (empty list)', []],
  ['web', ['web http', 'web tcp']],
  ['web on the HTTP port', ['web http']],
  ['web or admin', ['web http', 'web tcp', 'admin http', 'admin tcp']],
  ['every account of ops', ['admin http', 'admin tcp']],
  ['two rules: web on HTTP, admin on TCP', ['web http', 'admin tcp']],
  ['two policies: web, admin', ['web http', 'web tcp', 'admin http', 'admin tcp']],
  ['two policies: nobody, web', ['web http', 'web tcp']],
  ['one that has not come, and web', ['web http', 'web tcp']],
  ['one that has not come', []],
  ['the account web of another trust domain', []],
];
const clients = ['web', 'admin', 'plain'] as const;
const ways = ['http', 'tcp'] as const;
const cases = lets.flatMap(([set, allowed]) =>
  clients.flatMap((client) =>
    ways.map((way) => [set, client, way, allowed.includes(`${client} ${way}`) ? 'gets in' : 'is refused'] as const),
  ),
);

describe('authorization policies, by real traffic', () => {
  let mesh: MeshOfNamespaces;
  let cart: TestPod;
  const pods = new Map<Client, TestPod>();
  const closers: (() => void)[] = [];

  const podOf = (client: Client): TestPod => {
    const pod = pods.get(client);
    if (pod === undefined) throw new Error(client);
    return pod;
  };

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    cart = await mesh.addPod('cart');
    pods.set('web', await mesh.addPod('web'));
    pods.set('admin', await mesh.addPod('admin', { namespace: 'ops' }));
    pods.set('plain', await mesh.addPod('plain', { meshed: false }));
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    echo.listen({ fd: mesh.listen(cart, echoPort) });
    const http = createHttpServer((_request, response) => response.end('hello'));
    http.listen({ fd: mesh.listen(cart, httpPort) });
    const grpc = createHttp2Server();
    grpc.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write('begun');
    });
    grpc.listen({ fd: mesh.listen(cart, 9090) });
    closers.push(
      () => echo.close(),
      () => {
        http.close();
        http.closeAllConnections();
      },
      () => grpc.close(),
    );
    mesh.addService('cart', '10.99.0.10', { pods: [cart], targetPort: httpPort, protocol: 'http' });
    mesh.addService('grpc', '10.99.0.11', { pods: [cart], targetPort: 9090, protocol: 'grpc' });
  });

  afterAll(async () => {
    for (const close of closers) close();
    await mesh.close();
  });

  /** Attaches policies to the server's pod, and waits until the worker acts on them. */
  const attach = async (set: PolicySet): Promise<void> => {
    const policies = new Map<string, AuthorizationPolicy>();
    const rules: Readonly<Record<string, readonly AuthorizationRule[] | undefined>> = policySets[set];
    for (const [name, own] of Object.entries(rules)) {
      if (own !== undefined) policies.set(`shop/${name}`, { namespace: 'shop', name, rules: own });
    }
    const names = Object.keys(rules).map((name) => `shop/${name}`);
    mesh.apply({
      policies: { changed: policies, removed: ['shop/p', 'shop/q'].filter((key) => !policies.has(key)) },
      workloads: {
        changed: new Map([['shop/cart', names.length === 0 ? cart.workload : { ...cart.workload, policies: names }]]),
        removed: [],
      },
    });
    await mesh.measures();
  };

  const closed = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.once('end', () => resolve('end'));
    });

  /** What a client gets for `bytes`: the first that comes back, or the error of its socket. */
  const ask = async (client: Client, to: { address: string; port: number }, bytes: string): Promise<string> => {
    let socket: Socket | undefined;
    try {
      socket = await mesh.connect(podOf(client), to);
      socket.write(bytes);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return chunk.toString('latin1');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? '';
    } finally {
      socket?.destroy();
    }
  };

  const overTcp = (client: Client) => ask(client, { address: cart.address, port: echoPort }, 'echo');

  /** The status of the answer to a request and its reason, or the error of the client's socket. */
  const overHttp = async (client: Client): Promise<string> => {
    const to = client === 'plain' ? { address: cart.address, port: httpPort } : { address: '10.99.0.10', port: 80 };
    const text = await ask(client, to, 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
    const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
    return status === undefined ? text : `${status} ${/tulle-reason: (\S+)/.exec(text)?.[1] ?? ''}`.trim();
  };

  const seen = {
    http: { 'gets in': '200', 'is refused': '403 policy-denied' },
    tcp: { 'gets in': 'echo', 'is refused': 'ECONNRESET' },
  };

  it('covers more than forty cases', () => {
    expect(cases.length).toBeGreaterThan(40);
  });

  it.each(cases)('policy: %s; %s over %s %s', async (set, client, way, outcome) => {
    await attach(set);
    const expected = client === 'plain' && outcome === 'is refused' ? 'ECONNRESET' : seen[way][outcome];
    expect(await (way === 'http' ? overHttp(client) : overTcp(client))).toBe(expected);
  });

  it.each(['web', 'plain'] as const)(
    'breaks an open connection of %s when policy no longer allows it',
    async (client) => {
      await attach('anybody');
      const socket = await mesh.connect(podOf(client), { address: cart.address, port: echoPort });
      socket.write('echo');
      await once(socket, 'data');
      const end = closed(socket);
      await attach('nobody (empty list)');
      expect(await end).toBe('ECONNRESET');
    },
  );

  it.each(['web', 'plain'] as const)('leaves an open connection of %s alone while policy allows it', async (client) => {
    await attach('none');
    const socket = await mesh.connect(podOf(client), { address: cart.address, port: echoPort });
    for (const set of ['anybody', 'none', 'anybody'] as const) {
      await attach(set);
      socket.write(set);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(set);
    }
    socket.destroy();
  });

  it('answers 403 on the same connection of an HTTP client once policy forbids it, and 200 when it allows it again', async () => {
    await attach('none');
    const socket = await mesh.connect(podOf('web'), { address: '10.99.0.10', port: 80 });
    const request = async () => {
      socket.write('GET / HTTP/1.1\r\nHost: cart\r\n\r\n');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return /^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1'))?.[1];
    };
    expect(await request()).toBe('200');
    await attach('no rules');
    expect(await request()).toBe('403');
    await attach('web on the HTTP port');
    expect(await request()).toBe('200');
    socket.destroy();
  });

  const grpcCall = async (session: ClientHttp2Session) => {
    const call = session.request({
      ':method': 'POST',
      ':path': '/shop.Cart/Watch',
      'content-type': 'application/grpc',
    });
    call.on('error', () => {});
    const [headers] = (await once(call, 'response')) as [IncomingHttpHeaders];
    return { call, headers };
  };

  it('answers a gRPC client PERMISSION_DENIED, and breaks its call when policy changes meanwhile', async () => {
    await attach('none');
    const socket = await mesh.connect(podOf('web'), { address: '10.99.0.11', port: 80 });
    const session = connectHttp2('http://grpc', { createConnection: () => socket });
    session.on('error', () => {});
    const { call, headers } = await grpcCall(session);
    expect(headers[':status']).toBe(200);
    const broken = once(call, 'close');
    await attach('web on the HTTP port');
    await broken;
    const { headers: denied } = await grpcCall(session);
    expect(denied['grpc-status']).toBe('7');
    expect(denied['tulle-reason']).toBe('policy-denied');
    session.destroy();
  });

  it('answers 401 on the tunnel, and to streams that are refused later nothing but a reset', async () => {
    const leaf = mesh.ca.leaf('spiffe://cluster.local/ns/ops/sa/ztunnel');
    const socket = await mesh.connect(podOf('plain'), { address: cart.address, port: 15_008 });
    const tls = connectTls({
      socket,
      ca: mesh.ca.certificate.certPem,
      cert: leaf.certPem,
      key: leaf.keyPem,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    await once(tls, 'secureConnect');
    const session = connectHttp2(`https://${cart.address}`, { createConnection: () => tls });
    session.on('error', () => {});
    const connect = async () => {
      const stream = session.request(
        { ':method': 'CONNECT', ':authority': `${cart.address}:${echoPort}` },
        { endStream: false },
      );
      stream.on('error', () => {});
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      return { stream, status: headers[':status'] };
    };
    await attach('web or admin');
    expect((await connect()).status).toBe(401);
    await attach('every account of ops');
    const { stream, status } = await connect();
    expect(status).toBe(200);
    const ended = once(stream, 'close');
    await attach('web');
    await ended;
    expect(stream.rstCode).not.toBe(0);
    // The connection itself goes on: policy is about streams.
    expect((await connect()).status).toBe(401);
    session.destroy();
  });

  it('counts and remembers whom it turned away', async () => {
    await attach('nobody (empty list)');
    const before = await mesh.measures();
    await overTcp('admin');
    await overTcp('plain');
    const after = await mesh.measures();
    const counted = (name: string) => (after.counters[name] ?? 0) - (before.counters[name] ?? 0);
    expect(counted('inbound_policy_denied')).toBe(2);
    const about = (identity: string) =>
      after.denials.find((denial) => denial.identity === identity && denial.port === echoPort);
    expect(about('spiffe://cluster.local/ns/ops/sa/admin')).toMatchObject({
      pod: 'shop/cart',
      address: podOf('admin').address,
    });
    expect(about('')).toMatchObject({ pod: 'shop/cart', address: podOf('plain').address });
  });
});
