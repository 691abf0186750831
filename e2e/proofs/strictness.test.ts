import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import type { TestPod } from '../../agent/test/mesh-of-namespaces.ts';
import { MeshOfNamespaces } from '../../agent/test/mesh-of-namespaces.ts';
import { hostileHttp2Requests } from './hostile-http2.ts';
import type { HostileRequest } from './hostile-requests.ts';
import { hostileRequests } from './hostile-requests.ts';
import { note } from './notes.ts';
import type { Proxy } from './peers.ts';
import { CountingServer, startHaproxy, startNginx } from './peers.ts';

/** How many requests reached the server behind each, of the same bytes. */
interface Verdict {
  readonly name: string;
  readonly bytes: Buffer;
  readonly ours: number;
  readonly nginx: number;
  readonly haproxy: number;
}

/** A proxy that says nothing for so long will say nothing more: the bytes are no whole request to it. */
const silenceMs = 300;

describe('strictness, beside nginx and haproxy as Debian configures them', () => {
  const directory = temporaryDirectory();
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let nginx: Proxy;
  let haproxy: Proxy;
  const behindUs = new CountingServer();

  beforeAll(async () => {
    nginx = await startNginx(directory.path);
    haproxy = await startHaproxy(directory.path);
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    behindUs.server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', '10.99.0.10', { pods: [cart], targetPort: 8080, protocol: 'http' });
  });

  afterAll(async () => {
    await nginx.close();
    await haproxy.close();
    await behindUs.close();
    await mesh.close();
    directory[Symbol.dispose]();
  });

  /** Sends the bytes through one proxy; gives how many requests its server saw. */
  const count = async (backend: CountingServer, socket: Promise<Socket>, bytes: Buffer): Promise<number> => {
    const before = backend.reached;
    await sendAndWait(await socket, bytes);
    return backend.reached - before;
  };

  const judge = async (version: 1 | 2, { name, bytes }: HostileRequest): Promise<Verdict> => {
    const by = (proxy: Proxy) => count(proxy.backend, version === 1 ? proxy.connect() : proxy.connectHttp2(), bytes);
    // The Service is of HTTP/1.1; a client may speak either version to it.
    const ours = count(behindUs, mesh.connect(web, { address: '10.99.0.10', port: 80 }), bytes);
    const [byOurs, byNginx, byHaproxy] = await Promise.all([ours, by(nginx), by(haproxy)]);
    return { name, bytes, ours: byOurs, nginx: byNginx, haproxy: byHaproxy };
  };

  const compare = async (version: 1 | 2, requests: readonly HostileRequest[], least: number): Promise<void> => {
    const verdicts: Verdict[] = [];
    for (const request of requests) verdicts.push(await judge(version, request));
    expect(verdicts.length).toBeGreaterThan(least);
    note(report(`HTTP/${version}`, verdicts));
    const laxer = verdicts.filter(({ ours, nginx: one, haproxy: other }) => ours > Math.max(one, other));
    expect(laxer.map(describeVerdict)).toEqual([]);
  };

  it('nowhere lets more requests of HTTP/1.1 through than both of them', async () => {
    const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(2));
    expect(await judge(1, { name: 'sound', bytes })).toMatchObject({ ours: 2, nginx: 2, haproxy: 2 });
    await compare(1, hostileRequests(), 900);
  }, 600_000);

  it('nor of HTTP/2, to a server of HTTP/1.1', async () => {
    const [sound, ...hostile] = hostileHttp2Requests();
    if (sound === undefined) throw new Error('there are no requests');
    expect(await judge(2, sound)).toMatchObject({ ours: 1, nginx: 1, haproxy: 1 });
    await compare(2, hostile, 450);
  }, 600_000);
});

/** Until the proxy has closed, or says nothing for a while. */
async function sendAndWait(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.setTimeout(silenceMs, resolve);
    socket.on('end', resolve);
    socket.on('close', () => resolve());
    socket.resume();
    socket.end(bytes);
  });
  socket.destroy();
}

const describeVerdict = ({ name, bytes, ours, nginx, haproxy }: Verdict): string =>
  `${name}: ours ${ours}, nginx ${nginx}, haproxy ${haproxy}: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`;

function report(version: string, verdicts: readonly Verdict[]): string {
  const many = (wanted: (verdict: Verdict) => boolean): string => `${verdicts.filter(wanted).length}`.padStart(6);
  return [
    `${version} beside nginx and haproxy:`,
    `${many(() => true)} inputs`,
    `${many(({ ours, nginx, haproxy }) => ours === 0 && nginx === 0 && haproxy === 0)} refused by all three`,
    `${many(({ ours, nginx, haproxy }) => ours < Math.min(nginx, haproxy))} ours stricter than both`,
    `${many(({ ours, nginx }) => ours < nginx)} ours stricter than nginx`,
    `${many(({ ours, nginx }) => ours > nginx)} ours laxer than nginx`,
    `${many(({ ours, haproxy }) => ours < haproxy)} ours stricter than haproxy`,
    `${many(({ ours, haproxy }) => ours > haproxy)} ours laxer than haproxy`,
    `${many(({ ours, nginx, haproxy }) => ours > Math.max(nginx, haproxy))} ours laxer than both`,
    ...verdicts.filter(({ ours, nginx, haproxy }) => ours > Math.min(nginx, haproxy)).map(describeVerdict),
  ].join('\n');
}
