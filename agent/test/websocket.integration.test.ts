import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { http1Exchange, Http1Backend, Http2Backend, http2Call, http2Session, readHttp2 } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const upgrade =
  'GET /chat?room=1 HTTP/1.1\r\nHost: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: text\r\n\r\n`;

function acceptOf(asked: string | undefined): string {
  return createHash('sha1').update(`${asked}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

describe('WebSocket, each version of HTTP on either side', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const http1 = new Http1Backend();
  const http2 = new Http2Backend(true);
  const withoutConnect = new Http2Backend();
  let answerKey: (asked: string | undefined) => string = acceptOf;
  let seen: IncomingHttpHeaders = {};

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const chat = await mesh.addPod('chat');
    http1.listen(mesh, chat, 8080);
    http2.listen(mesh, chat, 8081);
    withoutConnect.listen(mesh, chat, 8082);
    mesh.addService('one', '10.99.0.1', { pods: [chat], targetPort: 8080, protocol: 'http' });
    mesh.addService('two', '10.99.0.2', { pods: [chat], targetPort: 8081, protocol: 'http2' });
    mesh.addService('without', '10.99.0.3', { pods: [chat], targetPort: 8082, protocol: 'http2' });
    http1.server.on('upgrade', (request: IncomingMessage, socket: Duplex, early: Buffer) => {
      seen = { ':path': request.url, ...request.headers };
      if (request.url === '/no') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
        return;
      }
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: text\r\n' +
          `Sec-WebSocket-Accept: ${answerKey(request.headers['sec-websocket-key'])}\r\n\r\nhi `,
      );
      echo(socket, early);
    });
    http2.handle = (stream, headers) => {
      seen = headers;
      if (headers[':path'] === '/no') {
        stream.respond({ ':status': 403 });
        stream.end('no');
        return;
      }
      stream.respond({ ':status': 200, 'sec-websocket-protocol': 'text' });
      stream.write('hi ');
      echo(stream, Buffer.alloc(0));
    };
  });

  afterAll(async () => {
    http1.close();
    http2.close();
    withoutConnect.close();
    await mesh.close();
  });

  const echo = (stream: Duplex, early: Buffer) => {
    stream.on('error', () => {});
    if (early.length > 0) stream.write(early);
    stream.on('data', (chunk: Buffer) => stream.write(chunk));
    stream.on('end', () => stream.end());
  };

  const offered = async (address: string): Promise<ClientHttp2Session> => {
    const session = await http2Session(mesh, web, address);
    const [settings] = (await once(session, 'remoteSettings')) as [{ enableConnectProtocol?: boolean }];
    expect(settings.enableConnectProtocol).toBe(true);
    return session;
  };
  const connect = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': 'chat' };

  it.each([
    ['an HTTP/1.1 server', '10.99.0.1'],
    ['an HTTP/2 server', '10.99.0.2'],
  ])('goes from an HTTP/1.1 client to %s', async (_what, address) => {
    const socket = await mesh.connect(web, { address, port: 80 });
    const answer = readAll(socket);
    socket.write(upgrade);
    await once(socket, 'data');
    socket.end('and more');
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nhi and more$/);
    expect(text.toLowerCase()).toContain(`sec-websocket-accept: ${acceptOf(key).toLowerCase()}\r\n`);
    expect(text).toMatch(/sec-websocket-protocol: text\r\n/i);
    expect(text).toMatch(/upgrade: websocket\r\n/i);
    expect(seen).toMatchObject({ ':path': '/chat?room=1', 'sec-websocket-version': '13' });
    socket.destroy();
  });

  it.each([
    ['an HTTP/1.1 server', '10.99.0.1'],
    ['an HTTP/2 server', '10.99.0.2'],
  ])('goes from an HTTP/2 client to %s', async (_what, address) => {
    const session = await offered(address);
    const stream = session.request({ ...connect, ':path': '/chat?room=1', 'sec-websocket-version': '13' });
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    expect(headers).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'text' });
    expect(headers).not.toHaveProperty('sec-websocket-accept');
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    stream.write('one ');
    await once(stream, 'data');
    stream.end('two');
    await once(stream, 'end');
    expect(chunks.join('')).toBe('hi one two');
    expect(seen).toMatchObject({ ':path': '/chat?room=1', 'sec-websocket-version': '13' });
    session.close();
  });

  it.each(['10.99.0.1', '10.99.0.2'])('hands on what a server that refuses says: %s', async (address) => {
    const session = await offered(address);
    const answer = await http2Call(session, { ...connect, ':path': '/no' });
    expect([answer.headers[':status'], answer.body.toString()]).toEqual([403, 'no']);
    session.close();
    const refused = upgrade.replace('/chat?room=1', '/no').replace('Upgrade\r\n', 'Upgrade, close\r\n');
    const text = await http1Exchange(mesh, web, address, refused);
    expect(text).toMatch(/^HTTP\/1\.1 403 [^]*no/);
  });

  it('answers 501 where an HTTP/2 server offers no extended CONNECT, and to other protocols', async () => {
    const text = await http1Exchange(mesh, web, '10.99.0.3', upgrade.replace('Upgrade\r\n', 'Upgrade, close\r\n'));
    expect(text).toMatch(/^HTTP\/1\.1 501 [^]*tulle-reason: upgrade-unsupported/);
    const session = await offered('10.99.0.3');
    const refused = await http2Call(session, { ...connect, ':path': '/' });
    expect(refused.headers).toMatchObject({ ':status': 501, 'tulle-reason': 'upgrade-unsupported' });
    const other = await http2Call(session, { ...connect, ':path': '/', ':protocol': 'connect-udp' });
    expect(other.headers).toMatchObject({ ':status': 501, 'tulle-reason': 'upgrade-unsupported' });
    session.close();
  });

  it('does not take the answer to another key', async () => {
    answerKey = () => acceptOf('another');
    const session = await offered('10.99.0.1');
    const answer = await http2Call(session, { ...connect, ':path': '/' });
    expect(answer.headers).toMatchObject({ ':status': 502, 'tulle-reason': 'upstream-reset' });
    answerKey = acceptOf;
    session.close();
  });

  it('keeps what a client sends too early from a server that does not switch: it would be its next request', async () => {
    const got: Buffer[] = [];
    const raw = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        got.push(chunk);
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      });
    });
    raw.listen({ fd: mesh.listen(mesh.pods.get('chat') as TestPod, 8083) });
    mesh.addService('raw', '10.99.0.4', {
      pods: [mesh.pods.get('chat') as TestPod],
      targetPort: 8083,
      protocol: 'http',
    });
    const session = await offered('10.99.0.4');
    const stream = session.request({ ...connect, ':path': '/' });
    stream.on('error', () => {});
    const answered = readHttp2(stream);
    stream.write('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n');
    expect((await answered).headers[':status']).toBe(403);
    expect((await http2Call(session, { ':path': '/next' })).headers[':status']).toBe(403);
    const text = Buffer.concat(got).toString();
    expect(text).not.toContain('smuggled');
    expect(text).toMatch(/GET \/next /);
    session.close();
    raw.close();
  });

  it('cuts off one side when the other is cut off', async () => {
    const session = await offered('10.99.0.1');
    const stream = session.request({ ...connect, ':path': '/' });
    const closed = once(http1.server, 'upgrade').then(async ([, socket]) => once(socket as Duplex, 'close'));
    await once(stream, 'data');
    stream.on('error', () => {});
    stream.close(8);
    await closed;
    session.close();
  });
});
