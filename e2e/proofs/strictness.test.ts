import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryDirectory } from '@tulle/testkit';
import type { TestPod } from '../../agent/test/mesh-of-namespaces.ts';
import { MeshOfNamespaces } from '../../agent/test/mesh-of-namespaces.ts';
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

describe('HTTP/1.1, beside nginx and haproxy as Debian configures them', () => {
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
  const count = async (proxy: Pick<Proxy, 'backend' | 'connect'>, bytes: Buffer): Promise<number> => {
    const before = proxy.backend.reached;
    await sendAndWait(await proxy.connect(), bytes);
    return proxy.backend.reached - before;
  };

  const judge = async (name: string, bytes: Buffer): Promise<Verdict> => {
    const ours = { backend: behindUs, connect: () => mesh.connect(web, { address: '10.99.0.10', port: 80 }) };
    const counts = await Promise.all([ours, nginx, haproxy].map((proxy) => count(proxy, bytes)));
    const [byOurs = 0, byNginx = 0, byHaproxy = 0] = counts;
    return { name, bytes, ours: byOurs, nginx: byNginx, haproxy: byHaproxy };
  };

  it('nowhere lets more requests through than both of them', async () => {
    const sound = await judge('sound', Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(2)));
    expect(sound).toMatchObject({ ours: 2, nginx: 2, haproxy: 2 });
    const verdicts: Verdict[] = [];
    for (const { name, bytes } of hostileRequests()) verdicts.push(await judge(name, bytes));
    expect(verdicts.length).toBeGreaterThan(900);
    note(report(verdicts));
    const laxer = verdicts.filter(({ ours, nginx: one, haproxy: other }) => ours > Math.max(one, other));
    expect(laxer.map(describeVerdict)).toEqual([]);
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

function report(verdicts: readonly Verdict[]): string {
  const many = (wanted: (verdict: Verdict) => boolean): string => `${verdicts.filter(wanted).length}`.padStart(6);
  return [
    'HTTP/1.1 beside nginx and haproxy:',
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
