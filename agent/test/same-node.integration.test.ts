import { createServer as createHttpServer } from 'node:http';
import { createServer, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openTcpSocket } from '@tulle/linux';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const echoPort = 7000;
const httpPort = 8080;
const serviceAddress = '10.96.0.10';

describe('--same-node direct', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let stranger: TestPod;
  let cart: TestPod;
  const closers: (() => void)[] = [];

  const setCart = (more: { readonly policies?: readonly string[]; readonly mtlsMode?: 'strict' | 'permissive' }) =>
    mesh.apply({ workloads: { changed: new Map([['shop/cart', { ...cart.workload, ...more }]]), removed: [] } });
  const letIn = (names: readonly string[]) => {
    const sources = names.map((name) => ({
      type: 'exact' as const,
      identity: `spiffe://cluster.local/ns/shop/sa/${name}`,
    }));
    const policy = { namespace: 'shop', name: 'p', rules: [{ sources, ports: 'any' as const }] };
    mesh.apply({ policies: { changed: new Map([['shop/p', policy]]), removed: [] } });
  };
  /** One line there and back; undefined where the connection is broken instead. */
  async function echo(pod: TestPod, open?: Socket): Promise<string | undefined> {
    const socket = open ?? (await connect(pod, { address: cart.address, port: echoPort }));
    const answer = await new Promise<string | undefined>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
      socket.once('close', () => resolve(undefined));
      if (socket.destroyed) resolve(undefined);
      socket.write('hello\n');
    });
    if (open === undefined) socket.destroy();
    return answer;
  }
  /** A reset may come as soon as the connection is there. */
  async function connect(pod: TestPod, to: { readonly address: string; readonly port: number }): Promise<Socket> {
    const fd = pod.namespace.run(() => openTcpSocket({ destination: to.address, mark: 0 }));
    const socket = new Socket({ fd, allowHalfOpen: true });
    socket.on('error', () => {});
    socket.connect({ host: to.address, port: to.port });
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', () => resolve());
    });
    return socket;
  }
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const counter = async (name: string) => (await mesh.measures()).counters[name] ?? 0;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create({ sameNode: 'direct' });
    cart = await mesh.addPod('cart');
    web = await mesh.addPod('web');
    stranger = await mesh.addPod('stranger', { meshed: false });
    const echoServer = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    echoServer.listen({ fd: mesh.listen(cart, echoPort) });
    const http = createHttpServer((request, response) => response.end(`you are ${request.socket.remoteAddress}\n`));
    http.listen({ fd: mesh.listen(cart, httpPort) });
    mesh.addService('cart', serviceAddress, { pods: [cart], targetPort: httpPort, protocol: 'http' });
    closers.push(
      () => echoServer.close(),
      () => {
        http.close();
        http.closeAllConnections();
      },
    );
  });

  afterAll(async () => {
    for (const close of closers) close();
    await mesh.close();
  });

  it('hands connections over without a tunnel, counts them as not encrypted, and shows who is connected', async () => {
    const socket = await connect(web, { address: cart.address, port: echoPort });
    expect(await echo(web, socket)).toBe('hello\n');
    const { counters, tunnels } = await mesh.measures();
    expect(counters['local_unencrypted']).toBe(1);
    expect(counters['hbone_accepted']).toBeUndefined();
    expect(tunnels).toEqual([
      {
        pod: 'shop/cart',
        identity: cart.spec.identity,
        direction: 'inbound',
        peerAddress: web.address,
        peerIdentity: web.spec.identity,
        streams: 1,
        unencrypted: true,
      },
    ]);
    const ended = closed(socket);
    socket.end();
    expect(await readAll(socket)).toBe('');
    await ended;
    expect((await mesh.measures()).tunnels).toEqual([]);
  });

  it('shows the application the address of its client, over HTTP by a Service', async () => {
    const socket = await connect(web, { address: serviceAddress, port: 80 });
    socket.write('GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(`you are ${web.address}`);
  });

  it('resets where the application refuses', async () => {
    const socket = await connect(web, { address: cart.address, port: 9 });
    if (!socket.destroyed) await closed(socket);
    expect(socket.bytesRead).toBe(0);
  });

  it('lets the identities of the mesh into a strict pod, and nobody without', async () => {
    setCart({ mtlsMode: 'strict' });
    expect(await echo(web)).toBe('hello\n');
    expect(await echo(stranger)).toBeUndefined();
    setCart({});
  });

  it('asks the policies of the destination, at the beginning and when they change', async () => {
    const before = await counter('local_refused');
    letIn(['web']);
    setCart({ policies: ['shop/p'] });
    const open = await connect(web, { address: cart.address, port: echoPort });
    expect(await echo(web, open)).toBe('hello\n');
    const ended = closed(open);
    letIn(['somebody-else']);
    await ended;
    expect(await echo(web)).toBeUndefined();
    expect(await counter('local_refused')).toBe(before + 1);
    const [denial] = (await mesh.measures()).denials;
    expect(denial).toMatchObject({ pod: 'shop/cart', identity: web.spec.identity, address: web.address });
    setCart({});
    expect(await echo(web)).toBe('hello\n');
  });

  it('carries nothing for a pod whose certificate is gone', async () => {
    mesh.tell({ type: 'drop-certificate', identity: web.spec.identity });
    expect(await echo(web)).toBeUndefined();
    mesh.certify(web);
    expect(await echo(web)).toBe('hello\n');
  });

  it('ends open connections with the pod that they lead to', async () => {
    const open = await connect(web, { address: cart.address, port: echoPort });
    expect(await echo(web, open)).toBe('hello\n');
    const ended = closed(open);
    mesh.tell({ type: 'release-pod', uid: cart.spec.uid, drainMs: 0 });
    await ended;
  });
});
