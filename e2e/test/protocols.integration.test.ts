import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestCa } from '@tulle/testkit';
import type { TestCertificate } from '@tulle/testkit';
import { run } from '../src/playground-client.ts';
import { TestCluster } from './support/test-cluster.ts';

/** What the client saw, by the name of each of its checks. */
type Seen = Readonly<Record<string, unknown>>;

const cluster = new TestCluster('protocols');
const podNames = ['client', 'far', 'near', 'old'];
/** In paths, header fields and bodies of what client and server say, other than in what they encrypt themselves. */
const spokenWords = [
  'secret-path-of-a-request',
  'words-of-the-request-body',
  'words-on-raw-tcp',
  'after the hints',
  'Sec-WebSocket-Accept',
];

let outside: ReturnType<typeof spawn> | undefined;
let outsideAddress: string;
let unmeshed: Seen;
let meshed: Seen;
let wordsWithoutMesh: readonly string[];
let wordsWithMesh: readonly string[];

function label(mesh: 'enabled' | 'disabled'): void {
  cluster.edit('00-namespaces.yaml', (text) => text.replace(/mesh: \w+/, `mesh: ${mesh}`));
}

async function look(...argv: readonly string[]): Promise<Seen> {
  return await cluster.execJson<Seen>('shop/client', ['node', 'client.mjs', outsideAddress, ...argv]);
}

/** What the client sees, and which of the words crossed the link between the nodes in clear meanwhile. */
async function lookAndRecord(): Promise<{ readonly seen: Seen; readonly words: readonly string[] }> {
  await using recorder = await cluster.recordLink('n1');
  const seen = await look();
  const { packets, found } = await recorder.stop(spokenWords);
  expect(packets).toBeGreaterThan(100);
  return { seen, words: found };
}

async function startOutside(): Promise<void> {
  const node = await cluster.node('n2');
  outsideAddress = node.address;
  const argv = ['netns', 'exec', node.netns, process.execPath, `${cluster.directory}/outside.mjs`];
  outside = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (outside.stdout !== null) await once(outside.stdout, 'data');
}

beforeAll(async () => {
  const ca = new TestCa();
  const leaf = ca.issue({ dnsNames: ['raw'] });
  cluster.write('ca.crt', ca.certificate.certPem);
  cluster.write('tls.crt', leaf.certPem);
  cluster.write('tls.key', leaf.keyPem);
  await cluster.start();
  await startOutside();
  ({ seen: unmeshed, words: wordsWithoutMesh } = await lookAndRecord());
  label('enabled');
  await cluster.untilCaptured('shop', podNames);
  ({ seen: meshed, words: wordsWithMesh } = await lookAndRecord());
});

afterAll(async () => {
  outside?.kill('SIGKILL');
  await cluster.down();
});

describe('what applications speak is in the mesh as it is without it', () => {
  it('is spoken at all', () => {
    const failed = Object.entries(unmeshed).filter(([, seen]) => JSON.stringify(seen).includes('FAILED'));
    expect(failed).toEqual([]);
    expect(Object.keys(unmeshed).length).toBeGreaterThan(50);
  });

  it('each way, detected, routed and on one node', () => {
    expect(meshed).toEqual(unmeshed);
  });

  it('with bodies of 50 MB both ways, chunked', async () => {
    const seen = await look('large');
    const hash = createHash('sha256');
    for (let i = 0; i < 50; i++) hash.update(Buffer.alloc(1 << 20, 'words-of-a-large-response '));
    const whole = { heardAsSent: true, received: hash.digest('hex') };
    expect(seen).toEqual({
      'detected: 50 MB both ways': whole,
      'routed: 50 MB both ways': whole,
      'near: 50 MB both ways': whole,
    });
  });
});

describe('the link between the nodes', () => {
  it('carries what is said in clear without the mesh, and nothing of it with the mesh', () => {
    expect(wordsWithoutMesh).toEqual(spokenWords);
    expect(wordsWithMesh).toEqual([]);
  });
});

describe('port 15008 of a pod', () => {
  /** What a client with these files gets of the tunnel's port: empty when it gets no byte. */
  async function answerTo(files: { readonly certificate: string; readonly key: string } | undefined): Promise<string> {
    const { ip } = await cluster.pod('shop', 'far');
    const own = files === undefined ? [] : ['-cert', files.certificate, '-key', files.key];
    const argv = ['s_client', '-connect', `${ip}:15008`, '-alpn', 'h2', '-tls1_3', '-quiet', '-verify_quiet', ...own];
    // From the other node's namespace, which is in no mesh. HTTP/2 begins with a preface and SETTINGS.
    const start = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    const { netns } = await cluster.node('n1');
    const { stdout } = await run('ip', ['netns', 'exec', netns, 'timeout', '3', 'openssl', ...argv], { input: start });
    return stdout;
  }

  function write(name: string, certificate: TestCertificate) {
    const files = { certificate: `${cluster.directory}/${name}.crt`, key: `${cluster.directory}/${name}.key` };
    cluster.write(`${name}.crt`, certificate.certPem);
    cluster.write(`${name}.key`, certificate.keyPem);
    return files;
  }

  const identity = 'spiffe://cluster.local/ns/shop/sa/client';
  let authority: TestCa;

  beforeAll(async () => {
    const { ca } = await cluster.status();
    authority = new TestCa({
      existing: { certPem: readFileSync(ca.bundle, 'utf8'), keyPem: readFileSync(ca.rootKey, 'utf8') },
    });
  });

  it("answers a client with a certificate of the mesh's authority", async () => {
    expect(await answerTo(write('good', authority.leaf(identity)))).not.toBe('');
  });

  it('answers nothing to a client without a certificate', async () => {
    expect(await answerTo(undefined)).toBe('');
  });

  it.each([
    ['an expired one', () => authority.defective('expired', identity)],
    ['one of another authority', () => new TestCa().leaf(identity)],
    ['one of another trust domain', () => authority.leaf('spiffe://elsewhere.example/ns/shop/sa/client')],
  ])('answers nothing to a client with %s', async (name, certificate) => {
    expect(await answerTo(write(name.replaceAll(' ', '-'), certificate()))).toBe('');
  });
});

describe('what differs, as docs/behaviour.md lists it', () => {
  const connectTo = (port: number, bytes: string) =>
    cluster.exec('shop/client', ['python3', 'connect.py', 'raw', `${port}`, bytes]);

  it('is where nobody listens: the connection is made, and reset', async () => {
    expect((await connectTo(7009, 'anything')).stdout).toBe('connected, then ConnectionResetError\n');
  });

  it('is where nobody listens and HTTP is spoken: an answer with its reason', async () => {
    const { stdout } = await connectTo(7009, 'GET / HTTP/1.1\r\nHost: raw\r\n\r\n');
    expect(stdout).toMatch(/^connected, then HTTP\/1\.1 503 /);
    expect(stdout).toContain('tulle-reason: connect-failed');
  });
});

describe('a namespace that has left the mesh', () => {
  it('speaks and is spoken to as before', async () => {
    label('disabled');
    await cluster.untilCaptured('shop', []);
    expect(await look()).toEqual(unmeshed);
    expect((await cluster.exec('shop/client', ['python3', 'connect.py', 'raw', '7009', ''])).stdout).toBe(
      'not connected: ConnectionRefusedError\n',
    );
  });
});
