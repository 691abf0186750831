import { once } from 'node:events';
import { constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HttpRule } from '@tulle/ir';
import { Http2Backend, http2Session, readHttp2 } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { backendTo, MeshOfNamespaces, oneRule } from './mesh-of-namespaces.ts';

const shop = '10.99.0.10';
const routed = '10.99.0.11';
const call = { ':method': 'POST', ':path': '/shop.Cart/Add', 'content-type': 'application/grpc', te: 'trailers' };

/** A gRPC message: not compressed, and its length. */
function message(text: string): Buffer {
  const bytes = Buffer.alloc(5 + text.length);
  bytes.writeUInt32BE(text.length, 1);
  bytes.write(text, 5, 'latin1');
  return bytes;
}

/** Whether the response is one header block that ends its stream. */
async function isTrailersOnly(stream: ClientHttp2Stream): Promise<boolean> {
  const [, flags] = (await once(stream, 'response')) as [IncomingHttpHeaders, number];
  return (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
}

describe('gRPC through the agent', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let session: ClientHttp2Session;
  const backend = new Http2Backend();
  const serve = (handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) =>
    (backend.handle = handle);

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    backend.listen(mesh, cart, 8080);
    mesh.addService('cart', shop, { pods: [cart], targetPort: 8080, protocol: 'grpc' });
    mesh.addService('empty', '10.99.0.12', { pods: [], targetPort: 8080, protocol: 'grpc' });
    mesh.addService('deaf', '10.99.0.13', { pods: [cart], targetPort: 8999, protocol: 'grpc' });
    session = await http2Session(mesh, web, shop);
  });

  afterAll(async () => {
    session.close();
    backend.close();
    await mesh.close();
  });

  const begin = (headers: Record<string, string> = {}): ClientHttp2Stream => {
    const stream = session.request({ ...call, ...headers }, { endStream: false });
    stream.on('error', () => {});
    return stream;
  };

  it('passes on what a call says about itself: its deadline, its metadata, binary too', async () => {
    const headers = { 'grpc-timeout': '1500m', 'grpc-encoding': 'gzip', 'x-a': 'b', 'x-raw-bin': 'AAECAw' };
    let seen: IncomingHttpHeaders = {};
    serve((stream, got) => {
      seen = got;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true });
    });
    const stream = begin(headers);
    stream.end();
    await readHttp2(stream);
    expect(seen).toMatchObject({ ...headers, te: 'trailers', 'content-type': 'application/grpc' });
  });

  it('passes on an answer of trailers only as that: one header block, which ends the stream', async () => {
    serve((stream) => {
      const status = { 'grpc-status': '9', 'grpc-message': 'not%20now', 'grpc-status-details-bin': 'CAk' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
    });
    const stream = begin();
    const trailersOnly = isTrailersOnly(stream);
    stream.end(message('x'));
    const { headers, trailers, body } = await readHttp2(stream);
    expect(headers).toMatchObject({
      'grpc-status': '9',
      'grpc-message': 'not%20now',
      'grpc-status-details-bin': 'CAk',
    });
    expect([await trailersOnly, trailers, body.length]).toEqual([true, {}, 0]);
  });

  it('streams all four ways, and ends each side when it ends', async () => {
    serve((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      let messages = 0;
      stream.on('data', (chunk: Buffer) => {
        messages += chunk.length / message('?').length;
        // To each message as many as it asks for.
        const wanted = Number(String.fromCharCode(chunk.at(-1) ?? 48));
        for (let i = 0; i < wanted; i++) stream.write(message('m'));
      });
      stream.on('end', () => stream.end(message(`${messages}`)));
    });
    for (const asked of [['0'], ['0', '0', '0'], ['3'], ['1', '2', '1']]) {
      const stream = begin();
      const answer = readHttp2(stream);
      for (const one of asked) {
        stream.write(message(one));
        await new Promise((resolve) => setImmediate(resolve));
      }
      stream.end();
      const { trailers, body } = await answer;
      expect(trailers['grpc-status']).toBe('0');
      expect(body.at(-1)).toBe(48 + asked.length);
    }
  });

  it('cancels at the server what the client cancels, and at the client what the server breaks off', async () => {
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<number>();
    serve((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(message('m'));
      stream.on('close', () => onClosed(stream.rstCode));
    });
    const cancelled = begin();
    await once(cancelled, 'data');
    cancelled.close(constants.NGHTTP2_CANCEL);
    expect(await closed).toBe(constants.NGHTTP2_CANCEL);
    serve((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      // Not `close`, which would end the stream first.
      stream.write(message('m'), () => stream.destroy(new Error('broken off')));
    });
    const broken = begin();
    broken.resume();
    await new Promise((resolve) => broken.once('close', resolve));
    expect(broken.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });

  const reset = (stream: ServerHttp2Stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  const silence = () => {};
  /** What the mesh answers itself, with the status that a gRPC client sees. Denials are in the tests of policy. */
  const answers: readonly (readonly [reason: string, status: string, rule: Partial<HttpRule>, typeof silence])[] = [
    [
      'invalid-backend',
      '14',
      {
        backends: [backendTo('cart', { target: { type: 'invalid', reason: 'BackendNotFound', message: 'not there' } })],
      },
      silence,
    ],
    ['no-healthy-endpoint', '14', { backends: [backendTo('empty')] }, silence],
    ['connect-failed', '14', { backends: [backendTo('deaf')] }, silence],
    ['upstream-reset', '14', { backends: [backendTo('cart')] }, reset as typeof silence],
    ['request-timeout', '4', { backends: [backendTo('cart')], requestTimeoutMs: 100 }, silence],
    ['upstream-timeout', '4', { backends: [backendTo('cart')], backendRequestTimeoutMs: 100 }, silence],
  ];

  const answerFrom = async (address: string): Promise<{ headers: IncomingHttpHeaders; trailersOnly: boolean }> => {
    const one = await http2Session(mesh, web, address);
    const stream = one.request(call, { endStream: false });
    stream.on('error', () => {});
    const trailersOnly = isTrailersOnly(stream);
    stream.write(message('x'));
    const { headers } = await readHttp2(stream);
    one.close();
    return { headers, trailersOnly: await trailersOnly };
  };

  it.each(answers)('says %s as status %s, in trailers and nothing else', async (reason, status, rule, handle) => {
    serve(handle);
    mesh.addService('routed', routed, { pods: [], targetPort: 1, protocol: 'grpc', table: oneRule(rule) });
    const { headers, trailersOnly } = await answerFrom(routed);
    const type = 'application/grpc';
    expect(headers).toMatchObject({
      ':status': 200,
      'content-type': type,
      'grpc-status': status,
      'tulle-reason': reason,
    });
    expect(headers['grpc-message']).toMatch(new RegExp(`^tulle: ${reason}: `));
    expect(trailersOnly).toBe(true);
  });

  it('says no-route as UNIMPLEMENTED, and routes that are not there yet as UNAVAILABLE', async () => {
    const table = { rules: [], matches: [] };
    mesh.addService('routed', routed, { pods: [], targetPort: 1, protocol: 'grpc', table });
    expect((await answerFrom(routed)).headers).toMatchObject({ 'grpc-status': '12', 'tulle-reason': 'no-route' });
    mesh.addService('late', '10.99.0.14', { pods: [cart], targetPort: 8080, protocol: 'grpc', table });
    mesh.apply({ routes: { changed: new Map(), removed: ['shop/late:80'] } });
    const late = await answerFrom('10.99.0.14');
    expect(late.headers).toMatchObject({ 'grpc-status': '14', 'tulle-reason': 'routes-missing' });
  });
});
