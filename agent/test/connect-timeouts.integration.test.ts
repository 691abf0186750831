import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { closeSocket, openTcpListener, podPorts, runCommand } from '@tulle/linux';
import { Http1Backend, http1Exchange, http2Call, http2Session } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const get = 'GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n';
const path = { ':path': '/', ':authority': 'shop' };
const grpcCall = { ...path, ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

describe('endpoints that do not answer', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let good: TestPod;
  let backend: Http1Backend;
  let next = 1;
  const undo: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    good = await mesh.addPod('good');
    backend = new Http1Backend().listen(mesh, good, 8080);
    backend.handle = (_request, response) => response.end('good');
  });

  afterEach(async () => {
    for (const one of undo.splice(0)) await one();
  });

  afterAll(async () => {
    backend.close();
    await mesh.close();
  });

  /** Drops what comes to a port of a pod, as a node does that is gone; gives what ends that. */
  const drop = async (pod: TestPod, port: number): Promise<() => Promise<void>> => {
    const rule = ['INPUT', '-p', 'tcp', '--dport', String(port), '-j', 'DROP'];
    const iptables = (action: string) => runCommand('ip', ['netns', 'exec', pod.spec.uid, 'iptables', action, ...rule]);
    await iptables('-I');
    let dropping = true;
    const stop = async () => {
      if (dropping) await iptables('-D');
      dropping = false;
    };
    undo.push(stop);
    return stop;
  };

  /** Waits until a packet was dropped. */
  const dropped = async (pod: TestPod): Promise<void> => {
    for (;;) {
      const list = await runCommand('ip', ['netns', 'exec', pod.spec.uid, 'iptables', '-nvxL', 'INPUT']);
      if (/^ *[1-9]\d* +\d+ DROP/m.test(list)) return;
      await sleep(10);
    }
  };

  /** A pod whose port is silent; `meshed` as its workload says, whether or not it has joined. */
  const silent = async (meshed: boolean): Promise<TestPod> => {
    const pod = await mesh.addPod(`s${next++}`, { meshed });
    await drop(pod, meshed ? podPorts.hbone : 8080);
    return pod;
  };

  /** A Service over the pods; gives its address. */
  const service = async (
    pods: readonly TestPod[],
    protocol: 'http' | 'tcp' | 'grpc' | 'http2' = 'http',
  ): Promise<string> => {
    const address = `10.99.3.${next++}`;
    mesh.addService(`of-${next}`, address, { pods, targetPort: 8080, protocol });
    await mesh.measures();
    return address;
  };

  const timed = async <T>(work: Promise<T>): Promise<readonly [T, number]> => {
    const startedMs = performance.now();
    return [await work, performance.now() - startedMs];
  };

  const answer = async (address: string): Promise<string> => {
    const text = await http1Exchange(mesh, web, address, get);
    const reason = /tulle-reason: (\S+)/.exec(text)?.[1];
    return `${text.slice(9, 12)} ${reason ?? text.slice(text.indexOf('\r\n\r\n') + 4)}`;
  };

  const counters = async () => (await mesh.measures()).counters;

  const kinds = [
    ['in the mesh', true],
    ['not in the mesh', false],
  ] as const;

  it.each(kinds)('%s: a request is answered once two attempts were made, and says why', async (_, meshed) => {
    const address = await service([await silent(meshed)]);
    const [text, tookMs] = await timed(answer(address));
    expect(text).toBe('503 connect-timeout');
    // Two attempts of 1 s; what a loaded machine adds is no second more.
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(5_000);
    const line = await mesh.readLine((candidate) => candidate['reason'] === 'connect-timeout');
    expect(line).toMatchObject({ access: 'request', status: 503, retries: 1 });
  });

  it.each(kinds)('%s: the request goes to another endpoint', async (_, meshed) => {
    const address = await service([await silent(meshed), good]);
    // The first choice is a random one: of ten, some meet the silent endpoint.
    const all = await Promise.all(Array.from({ length: 10 }, () => timed(answer(address))));
    expect(all.map(([text]) => text)).toEqual(all.map(() => '200 good'));
    expect(Math.max(...all.map(([, tookMs]) => tookMs))).toBeLessThan(4_000);
  });

  it('after seven in a row the endpoint is tried no more, and nobody waits', async () => {
    const address = await service([await silent(false)]);
    await Promise.all(Array.from({ length: 7 }, () => answer(address)));
    const startedMs = performance.now();
    const answers: string[] = [];
    while (answers.length < 30) answers.push(await answer(address));
    // Now and then one request finds out whether the endpoint is back.
    expect(answers.filter((text) => text === '503 no-healthy-endpoint').length).toBeGreaterThan(25);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('over HTTP/2 and gRPC, too', async () => {
    const pods = [await silent(true)];
    for (const [protocol, headers, expected] of [
      ['http2', path, { ':status': 503, 'tulle-reason': 'connect-timeout' }],
      ['grpc', grpcCall, { ':status': 200, 'grpc-status': '14' }],
    ] as const) {
      const session = await http2Session(mesh, web, await service(pods, protocol));
      const [got, tookMs] = await timed(http2Call(session, headers));
      expect(got.headers).toMatchObject(expected);
      expect(tookMs).toBeLessThan(5_000);
      session.close();
    }
  });

  it.each(kinds)(
    '%s: a TCP connection is tried three times, elsewhere where it can be, and reset',
    async (_, meshed) => {
      const pods = [await silent(meshed)];
      const alone = await mesh.connect(web, { address: await service(pods, 'tcp'), port: 80 });
      const [, tookMs] = await timed(new Promise((resolve) => void alone.once('close', resolve)));
      expect(tookMs).toBeGreaterThan(2_900);
      expect(tookMs).toBeLessThan(7_000);
      const series = (await mesh.measures()).connections.filter(({ labels }) => labels.includes('connect-timeout'));
      expect(series.length).toBeGreaterThan(0);
      expect((await timed(answer(await service([...pods, good], 'tcp'))))[0]).toBe('200 good');
    },
  );

  it('an endpoint whose agent takes connections and says nothing costs the time of a handshake', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    const workload = { ...pod.workload, mesh: { state: 'in' as const } };
    mesh.apply({ workloads: { changed: new Map([[`shop/${pod.spec.name}`, workload]]), removed: [] } });
    const mute: Server = createServer((socket) => void socket.on('error', () => {}));
    mute.listen({ fd: mesh.listen(pod, podPorts.hbone) });
    undo.push(() => void mute.close());
    const [text, tookMs] = await timed(answer(await service([pod, good, good])));
    expect(text).toBe('200 good');
    expect(tookMs).toBeLessThan(8_000);
    const [alone, aloneMs] = await timed(answer(await service([pod])));
    expect(alone).toBe('503 connect-timeout');
    expect(aloneMs).toBeGreaterThan(9_900);
    expect(aloneMs).toBeLessThan(14_000);
  });

  it('an endpoint that falls silent with a tunnel open is left for another one', async () => {
    const pod = await mesh.addPod(`s${next++}`);
    const silentBackend = new Http1Backend().listen(mesh, pod, 8080);
    silentBackend.handle = (_request, response) => response.end('good');
    undo.push(() => silentBackend.close());
    const warm = await service([pod], 'tcp');
    expect(await answer(warm)).toBe('200 good');
    await drop(pod, podPorts.hbone);
    const [text, tookMs] = await timed(answer(await service([pod])));
    expect(text).toBe('503 connect-timeout');
    // The open tunnel's answer, and then a tunnel that cannot be made.
    expect(tookMs).toBeGreaterThan(3_900);
    expect(tookMs).toBeLessThan(8_000);
  });

  /** A pod whose application takes no more connections: its queue is full. */
  const full = async (): Promise<TestPod> => {
    const pod = await mesh.addPod(`s${next++}`);
    const fd = pod.namespace.run(() =>
      openTcpListener({ address: '0.0.0.0', port: 8080, backlog: 0, reusePort: false }),
    );
    const waiting = await mesh.connect(pod, { address: '127.0.0.1', port: 8080 });
    undo.push(() => {
      waiting.destroy();
      closeSocket(fd);
    });
    return pod;
  };

  it('an application whose queue is full is given up by its agent, which says so to the client', async () => {
    const pod = await full();
    const [text, tookMs] = await timed(answer(await service([pod])));
    expect(text).toBe('503 connect-timeout');
    expect(tookMs).toBeGreaterThan(2_900);
    expect(tookMs).toBeLessThan(6_000);
    expect(await answer(await service([pod, good]))).toBe('200 good');
  });

  it('a connection that was made while the worker could not look is not given up', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    const late = new Http1Backend().listen(mesh, pod, 8080);
    late.handle = (_request, response) => response.end('good');
    undo.push(() => late.close());
    const stopDropping = await drop(pod, 8080);
    const before = (await counters())['retries'] ?? 0;
    const address = await service([pod]);
    const asked = timed(answer(address));
    await dropped(pod);
    process.kill(mesh.workerPid, 'SIGSTOP');
    try {
      await stopDropping();
      // The kernel sends its second SYN meanwhile, and the time for the connection passes.
      await sleep(2_000);
    } finally {
      process.kill(mesh.workerPid, 'SIGCONT');
    }
    expect((await asked)[0]).toBe('200 good');
    expect((await counters())['retries'] ?? 0).toBe(before);
  });

  it('a destination outside of the mesh is waited for as long as the kernel does', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    const outside = createServer((socket) => socket.end('outside'));
    outside.listen({ fd: mesh.listen(pod, 8080) });
    undo.push(() => void outside.close());
    const stopDropping = await drop(pod, 8080);
    const socket = await mesh.connect(web, { address: pod.address, port: 8080 });
    await dropped(pod);
    await sleep(4_000);
    expect(socket.destroyed).toBe(false);
    await stopDropping();
    expect(await readAll(socket)).toBe('outside');
  });

  it('nothing is tried any more for a client that has gone', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    await drop(pod, 8080);
    const client = await mesh.addPod(`s${next++}`);
    const to = { address: pod.address, port: 8080 };
    for (const first of ['', 'hello']) {
      const socket = await mesh.connect(client, to);
      if (first !== '') await new Promise((resolve) => socket.write(first, resolve));
      await mesh.measures();
      socket.resetAndDestroy();
    }
    const startedMs = performance.now();
    mesh.tell({ type: 'release-pod', uid: client.spec.uid, drainMs: 30_000 });
    await mesh.hear((message) => message.type === 'pod-drained' && message.uid === client.spec.uid);
    expect(performance.now() - startedMs).toBeLessThan(6_000);
  });

  it('a client that has said all is waited with for a while, not as long as the kernel does', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    const stopDropping = await drop(pod, 8080);
    const answering = createServer({ allowHalfOpen: true }, (socket) => {
      let got = '';
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => (got += chunk.toString()));
      socket.on('end', () => socket.end(`${got} and goodbye`));
    });
    answering.listen({ fd: mesh.listen(pod, 8080) });
    undo.push(() => void answering.close());
    const say = async () => {
      const socket = await mesh.connect(web, { address: pod.address, port: 8080 });
      socket.end('hello');
      return await timed(readAll(socket));
    };
    const early = say();
    await dropped(pod);
    await stopDropping();
    expect((await early)[0]).toBe('hello and goodbye');
    await drop(pod, 8080);
    const [nothing, tookMs] = await say();
    expect(nothing).toBe('');
    expect(tookMs).toBeGreaterThan(9_500);
    expect(tookMs).toBeLessThan(14_000);
  });

  it('what a client says while its endpoint is sought arrives, all of it and in order', async () => {
    const pod = await mesh.addPod(`s${next++}`, { meshed: false });
    const stopDropping = await drop(pod, 8080);
    const hashing = createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256');
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => hash.update(chunk));
      socket.on('end', () => socket.end(hash.digest('hex')));
    });
    hashing.listen({ fd: mesh.listen(pod, 8080) });
    undo.push(() => void hashing.close());
    const said = randomBytes(4 * 1024 * 1024);
    const socket = await mesh.connect(web, { address: pod.address, port: 8080 });
    socket.end(said);
    await dropped(pod);
    await stopDropping();
    expect(await readAll(socket)).toBe(createHash('sha256').update(said).digest('hex'));
  });

  it('an address of the mesh is tried again, since one packet may have been lost', async () => {
    const pod = await mesh.addPod(`s${next++}`);
    const direct = createServer((socket) => socket.end('direct'));
    direct.listen({ fd: mesh.listen(pod, 9000) });
    undo.push(() => void direct.close());
    const stopDropping = await drop(pod, podPorts.hbone);
    const socket = await mesh.connect(web, { address: pod.address, port: 9000 });
    await dropped(pod);
    await stopDropping();
    expect(await readAll(socket)).toBe('direct');
  });
});
