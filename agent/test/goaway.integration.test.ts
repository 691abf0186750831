import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientPreface, encodeHeaderList } from '@tulle/wire';
import { frame, uint32 } from '../../packages/wire/test/http2-ends.ts';
import { http2Call, http2Session } from './http-harness.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const address = '10.99.0.10';

/** A request as the server has it: the connection it came on, its stream, and what of its body came. */
interface Seen {
  readonly connection: number;
  readonly stream: number;
  body: string;
  ended: boolean;
}

describe('a server of HTTP/2 that says GOAWAY', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let server: Server;
  let seen: Seen[] = [];
  let connections = 0;
  /** What the server does when a request is whole; it may look at all that came on the connection. */
  let onWhole: (request: Seen, socket: Socket) => void;

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    server = createServer((socket) => {
      const connection = connections++;
      let bytes = Buffer.alloc(0);
      let isBegun = false;
      socket.on('error', () => {});
      socket.write(Buffer.concat([frame(4, 0, 0), frame(4, 1, 0)]));
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (!isBegun && bytes.length >= clientPreface.length) {
          bytes = bytes.subarray(clientPreface.length);
          isBegun = true;
        }
        while (isBegun && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
          const length = bytes.readUIntBE(0, 3);
          const [type = 0, flags = 0] = bytes.subarray(3, 5);
          const stream = bytes.readUInt32BE(5);
          const payload = bytes.subarray(9, 9 + length);
          bytes = bytes.subarray(9 + length);
          if (type > 1) continue;
          if (type === 1) seen.push({ connection, stream, body: '', ended: false });
          const request = seen.find((one) => one.connection === connection && one.stream === stream);
          if (request === undefined) continue;
          if (type === 0) request.body += payload.toString('latin1');
          request.ended = (flags & 1) !== 0;
          if (request.ended) onWhole(request, socket);
        }
      });
    });
    server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', address, { pods: [cart], targetPort: 8080, protocol: 'http2' });
  });

  afterAll(async () => {
    server.close();
    await mesh.close();
  });

  const answer = (socket: Socket, { stream, connection }: Seen): void => {
    const head = encodeHeaderList([
      [':status', '200'],
      ['x-connection', `${connection}`],
    ]);
    socket.write(frame(1, 5, stream, head));
  };
  const goaway = (lastStream: number): Buffer => frame(7, 0, 0, Buffer.concat([uint32(lastStream), uint32(0)]));
  const posts = async (count: number) => {
    const session = await http2Session(mesh, web, address);
    const calls = Array.from({ length: count }, (_, i) =>
      http2Call(session, { ':method': 'POST', ':path': `/${i}` }, `body ${i}`),
    );
    const answers = await Promise.all(calls);
    session.close();
    return answers;
  };

  it('gets what it did not process on another connection, with the body; what it did is not sent again', async () => {
    seen = [];
    const first = connections;
    onWhole = (request, socket) => {
      const whole = seen.filter(({ connection, ended }) => connection === request.connection && ended);
      if (request.connection > first) answer(socket, request);
      else if (whole.length === 4) {
        // The first two were processed; of the others it says that it never looked at them.
        socket.write(goaway(3));
        for (const one of whole.filter(({ stream }) => stream <= 3)) answer(socket, one);
      }
    };
    const answers = await posts(4);
    expect(answers.map(({ headers }) => headers[':status'])).toEqual([200, 200, 200, 200]);
    const again = answers.filter(({ headers }) => headers['x-connection'] !== `${first}`);
    expect(again).toHaveLength(2);
    const bodies = (onFirst: boolean) =>
      seen.filter(({ connection }) => (connection === first) === onFirst).map(({ body }) => body);
    expect(bodies(true).sort()).toEqual(['body 0', 'body 1', 'body 2', 'body 3']);
    expect(bodies(false).sort()).toEqual(['body 2', 'body 3']);
  });

  it('ends what it has begun, and new requests go to another connection', async () => {
    seen = [];
    const first = connections;
    const { promise: begun, resolve: onBegun } = Promise.withResolvers<() => void>();
    onWhole = (request, socket) => {
      if (request.connection > first || seen.length > 1) return answer(socket, request);
      socket.write(goaway(request.stream));
      onBegun(() => answer(socket, request));
    };
    const old = await http2Session(mesh, web, address);
    const slow = http2Call(old, { ':method': 'POST', ':path': '/slow' }, 'slow');
    const finish = await begun;
    const [next] = await posts(1);
    expect(next?.headers[':status']).toBe(200);
    expect(seen[1]?.connection).not.toBe(seen[0]?.connection);
    finish();
    expect((await slow).headers[':status']).toBe(200);
    old.close();
  });

  it('and breaks off: what may have been processed is not sent again, but answered with 502', async () => {
    seen = [];
    onWhole = (request, socket) => {
      socket.write(goaway(request.stream));
      socket.end();
    };
    const [broken] = await posts(1);
    expect(broken?.headers).toMatchObject({ ':status': 502, 'tulle-reason': 'upstream-reset' });
    expect(seen).toHaveLength(1);
  });
});
