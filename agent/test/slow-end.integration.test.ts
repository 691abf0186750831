import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientPreface } from '@tulle/wire';
import { frame, frameLines, getHeaders, uint32 } from '../../packages/wire/test/http2-ends.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const address = '10.99.0.10';
const overHttp2 = '10.99.0.11';
/** More than a connection's end waits for stray input, and less than sockets take without being read. */
const slownessMs = 2_500;
const body = Buffer.alloc(3 << 20, 'x');
/** What the kernels on both sides take, so that nothing waits in the worker. */
const smallerBody = Buffer.alloc(600 << 10, 'x');

describe('the end of a connection', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let server: Server;
  let http2: Http2Server;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    server = createServer(({ url }, response) => response.end(url === '/smaller' ? smallerBody : body));
    server.listen({ fd: mesh.listen(cart, 8080) });
    http2 = createHttp2Server((_request, response) => response.end(body));
    http2.listen({ fd: mesh.listen(cart, 8081) });
    mesh.addService('cart', address, { pods: [cart], targetPort: 8080, protocol: 'http' });
    mesh.addService('cart2', overHttp2, { pods: [cart], targetPort: 8081, protocol: 'http2' });
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    http2.close();
    await mesh.close();
  });

  it.each([
    ['HTTP/1.1, and the client asks for the end', address, 'GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n'],
    ['HTTP/1.0', address, 'GET / HTTP/1.0\r\n\r\n'],
    ['HTTP/1.0, from HTTP/2', overHttp2, 'GET / HTTP/1.0\r\n\r\n'],
  ])('comes after all of a response whose reader is slow: %s', async (_name, to, request) => {
    const socket = await mesh.connect(web, { address: to, port: 80 });
    socket.write(request);
    socket.pause();
    const all = readAll(socket);
    await wait(slownessMs);
    socket.resume();
    const answer = await all;
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(body.length);
    socket.destroy();
  });

  it('comes after all of a response whose slow reader sends a CRLF too many after its last request', async () => {
    const socket = await mesh.connect(web, { address, port: 80 });
    socket.write('GET /smaller HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    socket.pause();
    const all = readAll(socket);
    await wait(slownessMs / 5);
    socket.write('\r\n');
    await wait(slownessMs);
    socket.resume();
    const answer = await all;
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(smallerBody.length);
    socket.destroy();
  });

  it('comes after all of a response whose reader is slow: HTTP/2, of which the client has ended its half', async () => {
    const socket = await mesh.connect(web, { address: overHttp2, port: 80 });
    const windows = Buffer.concat([
      frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(0x7fffffff)])),
      frame(4, 1, 0),
      frame(8, 0, 0, uint32(0x7fff0000)),
    ]);
    socket.end(Buffer.concat([clientPreface, windows, frame(1, 5, 1, getHeaders)]));
    socket.pause();
    const all = readAll(socket);
    await wait(slownessMs);
    socket.resume();
    const got = Buffer.from(await all, 'latin1');
    const data = frameLines(got).filter((line) => line.startsWith('DATA 1 '));
    const bytes = data.reduce((sum, line) => sum + Number(line.split(': ')[1]), 0);
    expect(bytes).toBe(body.length);
    socket.destroy();
  });
});
