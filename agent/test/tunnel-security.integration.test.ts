import { once } from 'node:events';
import { constants, connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestCa, testDefects } from '@tulle/testkit';
import type { TestCertificate } from '@tulle/testkit';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const clientIdentity = 'spiffe://cluster.local/ns/shop/sa/stranger';
/** What every HTTP/2 client begins with: the preface and empty SETTINGS (RFC 9113 section 3.4). */
const http2Start = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

describe('the HBONE port of a pod', () => {
  let mesh: MeshOfNamespaces;
  let cart: TestPod;
  let stranger: TestPod;
  let server: Server;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    cart = await mesh.addPod('cart');
    stranger = await mesh.addPod('stranger', { meshed: false });
    server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen({ fd: mesh.listen(cart, 7000) });
  });

  afterAll(async () => {
    server.close();
    await mesh.close();
  });

  const secure = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const socket = await mesh.connect(stranger, { address: cart.address, port: 15_008 });
    return connectTls({ socket, ca: mesh.ca.certificate.certPem, checkServerIdentity: () => undefined, ...options });
  };

  /** All bytes that the server sends to a client that begins to speak HTTP/2. */
  const answerTo = async (options: ConnectionOptions): Promise<Buffer> => {
    const tls = await secure(options);
    const chunks: Buffer[] = [];
    tls.on('data', (chunk: Buffer) => chunks.push(chunk));
    tls.on('error', () => {});
    tls.write(http2Start);
    await new Promise<void>((resolve) => {
      tls.once('close', () => resolve());
      tls.once('end', () => tls.destroy());
    });
    return Buffer.concat(chunks);
  };

  const withCertificate = (certificate: TestCertificate): ConnectionOptions => ({
    cert: certificate.certPem,
    key: certificate.keyPem,
    ALPNProtocols: ['h2'],
  });

  it('answers nothing to a client without a certificate', async () => {
    expect(await answerTo({ ALPNProtocols: ['h2'] })).toHaveLength(0);
  });

  it.each(testDefects)('answers nothing to a client whose certificate has the defect: %s', async (defect) => {
    const certificate = mesh.ca.defective(defect, clientIdentity);
    expect(await answerTo(withCertificate(certificate))).toHaveLength(0);
  });

  it('answers nothing to an identity of another trust domain, even signed by our root', async () => {
    const certificate = mesh.ca.leaf('spiffe://elsewhere.example/ns/shop/sa/stranger');
    expect(await answerTo(withCertificate(certificate))).toHaveLength(0);
  });

  it('answers nothing to a client of an authority of the same name', async () => {
    const twin = new TestCa({ commonName: 'twin' });
    expect(await answerTo(withCertificate(twin.leaf(clientIdentity)))).toHaveLength(0);
  });

  it('answers nothing to a client that does not offer h2', async () => {
    const { ALPNProtocols: _, ...withoutAlpn } = withCertificate(mesh.ca.leaf(clientIdentity));
    expect(await answerTo(withoutAlpn)).toHaveLength(0);
    expect(await answerTo({ ...withoutAlpn, ALPNProtocols: ['http/1.1'] })).toHaveLength(0);
  });

  it('speaks TLS 1.3 only', async () => {
    const options = { ...withCertificate(mesh.ca.leaf(clientIdentity)), maxVersion: 'TLSv1.2' as const };
    const tls = await secure(options);
    const [error] = (await new Promise((resolve) => tls.once('error', (thrown) => resolve([thrown])))) as [Error];
    expect(error.message).toMatch(/protocol version/i);
  });

  const session = async (): Promise<ClientHttp2Session> => {
    const tls = await secure(withCertificate(mesh.ca.leaf(clientIdentity)));
    await once(tls, 'secureConnect');
    return connectHttp2(`https://${cart.address}`, { createConnection: () => tls });
  };

  const statusOf = async (client: ClientHttp2Session, headers: Record<string, string>): Promise<number> => {
    const stream = client.request(headers, { endStream: false });
    stream.on('error', () => {});
    const [answer] = (await once(stream, 'response')) as [Record<string, number>];
    stream.close(constants.NGHTTP2_CANCEL);
    return answer[':status'] ?? 0;
  };

  it("answers by the contract to a client that is not ours: Node's own HTTP/2", async () => {
    const client = await session();
    const connect = (authority: string) => statusOf(client, { ':method': 'CONNECT', ':authority': authority });
    expect(await connect(`${cart.address}:7000`)).toBe(200);
    expect(await connect(`${cart.address}:9`)).toBe(503);
    expect(await connect(`${stranger.address}:7000`)).toBe(400);
    expect(await connect(`${cart.address}:15008`)).toBe(400);
    expect(await connect('cart:80')).toBe(400);
    // No authority at all: the request is malformed (RFC 9113 section 8.1.1).
    await expect(connect('cart:http')).rejects.toThrow('NGHTTP2_PROTOCOL_ERROR');
    const get = { ':method': 'GET', ':scheme': 'https', ':path': '/', ':authority': `${cart.address}:7000` };
    expect(await statusOf(client, get)).toBe(400);
    client.destroy();
  });

  it('carries bytes and half-closes for such a client', async () => {
    const client = await session();
    const stream = client.request({ ':method': 'CONNECT', ':authority': `${cart.address}:7000` }, { endStream: false });
    let got = '';
    stream.on('data', (chunk: Buffer) => (got += chunk.toString()));
    stream.end('through the tunnel');
    await once(stream, 'end');
    expect(got).toBe('through the tunnel');
    client.destroy();
  });
});
