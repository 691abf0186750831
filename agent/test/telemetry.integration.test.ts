import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestLabels } from '../src/ipc.ts';
import { http2Get } from './http2-get.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule, readAll } from './mesh-of-namespaces.ts';

const cart = { address: '10.99.5.1', port: 80 };
const calls = { address: '10.99.5.2', port: 80 };
const routed = { address: '10.99.5.3', port: 80 };
const empty = { address: '10.99.5.4', port: 80 };
const bytes = { address: '10.99.5.5', port: 80 };

const traces = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=value,other=1',
  b3: '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90',
  'x-b3-traceid': '80f198ee56343ba864fe8b2a57d3eff7',
  'x-b3-spanid': 'e457b5a2e4d86bd1',
  'x-b3-sampled': '1',
  baggage: 'userId=alice',
};

describe('what is told of requests and connections', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  const servers: (Server | Http2Server)[] = [];
  let lastHeaders: IncomingHttpHeaders = {};
  let endpoint = '';

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const pod = await mesh.addPod('cart');
    endpoint = `${pod.address}:8080`;
    const plain = createServer((request, response) => {
      lastHeaders = request.headers;
      response.statusCode = Number(request.headers['x-status'] ?? 200);
      response.end('fine');
    });
    plain.listen({ fd: mesh.listen(pod, 8080) });
    const grpc = createHttp2Server();
    grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
      lastHeaders = headers;
      const status = String(headers['x-grpc-status'] ?? '0');
      if (headers['x-trailers-only'] === 'yes') {
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status },
          { endStream: true },
        );
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
      stream.end('x');
    });
    grpc.listen({ fd: mesh.listen(pod, 8081) });
    servers.push(plain, grpc);
    mesh.addService('cart', cart.address, { pods: [pod], targetPort: 8080, protocol: 'http' });
    mesh.addService('calls', calls.address, { pods: [pod], targetPort: 8081, protocol: 'grpc' });
    mesh.addService('empty', empty.address, { pods: [], targetPort: 1, protocol: 'http' });
    mesh.addService('bytes', bytes.address, { pods: [], targetPort: 1, protocol: 'tcp' });
    mesh.addService('routed', routed.address, {
      pods: [],
      targetPort: 1,
      table: oneRule({ route: 'HTTPRoute/shop/canary', name: 'testers', backends: [backendTo('cart')] }),
    });
    await mesh.measures();
  });

  afterAll(async () => {
    for (const server of servers) {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
    await mesh.close();
  });

  const get = async (to: typeof cart, path: string, fields = ''): Promise<string> => {
    const socket = await mesh.connect(web, to);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`);
    const answer = await readAll(socket);
    socket.destroy();
    return answer;
  };

  const call = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    const socket = await mesh.connect(web, calls);
    const answer = await http2Get(socket, '/shop.Cart/Add', {
      ':method': 'POST',
      'content-type': 'application/grpc',
      ...headers,
    });
    socket.destroy();
    return answer;
  };

  /** The counts of requests by the labels that are asked for. */
  const counts = async (...names: (typeof requestLabels)[number][]): Promise<Record<string, number>> => {
    const sums: Record<string, number> = {};
    for (const { labels, count } of (await mesh.measures()).requests) {
      const key = names.map((name) => labels[requestLabels.indexOf(name)]).join(' ');
      sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  };

  it('counts requests by source, destination, route with its rule, protocol, status class and reason', async () => {
    await get(routed, '/x');
    await get(routed, '/x', 'x-status: 404\r\n');
    await get(empty, '/x');
    const socket = await mesh.connect(web, cart);
    await http2Get(socket, '/two');
    socket.destroy();
    const found = await counts(
      'source_workload',
      'source_namespace',
      'destination_service',
      'route',
      'protocol',
      'status_class',
      'reason',
    );
    expect(found).toMatchObject({
      'web shop routed HTTPRoute/shop/canary#testers http/1.1 2xx ': 1,
      'web shop routed HTTPRoute/shop/canary#testers http/1.1 4xx ': 1,
      'web shop empty  http/1.1 5xx no-healthy-endpoint': 1,
      'web shop cart  http/2 2xx ': 1,
    });
  });

  it('counts gRPC statuses, from trailers and from responses without a body, and those of the mesh', async () => {
    await call({});
    await call({ 'x-grpc-status': '5' });
    await call({ 'x-grpc-status': '14', 'x-trailers-only': 'yes' });
    await call({ 'x-grpc-status': 'nonsense' });
    const socket = await mesh.connect(web, empty);
    await http2Get(socket, '/a.B/C', { ':method': 'POST', 'content-type': 'application/grpc' });
    socket.destroy();
    const found = await counts('destination_service', 'grpc_status', 'reason');
    expect(found).toMatchObject({
      'calls 0 ': 1,
      'calls 5 ': 1,
      'calls 14 ': 1,
      'calls 2 ': 1,
      'empty 14 no-healthy-endpoint': 1,
    });
    expect(found['cart  ']).toBeGreaterThan(0);
  });

  it('passes the headers of tracing on as they came, over both versions', async () => {
    const lines = Object.entries(traces).map(([name, value]) => `${name}: ${value}\r\n`);
    await get(cart, '/traced', lines.join(''));
    expect(lastHeaders).toMatchObject(traces);
    lastHeaders = {};
    await call(traces);
    expect(lastHeaders).toMatchObject(traces);
  });

  it('writes a line for what failed and none for what did not', async () => {
    await get(cart, '/fine');
    await get(cart, '/missing', 'x-status: 404\r\n');
    await get(cart, '/broken?secret=1', 'x-status: 500\r\n');
    expect(await mesh.readLine(({ path }) => path === '/broken')).toMatchObject({
      part: 'agent-access',
      access: 'request',
      source: 'shop/web',
      sourceWorkload: 'web',
      destination: 'shop/cart:80',
      protocol: 'http/1.1',
      method: 'GET',
      status: 500,
      endpoint,
      time: expect.any(Number),
      durationMs: expect.any(Number),
    });
    await get(empty, '/nobody');
    expect(await mesh.readLine(({ path }) => path === '/nobody')).toMatchObject({
      status: 503,
      reason: 'no-healthy-endpoint',
    });
    expect(mesh.output).not.toContain('secret');
    expect(mesh.output).not.toContain('/fine');
    expect(mesh.output).not.toContain('/missing');
  });

  it('writes of failed gRPC calls what was called, and of connections where they went', async () => {
    await call({ 'x-grpc-status': '13', ':path': '/shop.Cart/Fail?x=1' });
    expect(await mesh.readLine(({ grpcStatus }) => grpcStatus === 13)).toMatchObject({
      method: 'POST',
      path: '/shop.Cart/Fail',
      protocol: 'http/2',
      status: 200,
      destination: 'shop/calls:80',
    });
    const socket = await mesh.connect(web, bytes).catch(() => undefined);
    socket?.write('x');
    if (socket !== undefined) await readAll(socket);
    expect(await mesh.readLine(({ access }) => access === 'connection')).toMatchObject({
      source: 'shop/web',
      destination: 'shop/bytes:80',
      protocol: 'tcp',
      reason: 'no-healthy-endpoint',
    });
  });
});

describe('an access log of everything', () => {
  it('has a line for each request, of HTTP/2 too, and one for each connection', async () => {
    const mesh = await MeshOfNamespaces.create({ accessLog: { errors: true, percent: 100 } });
    const web = await mesh.addPod('web');
    const pod = await mesh.addPod('cart');
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200 });
      stream.end('x');
    });
    server.listen({ fd: mesh.listen(pod, 8080) });
    try {
      mesh.addService('cart', cart.address, { pods: [pod], targetPort: 8080, protocol: 'http2' });
      mesh.addService('raw', bytes.address, { pods: [pod], targetPort: 8080, protocol: 'tcp' });
      await mesh.measures();
      for (const to of [cart, bytes]) {
        const socket = await mesh.connect(web, to);
        const session = connectHttp2('http://cart', { createConnection: () => socket });
        for (const path of ['/one?a=b', '/two']) {
          const stream = session.request({ ':path': path });
          stream.resume();
          await new Promise((resolve) => stream.on('end', resolve));
        }
        await new Promise<void>((resolve) => session.close(resolve));
        socket.destroy();
      }
      for (const path of ['/one', '/two']) {
        expect(await mesh.readLine((line) => line['path'] === path)).toMatchObject({ method: 'GET', status: 200 });
      }
      const line = await mesh.readLine(({ access }) => access === 'connection');
      expect(line).toMatchObject({ destination: 'shop/raw:80', protocol: 'tcp' });
      expect(Number(line['receivedBytes'])).toBeGreaterThan(0);
    } finally {
      server.close();
      await mesh.close();
    }
  });
});
