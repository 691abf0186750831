import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Workload } from '@tulle/ir';
import { closeSocket, runCommand } from '@tulle/linux';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

/** Sends `text` on a connection to an echo server and waits until it has come back. */
async function echo(socket: Socket, text: string): Promise<void> {
  let got = '';
  const whole = new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      got += chunk.toString();
      if (got.length < text.length) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve();
    };
    const onClose = () => reject(new Error(`closed after ${JSON.stringify(got)}`));
    socket.on('data', onData);
    socket.once('close', onClose);
  });
  socket.write(text);
  await whole;
  expect(got).toBe(text);
}

describe('joining and leaving the mesh', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let server: Server;

  beforeEach(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web', { meshed: false });
    cart = await mesh.addPod('cart', { meshed: false });
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    server.listen({ fd: mesh.listen(cart, 7000) });
  });

  afterEach(async () => {
    server.close();
    await mesh.close();
  });

  const to = () => ({ address: cart.address, port: 7000 });

  const wantAll = () => {
    for (const pod of [cart, web]) {
      const workload = { ...pod.workload, mesh: { state: 'in' } } as const;
      mesh.apply({ workloads: { changed: new Map([[`shop/${pod.spec.name}`, workload]]), removed: [] } });
    }
  };

  const joinAll = async () => {
    wantAll();
    for (const pod of [cart, web]) await mesh.join(pod);
  };

  /** Drops what comes to cart through tunnels, as when the node at their other end is gone. */
  const cutTunnels = () =>
    runCommand('ip', `netns exec ${cart.spec.uid} iptables -I INPUT -p tcp --dport 15008 -j DROP`.split(' '));

  const accepted = async () => (await mesh.measures()).counters['hbone_accepted'] ?? 0;

  it('leaves open connections alone when pods join, and carries new ones in tunnels', async () => {
    const idle = await mesh.connect(web, to());
    const busy = await mesh.connect(web, to());
    await echo(busy, 'before');
    await joinAll();
    for (let i = 0; i < 20; i++) await echo(busy, `while joining ${i}`);
    await echo(idle, 'after');
    expect(await accepted()).toBe(0);
    const fresh = await mesh.connect(web, to());
    await echo(fresh, 'in a tunnel');
    expect(await accepted()).toBe(1);
    for (const socket of [idle, busy, fresh]) socket.destroy();
  });

  it('does not let a connection hang that comes when the ports are open and the redirect is not there', async () => {
    wantAll();
    await mesh.open(cart);
    await mesh.join(web);
    const early = await mesh.connect(web, to());
    await echo(early, 'in a tunnel, before the redirect');
    expect(await accepted()).toBe(1);
    await mesh.capture.install(cart.spec);
    await echo(early, 'and after it');
    early.destroy();
  });

  it('carries open connections to their end when a pod leaves, lets new ones go, and takes its rules away', async () => {
    await joinAll();
    const kept = await mesh.connect(web, to());
    await echo(kept, 'in a tunnel');
    await mesh.capture.release(web.spec);
    mesh.tell({ type: 'release-pod', uid: web.spec.uid, drainMs: 60_000 });
    await echo(kept, 'still in the tunnel');
    const fresh = await mesh.connect(web, to());
    await echo(fresh, 'on its own way');
    expect(await accepted()).toBe(1);
    expect((await mesh.measures()).counters['inbound_plaintext_accepted']).toBe(1);
    await echo(kept, 'and still');
    kept.end();
    await once(kept, 'end');
    await mesh.hear((message) => message.type === 'pod-drained' && message.uid === web.spec.uid);
    await mesh.capture.remove(web.spec);
    const rules = await runCommand('nsenter', [`--net=${web.spec.netns}`, 'iptables-save', '-t', 'nat']);
    expect(rules).not.toContain('TULLE');
    const sockets = await runCommand('nsenter', [`--net=${web.spec.netns}`, 'ss', '-Htln']);
    expect(sockets.trim()).toBe('');
    await echo(fresh, 'unharmed');
    fresh.destroy();
  });

  it('is not kept by tunnels of a node that is gone', async () => {
    await joinAll();
    const socket = await mesh.connect(web, to());
    await echo(socket, 'in a tunnel');
    socket.end();
    await once(socket, 'end');
    // The tunnel is open still, and from now on nothing comes through it.
    await cutTunnels();
    await mesh.capture.release(cart.spec);
    const startedMs = performance.now();
    mesh.tell({ type: 'release-pod', uid: cart.spec.uid, drainMs: 100_000 });
    await mesh.hear((message) => message.type === 'pod-drained' && message.uid === cart.spec.uid);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  });

  it('ends the connections of a node that is gone, which their applications could not learn otherwise', async () => {
    await joinAll();
    const arrived = once(server, 'connection') as Promise<[Socket]>;
    const socket = await mesh.connect(web, to());
    await echo(socket, 'in a tunnel');
    const [accepted] = await arrived;
    const closed = new Promise((resolve) => accepted.once('close', resolve));
    await cutTunnels();
    const startedMs = performance.now();
    await closed;
    expect(performance.now() - startedMs).toBeGreaterThan(35_000);
    expect(performance.now() - startedMs).toBeLessThan(65_000);
  });

  it('takes plaintext in strict mode as soon as it is to leave, though its redirect is still there', async () => {
    await joinAll();
    const outsider = await mesh.addPod('outsider', { meshed: false });
    const apply = (of: Partial<Workload>) =>
      mesh.apply({ workloads: { changed: new Map([['shop/cart', { ...cart.workload, ...of }]]), removed: [] } });
    apply({ mtlsMode: 'strict', mesh: { state: 'in' } });
    await mesh.measures();
    // It may be reset before its client hears that it was made.
    const refused = await mesh.connect(outsider, to()).catch(() => undefined);
    refused?.write('hello');
    expect(refused === undefined ? '' : await readAll(refused)).toBe('');
    expect((await mesh.measures()).counters['inbound_plaintext_refused']).toBe(1);
    apply({ mtlsMode: 'strict', mesh: { state: 'out', reason: 'not labelled' } });
    await mesh.measures();
    const taken = await mesh.connect(outsider, to());
    await echo(taken, 'hello');
    taken.destroy();
  });

  it('ends what is still open at the drain deadline', async () => {
    await joinAll();
    const kept = await mesh.connect(web, to());
    await echo(kept, 'in a tunnel');
    await mesh.capture.release(web.spec);
    const closed = new Promise((resolve) => kept.once('close', resolve));
    mesh.tell({ type: 'release-pod', uid: web.spec.uid, drainMs: 300 });
    await mesh.hear((message) => message.type === 'pod-drained');
    await closed;
  });

  it('leaves no listener in a pod that goes while its ports are being opened, or that is opened twice', async () => {
    await joinAll();
    const late = await mesh.addPod('late', { meshed: false });
    mesh.certify(late);
    mesh.tell({ type: 'open-pod', pod: late.spec });
    mesh.tell({ type: 'close-pod', uid: late.spec.uid });
    const listeners = () => runCommand('nsenter', [`--net=${late.spec.netns}`, 'ss', '-Htln']);
    await mesh.measures();
    expect(await listeners()).toBe('');
    mesh.tell({ type: 'open-pod', pod: late.spec });
    mesh.tell({ type: 'open-pod', pod: late.spec });
    await mesh.hear((message) => message.type === 'pod-opened' && message.uid === late.spec.uid);
    await mesh.measures();
    expect(await listeners()).not.toBe('');
    mesh.tell({ type: 'close-pod', uid: late.spec.uid });
    await mesh.measures();
    expect(await listeners()).toBe('');
  });

  it('fails closed while the worker is away: nothing goes out in plaintext', async () => {
    await joinAll();
    await mesh.killWorker();
    await expect(mesh.connect(web, to())).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  });
});

describe('plaintext, opaque bytes and addresses outside', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let stranger: TestPod;

  beforeEach(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    stranger = await mesh.addPod('stranger', { meshed: false });
  });

  afterEach(async () => {
    await mesh.close();
  });

  it('lets plaintext from outside the mesh in, counted, with its own address; and not in strict mode', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((socket) => {
      seen.push(socket.remoteAddress?.replace('::ffff:', ''));
      socket.end('hello');
    });
    server.listen({ fd: mesh.listen(cart, 7000) });
    const first = await mesh.connect(stranger, { address: cart.address, port: 7000 });
    expect(await readAll(first)).toBe('hello');
    expect(seen).toEqual([stranger.address]);
    expect((await mesh.measures()).counters['inbound_plaintext_accepted']).toBe(1);
    mesh.apply({
      workloads: { changed: new Map([['shop/cart', { ...cart.workload, mtlsMode: 'strict' }]]), removed: [] },
    });
    const second = await mesh.connect(stranger, { address: cart.address, port: 7000 }).catch(() => undefined);
    // The reset may come before connect() is done.
    expect(second === undefined ? '' : await readAll(second)).toBe('');
    expect((await mesh.measures()).counters['inbound_plaintext_refused']).toBe(1);
    server.close();
  });

  it('lets a client with many open connections have more: ports of the agent behind its address are none of its own', async () => {
    // So few ports that, were ours from among them, most would be those of an open connection of the client's.
    for (const pod of [cart, stranger])
      await runCommand('nsenter', [
        `--net=${pod.spec.netns}`,
        'sysctl',
        '-qw',
        'net.ipv4.ip_local_port_range=40000 40299',
      ]);
    const ports: number[] = [];
    const server = createServer((socket) => {
      ports.push(socket.remotePort ?? 0);
      socket.write('hello');
      socket.on('error', () => {});
    });
    server.listen({ fd: mesh.listen(cart, 7001) });
    const open = [];
    for (let i = 0; i < 200; i++) {
      const socket = await mesh.connect(stranger, { address: cart.address, port: 7001 });
      expect(String((await once(socket, 'data'))[0])).toBe('hello');
      open.push(socket);
    }
    expect(ports.filter((port) => port >= 32_768)).toEqual([]);
    expect(new Set(ports).size).toBe(ports.length);
    // The port is one of the agent's: the application may listen on it all the same, now or when it is started again.
    closeSocket(mesh.listen(cart, ports[0] ?? 0));
    for (const socket of open) socket.destroy();
    server.close();
  });

  it('reaches pods that are not meshed, and hosts outside, as they are', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((socket) => {
      seen.push(socket.remoteAddress?.replace('::ffff:', ''));
      socket.end('outside');
    });
    server.listen({ fd: mesh.listen(stranger, 7000) });
    const socket = await mesh.connect(web, { address: stranger.address, port: 7000 });
    expect(await readAll(socket)).toBe('outside');
    expect(seen).toEqual([web.address]);
    expect((await mesh.measures()).counters['hbone_accepted']).toBeUndefined();
    server.close();
  });

  it('keeps half-closed connections: each side may end first and still hear the other', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let got = '';
      socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
      socket.on('end', () => socket.end(`got ${got}`));
    });
    server.listen({ fd: mesh.listen(cart, 7000) });
    mesh.addService('cart', '10.99.0.10', { pods: [cart], targetPort: 7000, protocol: 'tcp' });
    const socket = await mesh.connect(web, { address: '10.99.0.10', port: 80 });
    socket.end('all of it');
    expect(await readAll(socket)).toBe('got all of it');
    server.close();
  });

  it('lets a server speak first on a port that says nothing about its protocol', async () => {
    const server = createServer((socket) => {
      socket.write('220 ready\r\n');
      socket.on('data', (chunk: Buffer) => socket.end(`you said ${chunk.toString()}`));
    });
    server.listen({ fd: mesh.listen(cart, 7000) });
    mesh.addService('mail', '10.99.0.11', { pods: [cart], targetPort: 7000 });
    const socket = await mesh.connect(web, { address: '10.99.0.11', port: 80 });
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    expect(greeting.toString()).toBe('220 ready\r\n');
    socket.write('HELO');
    expect(await readAll(socket)).toBe('you said HELO');
    server.close();
  });

  it('passes a reset on as a reset', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    server.listen({ fd: mesh.listen(cart, 7000) });
    const socket = await mesh.connect(web, { address: cart.address, port: 7000 });
    const error = once(socket, 'error');
    socket.write('x');
    const [reset] = (await error) as [NodeJS.ErrnoException];
    expect(reset.code).toBe('ECONNRESET');
    server.close();
  });

  it("neither loops nor crashes when the pod's application connects to the agent's own ports", async () => {
    for (const port of [15_001, 15_006, 15_008]) {
      for (const address of ['127.0.0.1', web.address, cart.address]) {
        const socket = await mesh.connect(web, { address, port }).catch(() => undefined);
        // Reset before connect() was done is as good an answer as any.
        if (socket === undefined) continue;
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        socket.end();
        const answer = await readAll(socket);
        expect(answer).not.toContain('HTTP/1.1 200');
        socket.destroy();
      }
    }
    expect((await mesh.measures()).pid).toBe(mesh.workerPid);
  });
});
