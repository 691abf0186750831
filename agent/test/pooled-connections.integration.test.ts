import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const clusterIP = '10.99.0.30';
const request = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';

/** Sends a request on a connection that is kept, and waits for its response. */
async function ask(socket: Socket, bytes: string | Buffer, isWhole: (got: Buffer) => boolean): Promise<void> {
  const whole = Promise.withResolvers<void>();
  let got = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
    if (isWhole(got)) whole.resolve();
  };
  const onClose = () => whole.reject(new Error(`closed after ${JSON.stringify(got.toString('latin1'))}`));
  socket.on('data', onData).once('close', onClose);
  socket.write(bytes);
  await whole.promise;
  socket.off('data', onData).off('close', onClose);
}

describe('pooled connections to a destination that joins or leaves the mesh', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let server: Server;

  beforeEach(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart', { meshed: false });
    server = createServer((_message, response) => response.end('ok'));
    server.listen({ fd: mesh.listen(cart, 8080) });
  });

  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await mesh.close();
  });

  const show = (state: TestPod['workload']['mesh']) =>
    mesh.apply({ workloads: { changed: new Map([['shop/cart', { ...cart.workload, mesh: state }]]), removed: [] } });
  const accepted = async () => (await mesh.measures()).counters['hbone_accepted'] ?? 0;
  const join = async () => {
    await mesh.join(cart);
    show({ state: 'in' });
  };
  const leave = async () => {
    show({ state: 'out', reason: 'not labelled' });
    await mesh.capture.release(cart.spec);
    mesh.tell({ type: 'release-pod', uid: cart.spec.uid, drainMs: 3_600_000 });
  };
  const drained = () => mesh.hear((message) => message.type === 'pod-drained' && message.uid === cart.spec.uid);

  it('the next request of a client that keeps its connection goes the new way, and the old way ends', async () => {
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8080, protocol: 'http' });
    const client = await mesh.connect(web, { address: clusterIP, port: 80 });
    const get = () => ask(client, request, (got) => got.toString('latin1').endsWith('ok'));
    await get();
    expect(await accepted()).toBe(0);
    await join();
    await get();
    expect(await accepted()).toBe(1);
    await leave();
    await get();
    expect(await accepted()).toBe(1);
    // Long before the deadline: nothing is begun in the tunnel any more, so that it ends.
    await drained();
    client.destroy();
  });

  it('so does the next HTTP/2 request of a client', async () => {
    const http2 = createHttp2Server((_message, response) => response.end('ok'));
    http2.listen({ fd: mesh.listen(cart, 8081) });
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8081, protocol: 'http2' });
    const { connect } = await import('node:http2');
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    const client = connect('http://cart', { createConnection: () => socket });
    const get = () =>
      new Promise<void>((resolve, reject) => {
        const stream = client.request({ ':path': '/' });
        stream.resume().once('end', resolve).once('error', reject);
      });
    await get();
    expect(await accepted()).toBe(0);
    await join();
    await get();
    expect(await accepted()).toBe(1);
    await leave();
    await get();
    expect(await accepted()).toBe(1);
    await drained();
    client.destroy();
    http2.close();
  });
});
