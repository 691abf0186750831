import { once } from 'node:events';
import { connect as connectHttp2, constants, createSecureServer } from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  Http2SecureServer,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  Settings,
} from 'node:http2';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '@tulle/linux';
import { TestCa } from '@tulle/testkit';
import type { TestCertificate } from '@tulle/testkit';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';
import type { TestPod } from './mesh-of-namespaces.ts';

const mebibyte = 2 ** 20;
const identityOf = (name: string) => `spiffe://cluster.local/ns/shop/sa/${name}`;

function echoStream(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.pipe(stream);
}

/** What a ztunnel announces, as a client and as a server. */
const ztunnelSettings: Settings = {
  initialWindowSize: 4 * mebibyte,
  maxFrameSize: mebibyte,
  maxConcurrentStreams: 200,
  enablePush: false,
};

describe('HBONE with a ztunnel at the other end', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  /** In the mesh by the controller's word, but what answers at its port 15008 is the test's own server. */
  let far: TestPod;
  const closers: (() => void)[] = [];

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    far = await mesh.addPod('far', { meshed: false });
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    echo.listen({ fd: mesh.listen(cart, 7000) });
    closers.push(() => echo.close());
    mesh.apply({
      workloads: { changed: new Map([['shop/far', { ...far.workload, mesh: { state: 'in' } }]]), removed: [] },
    });
  });

  afterAll(async () => {
    for (const close of closers) close();
    await mesh.close();
  });

  describe('as the client: node:http2, by a ztunnel’s rules', () => {
    const sessions: ClientHttp2Session[] = [];
    afterEach(() => {
      for (const session of sessions.splice(0)) session.destroy();
    });

    const secure = async (certificate: TestCertificate, session?: Buffer): Promise<TLSSocket> => {
      const socket = await mesh.connect(far, { address: cart.address, port: 15_008 });
      socket.allowHalfOpen = false;
      const tls = connectTls({
        socket,
        ca: mesh.ca.certificate.certPem,
        cert: certificate.certPem,
        key: certificate.keyPem,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.3',
        checkServerIdentity: () => undefined,
        ...(session === undefined ? {} : { session }),
      });
      tls.on('error', () => {});
      await once(tls, 'secureConnect');
      return tls;
    };

    const open = async (certificate = mesh.ca.leaf(identityOf('ztunnel'))): Promise<ClientHttp2Session> => {
      const tls = await secure(certificate);
      const session = connectHttp2(`https://${cart.address}`, {
        createConnection: () => tls,
        settings: ztunnelSettings,
      });
      session.on('error', () => {});
      session.setLocalWindowSize(16 * mebibyte);
      sessions.push(session);
      await once(session, 'remoteSettings');
      return session;
    };

    const headersTo = (authority: string) => ({
      ':method': 'CONNECT',
      ':authority': authority,
      forwarded: 'for=192.0.2.9',
      baggage: 'k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=web,service.name=web',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });

    const connect = async (session: ClientHttp2Session, authority: string) => {
      const stream = session.request(headersTo(authority), { endStream: false });
      stream.on('error', () => {});
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      return { stream, status: headers[':status'] };
    };

    const echoed = async (stream: ClientHttp2Stream, text: string): Promise<string> => {
      let got = '';
      stream.on('data', (chunk: Buffer) => (got += chunk.toString()));
      stream.end(text);
      await once(stream, 'end');
      return got;
    };

    it('is told the windows and limits that a ztunnel has', async () => {
      const session = await open();
      // What follows the settings has come when a PING is answered.
      await new Promise((done) => session.ping(() => done(undefined)));
      const { remoteSettings, state } = session;
      expect(remoteSettings).toMatchObject({
        initialWindowSize: 4 * mebibyte,
        maxFrameSize: mebibyte,
        maxConcurrentStreams: 200,
        enableConnectProtocol: false,
      });
      expect(state.remoteWindowSize).toBe(16 * mebibyte);
    });

    it('resumes no session: each connection proves its identity anew', async () => {
      const first = await secure(mesh.ca.leaf(identityOf('ztunnel')));
      const offered = await new Promise<Buffer | undefined>((resolve) => {
        first.once('session', resolve);
        const session = connectHttp2(`https://${cart.address}`, { createConnection: () => first });
        sessions.push(session);
        session.once('remoteSettings', () => session.ping(() => resolve(undefined)));
      });
      const again = await secure(mesh.ca.leaf(identityOf('ztunnel')), offered);
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    });

    it('has 200 streams on one connection, and waits for a place for the next', async () => {
      const session = await open();
      const tunnels = await Promise.all(Array.from({ length: 200 }, () => connect(session, `${cart.address}:7000`)));
      expect(tunnels.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, () => 200));
      let answered = false;
      const next = connect(session, `${cart.address}:7000`).then((tunnel) => {
        answered = true;
        return tunnel;
      });
      await new Promise((done) => session.ping(() => done(undefined)));
      expect(answered).toBe(false);
      tunnels[0]?.stream.close(constants.NGHTTP2_CANCEL);
      expect((await next).status).toBe(200);
    });

    it('moves more than all windows together, each byte once, while another stream waits unread', async () => {
      const session = await open();
      const idle = await connect(session, `${cart.address}:7000`);
      idle.stream.write(Buffer.alloc(6 * mebibyte));
      const { stream } = await connect(session, `${cart.address}:7000`);
      let received = 0;
      stream.on('data', (chunk: Buffer) => (received += chunk.length));
      stream.end(Buffer.alloc(40 * mebibyte));
      await once(stream, 'end');
      expect(received).toBe(40 * mebibyte);
    });

    it('shows the application who is connected, whatever it claims in `forwarded`', async () => {
      let seen = '';
      const who = createServer((socket) => {
        seen = socket.remoteAddress ?? '';
        socket.end('x');
      });
      who.listen({ fd: mesh.listen(cart, 7001) });
      const { stream } = await connect(await open(), `${cart.address}:7001`);
      await echoed(stream, '');
      who.close();
      expect(seen).toBe(far.address);
    });

    it('is answered 200 only after the application has accepted, 503 when it does not, 400 for another address', async () => {
      const session = await open();
      expect((await connect(session, `${cart.address}:7000`)).status).toBe(200);
      expect((await connect(session, `${cart.address}:7999`)).status).toBe(503);
      expect((await connect(session, `${web.address}:7000`)).status).toBe(400);
      expect((await connect(session, `127.0.0.1:7000`)).status).toBe(400);
      expect((await connect(session, `localhost:7000`)).status).toBe(400);
    });

    it.each([15_001, 15_006, 15_008])('is answered 400 when it asks for the agent’s own port %d', async (port) => {
      expect((await connect(await open(), `${cart.address}:${port}`)).status).toBe(400);
    });

    it('loses its connection before its certificate ends, and no earlier than is needed', async () => {
      const leftMs = 6_000;
      const begunMs = Date.now();
      const session = await open(mesh.ca.leaf(identityOf('ztunnel'), { notAfterMs: begunMs + leftMs }));
      const { stream } = await connect(session, `${cart.address}:7000`);
      stream.write('still here');
      const goaway = once(session, 'goaway').then(() => Date.now() - begunMs);
      const closed = once(session, 'close').then(() => Date.now() - begunMs);
      expect(await goaway).toBeGreaterThan(1_000);
      const closedAfterMs = await closed;
      expect(closedAfterMs).toBeGreaterThan(await goaway);
      expect(closedAfterMs).toBeLessThanOrEqual(leftMs);
    });

    describe('of a federated trust domain', () => {
      const elsewhere = new TestCa({ commonName: 'root of elsewhere' });
      const stranger = 'spiffe://elsewhere.example/ns/shop/sa/web';
      const trust = (federated: boolean) => {
        const rootsPem = mesh.ca.certificate.certPem;
        const others = [{ trustDomain: 'elsewhere.example', rootsPem: elsewhere.certificate.certPem }];
        mesh.apply({
          settings: {
            trustDomain: 'cluster.local',
            mtlsMode: 'permissive',
            trust: { rootsPem, signingRoot: '', ...(federated ? { federated: others } : {}) },
          },
        });
        return mesh.measures();
      };
      /** Whether a client with this certificate gets any answer. */
      const isAnswered = async (certificate: TestCertificate): Promise<boolean> => {
        const tls = await secure(certificate).catch(() => undefined);
        if (tls === undefined || tls.destroyed) return false;
        const refused = new Promise<boolean>((resolve) => tls.once('close', () => resolve(false)));
        const session = connectHttp2(`https://${cart.address}`, { createConnection: () => tls });
        session.on('error', () => {});
        sessions.push(session);
        return await Promise.race([
          once(session, 'remoteSettings').then(
            () => true,
            () => false,
          ),
          refused,
        ]);
      };

      afterAll(() => trust(false));

      it('is let in by the roots of its own domain, and only while it is federated', async () => {
        await trust(true);
        expect(await isAnswered(elsewhere.leaf(stranger))).toBe(true);
        expect(await isAnswered(mesh.ca.leaf(identityOf('web')))).toBe(true);
        await trust(false);
        expect(await isAnswered(elsewhere.leaf(stranger))).toBe(false);
        expect(await isAnswered(mesh.ca.leaf(identityOf('web')))).toBe(true);
      });

      it('cannot name an identity of ours, nor can we one of theirs', async () => {
        await trust(true);
        expect(await isAnswered(elsewhere.leaf(identityOf('web')))).toBe(false);
        expect(await isAnswered(mesh.ca.leaf(stranger))).toBe(false);
        expect(await isAnswered(elsewhere.leaf('spiffe://third.example/ns/shop/sa/web'))).toBe(false);
        const twin = new TestCa({ commonName: 'root of elsewhere' });
        expect(await isAnswered(twin.leaf(stranger))).toBe(false);
      });
    });
  });

  describe('as the server', () => {
    interface Far {
      readonly server: Http2SecureServer;
      readonly sessions: ServerHttp2Session[];
      readonly requests: IncomingHttpHeaders[];
      readonly peers: string[];
      readonly sockets: Socket[];
    }
    const fars: Far[] = [];
    afterEach(() => {
      for (const { server, sockets } of fars.splice(0)) {
        server.close();
        for (const socket of sockets) socket.destroy();
      }
    });

    /** A server at port 15008 of the pod `far`, which shows a certificate of `identity` and echoes. */
    const serve = (identity: string, onStream?: (stream: ServerHttp2Stream) => void): Far => {
      const leaf = mesh.ca.leaf(identity);
      const server = createSecureServer({
        cert: leaf.certPem,
        key: leaf.keyPem,
        ca: mesh.ca.certificate.certPem,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.3',
        settings: ztunnelSettings,
      });
      const one: Far = { server, sessions: [], requests: [], peers: [], sockets: [] };
      server.on('connection', (socket: Socket) => one.sockets.push(socket));
      server.on('session', (session) => {
        session.on('error', () => {});
        one.sessions.push(session);
        one.peers.push((session.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName ?? '');
      });
      server.on('stream', (stream: ServerHttp2Stream, headers) => {
        stream.on('error', () => {});
        one.requests.push(headers);
        (onStream ?? echoStream)(stream);
      });
      server.listen({ fd: mesh.listen(far, 15_008) });
      fars.push(one);
      return one;
    };

    const dial = (port = 7000): Promise<Socket> => mesh.connect(web, { address: far.address, port });
    const ask = async (socket: Socket, text: string): Promise<string> => {
      socket.write(text);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return chunk.toString();
    };
    const ended = (socket: Socket): Promise<string> =>
      new Promise((resolve) => {
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
        socket.once('close', () => resolve('closed'));
        socket.resume();
      });

    it('is asked for by CONNECT alone, with what a ztunnel reads, as the pod and from its address', async () => {
      const { requests, peers, sessions } = serve(identityOf('far'));
      const [one, two] = [await dial(), await dial(7001)];
      expect(await ask(one, 'one')).toBe('one');
      expect(await ask(two, 'two')).toBe('two');
      expect(requests.map(({ ':authority': authority }) => authority)).toEqual([
        `${far.address}:7000`,
        `${far.address}:7001`,
      ]);
      const [headers = {}] = requests;
      expect(Object.keys(headers).sort()).toEqual([':authority', ':method', 'baggage', 'forwarded', 'traceparent']);
      expect(headers['forwarded']).toBe(`for=${web.address}`);
      expect(headers['baggage']).toBe('k8s.namespace.name=shop,k8s.pod.name=web,service.name=web');
      const traces = requests.map(({ traceparent }) => String(traceparent));
      for (const trace of traces) expect(trace).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
      expect(traces[0]).not.toBe(traces[1]);
      // One connection, of the pod's own identity, from the pod's own address.
      expect(peers).toEqual([`URI:${identityOf('web')}`]);
      expect(sessions[0]?.socket.remoteAddress).toBe(web.address);
      expect(sessions[0]?.remoteSettings).toMatchObject({
        initialWindowSize: 4 * mebibyte,
        maxFrameSize: mebibyte,
        enablePush: false,
      });
      one.destroy();
      two.destroy();
    });

    it('that poses as another endpoint of the same Service gets no byte of the client', async () => {
      const { requests, sessions } = serve(identityOf('cart'));
      const socket = await dial();
      socket.write('a secret');
      expect(await ended(socket)).toBe('ECONNRESET');
      expect(requests).toEqual([]);
      expect(sessions.length).toBeLessThanOrEqual(1);
    });

    it.each([
      [401, 'is told that policy refuses'],
      [503, 'is told that the application cannot be reached'],
      [400, 'is told that it asked wrongly'],
    ])('that answers %d: the client of an opaque connection is reset', async (status) => {
      serve(identityOf('far'), (stream) => stream.respond({ ':status': status }, { endStream: true }));
      expect(await ended(await dial())).toBe('ECONNRESET');
    });

    it('gets 100 streams a connection, and then another connection', async () => {
      const { sessions } = serve(identityOf('far'));
      const sockets = await Promise.all(Array.from({ length: 130 }, () => dial()));
      expect(new Set(await Promise.all(sockets.map((socket) => ask(socket, 'x'))))).toEqual(new Set(['x']));
      expect(sessions).toHaveLength(2);
      for (const socket of sockets) socket.destroy();
    });

    it('shares no connection between two pods, though they have one service account', async () => {
      const { peers } = serve(identityOf('far'));
      const twin = await mesh.addPod('twin', { serviceAccount: 'web' });
      const [one, two] = [await dial(), await mesh.connect(twin, { address: far.address, port: 7000 })];
      expect([await ask(one, 'one'), await ask(two, 'two')]).toEqual(['one', 'two']);
      expect(peers).toEqual([`URI:${identityOf('web')}`, `URI:${identityOf('web')}`]);
      one.destroy();
      two.destroy();
    });

    it('that says GOAWAY keeps its streams and gets no new ones', async () => {
      const { sessions } = serve(identityOf('far'));
      const old = await dial();
      expect(await ask(old, 'before')).toBe('before');
      const [first] = sessions;
      first?.goaway(constants.NGHTTP2_NO_ERROR, 1);
      await new Promise((done) => first?.ping(() => done(undefined)));
      const fresh = await dial();
      expect(await ask(fresh, 'fresh')).toBe('fresh');
      expect(await ask(old, 'after')).toBe('after');
      expect(sessions).toHaveLength(2);
      old.destroy();
      fresh.destroy();
    });

    it('is left before the certificate of the pod ends; what comes next has the certificate that came since', async () => {
      const { sessions } = serve(identityOf('far'));
      const leftMs = 6_000;
      const begunMs = Date.now();
      const notAfterMs = begunMs + leftMs;
      const leaf = mesh.ca.leaf(web.spec.identity, { notAfterMs });
      mesh.tell({
        type: 'certificate',
        certificate: {
          identity: web.spec.identity,
          privateKeyPem: leaf.keyPem,
          chainPem: leaf.certPem,
          rootsPem: mesh.ca.certificate.certPem,
          notAfterMs,
        },
      });
      const old = await dial();
      expect(await ask(old, 'old')).toBe('old');
      const end = ended(old).then(() => Date.now() - begunMs);
      // A renewal closes nothing.
      mesh.certify(web);
      await mesh.measures();
      const same = await dial();
      expect(await ask(same, 'same')).toBe('same');
      expect(sessions).toHaveLength(1);
      same.destroy();
      const tookMs = await end;
      expect(tookMs).toBeGreaterThan(3_000);
      expect(tookMs).toBeLessThanOrEqual(leftMs);
      const fresh = await dial();
      expect(await ask(fresh, 'fresh')).toBe('fresh');
      expect(sessions).toHaveLength(2);
      fresh.destroy();
    });

    it('that ends a half keeps the other half open, both ways', async () => {
      serve(identityOf('far'), (stream) => {
        stream.respond({ ':status': 200 });
        let got = '';
        stream.on('data', (chunk: Buffer) => (got += chunk.toString()));
        stream.on('end', () => stream.end(`got ${got}`));
      });
      const socket = await dial();
      socket.end('all of it');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      expect(chunk.toString()).toBe('got all of it');
    });

    it('that is silent is pinged after ten seconds, and given up when it does not answer', async () => {
      const { sessions } = serve(identityOf('far'));
      const socket = await dial();
      expect(await ask(socket, 'x')).toBe('x');
      const [session] = sessions;
      const pinged = once(session ?? socket, 'ping');
      await pinged;
      // From now on it is a machine that has lost its power.
      await runCommand('ip', ['-n', far.spec.uid, 'link', 'set', 'eth0', 'down']);
      const begunMs = performance.now();
      expect(await ended(socket)).toBe('ECONNRESET');
      expect(performance.now() - begunMs).toBeLessThan(45_000);
    }, 90_000);
  });
});

describe('the agent’s own ports, called from a pod of the mesh', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let echo: Server;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    echo = createServer((socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    echo.listen({ fd: mesh.listen(cart, 7000) });
    for (const [at, port] of [15_001, 15_006, 15_008].entries()) {
      mesh.addService(`own-${port}`, `10.99.1.${at + 1}`, { pods: [web], targetPort: port });
      mesh.addService(`other-${port}`, `10.99.2.${at + 1}`, { pods: [cart], targetPort: port });
    }
  });

  afterAll(async () => {
    echo.close();
    await mesh.close();
  });

  const ports = [15_001, 15_006, 15_008] as const;
  const places = [
    'its own address',
    'loopback',
    'another pod',
    'a Service of its own',
    'a Service of another',
  ] as const;
  const cases = ports.flatMap((port) => places.map((place) => [port, place] as const));

  const target = (port: (typeof ports)[number], place: (typeof places)[number]) => {
    switch (place) {
      case 'its own address':
        return { address: web.address, port };
      case 'loopback':
        return { address: '127.0.0.1', port };
      case 'another pod':
        return { address: cart.address, port };
      case 'a Service of its own':
        return { address: `10.99.1.${ports.indexOf(port) + 1}`, port: 80 };
      case 'a Service of another':
        return { address: `10.99.2.${ports.indexOf(port) + 1}`, port: 80 };
    }
  };

  it.each(cases)('port %d by %s: an end, no answer, no loop', async (port, place) => {
    const before = await mesh.measures();
    const outcome = await new Promise<string>((resolve) => {
      let got = '';
      mesh.connect(web, target(port, place)).then(
        (socket) => {
          socket.on('data', (chunk: Buffer) => {
            got += chunk.toString('latin1');
            // The mesh's own answers leave the client's connection open.
            if (got.startsWith('HTTP/') && got.includes('\r\n\r\n')) resolve(got);
          });
          socket.once('close', () => resolve(got));
          socket.once('end', () => resolve(got));
          socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        },
        (error: NodeJS.ErrnoException) => resolve(error.code ?? ''),
      );
    });
    // Refused, reset, or told by the mesh that nothing healthy is behind the Service: nobody's application answered.
    if (outcome.startsWith('HTTP/')) expect(outcome).toMatch(/^HTTP\/1\.1 (503|400) .*tulle-reason: /s);
    else expect(outcome).toMatch(/^(E[A-Z]+|)$/);
    const after = await mesh.measures();
    // A loop would have counted thousands.
    const grown = Object.entries(after.counters).map(([name, count]) => count - (before.counters[name] ?? 0));
    expect(Math.max(0, ...grown)).toBeLessThan(20);
    expect(after.pid).toBe(mesh.workerPid);
  });

  it('leaves no connection behind, and everything works as before', async () => {
    const socket = await mesh.connect(web, { address: cart.address, port: 7000 });
    socket.write('echo');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('echo');
    const { tunnels } = await mesh.measures();
    expect(tunnels.filter(({ streams }) => streams > 0).length).toBeLessThanOrEqual(2);
    socket.destroy();
  });
});
