import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const clusterIP = '10.99.0.10';

describe('HTTP/1.1 through the agent, in network namespaces', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let server: Server;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    server = createServer((request, response) => handle(request, response));
    server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8080 });
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await mesh.close();
  });

  it('carries a request and shows the application its true client', async () => {
    let seen: string | undefined;
    handle = (request, response) => {
      seen = request.socket.remoteAddress?.replace('::ffff:', '');
      response.end(`hello ${request.url}`);
    };
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.write('GET /a?b=c HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n');
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/hello \/a\?b=c/);
    expect(seen).toBe(web.address);
    expect((await mesh.measures()).counters['hbone_accepted']).toBe(1);
    socket.destroy();
  });
});
