import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces, readAll } from './mesh-of-namespaces.ts';

const corpus = new URL('../../packages/wire/corpus/http1/requests/', import.meta.url);
const smuggled = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n');

/** The status of each rule that is not answered with 400. */
const statuses: Readonly<Record<string, number>> = {
  'head-too-large': 431,
  'too-many-fields': 431,
  'trailer-too-large': 431,
  'request-line-too-long': 414,
  'transfer-coding-unknown': 501,
  'version-unsupported': 505,
};

/** Rules of bodies: the head has gone to the server by the time they are broken, but never a whole request. */
const ofBodies = /^(chunk|trailer)-|chunk|trailer/;

/** The corpus reaches bounds with inputs that the agent's larger bounds allow: these reach the agent's. */
const atTheAgentsBounds: Readonly<Record<string, string>> = {
  'head-too-large': `GET / HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(61 * 1024)}\r\n\r\n`,
  'request-line-too-long': `GET /${'a'.repeat(17 * 1024)} HTTP/1.1\r\nHost: h\r\n\r\n`,
  'too-many-fields': `GET / HTTP/1.1\r\nHost: h\r\n${'X-A: b\r\n'.repeat(100)}\r\n`,
  'too-many-fields in trailers': `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X-A: b\r\n'.repeat(33)}\r\n`,
  'chunk-line-too-long': `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=${'b'.repeat(1_100)}\r\na\r\n0\r\n\r\n`,
  'trailer-too-large': `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ${'b'.repeat(9_000)}\r\n\r\n`,
};

/** Every place to cut a short input, some of a long one. */
function placesOf(input: Buffer): number[] {
  const step = Math.max(1, Math.floor(input.length / 200));
  return Array.from({ length: Math.ceil(input.length / step) }, (_, i) => i * step).slice(1);
}

describe('what HTTP/1.1 forbids, cut in two at every place', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let server: Server;
  /** All that reached the server, a text for each connection. */
  let reached: string[] = [];

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    const cart = await mesh.addPod('cart');
    server = createServer((socket) => {
      const index = reached.push('') - 1;
      const all = reached;
      socket.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1');
        if (text.startsWith('GET /barrier')) {
          all[index] = '';
          socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        } else all[index] += text;
      });
      socket.on('error', () => {});
    });
    server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', '10.99.0.10', { pods: [cart], targetPort: 8080, protocol: 'http' });
  });

  afterAll(async () => {
    server.close();
    await mesh.close();
  });

  /** Sends the input in two parts, the second once the worker has read the first; gives all answers. */
  const sendCut = async (input: Buffer): Promise<string[]> => {
    const places = placesOf(input);
    const sockets: Socket[] = await Promise.all(
      places.map(() => mesh.connect(web, { address: '10.99.0.10', port: 80 })),
    );
    const answers = sockets.map((socket) => readAll(socket));
    for (const [i, socket] of sockets.entries()) socket.write(input.subarray(0, places[i]));
    // Two turns of the worker's loop: it accepts in one, and has read by the end of the next.
    for (let turn = 0; turn < 2; turn++) await mesh.measures();
    for (const [i, socket] of sockets.entries()) socket.write(Buffer.concat([input.subarray(places[i]), smuggled]));
    const texts = await Promise.all(answers);
    // The server accepts in order: when it has answered this, it has seen every connection before it.
    const barrier = await mesh.connect(web, { address: '10.99.0.10', port: 80 });
    barrier.write('GET /barrier HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    await readAll(barrier);
    barrier.destroy();
    for (const socket of sockets) socket.destroy();
    return texts;
  };

  const check = async (rule: string, name: string, input: Buffer): Promise<void> => {
    reached = [];
    const answers = await sendCut(input);
    const status = statuses[rule] ?? 400;
    // What came before the fault may be a request of its own, which the server here leaves unanswered.
    for (const answer of answers) {
      expect([name, answer.slice(0, 12)]).toEqual([name, `HTTP/1.1 ${status}`]);
      expect(answer.toLowerCase()).toContain('\r\nconnection: close\r\n');
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    }
    const all = reached.join('');
    expect(all).not.toContain('smuggled');
    if (!ofBodies.test(`${rule}/${name}`)) expect([name, all]).toEqual([name, '']);
    else for (const one of reached) expect([name, one.endsWith('0\r\n\r\n')]).toEqual([name, false]);
  };

  it('is not missed in the second of two pipelined requests', async () => {
    const sound = 'GET /barrier HTTP/1.1\r\nHost: h\r\n\r\n';
    const socket = await mesh.connect(web, { address: '10.99.0.10', port: 80 });
    socket.end(`${sound}${sound}GET / HTTP/1.1\r\nHost : h\r\n\r\n${smuggled.toString()}`);
    const answers = await readAll(socket);
    expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
    socket.destroy();
  });

  const rules = readdirSync(corpus).filter((rule) => rule !== 'accepted');

  it.each(rules)('%s', async (rule) => {
    const large = atTheAgentsBounds[rule];
    if (large !== undefined) {
      await check(rule, 'at the bound of the agent', Buffer.from(large));
      const inTrailers = atTheAgentsBounds[`${rule} in trailers`];
      if (inTrailers !== undefined) await check(rule, 'in the trailers', Buffer.from(inTrailers));
      return;
    }
    for (const name of readdirSync(new URL(`${rule}/`, corpus))) {
      await check(rule, name, readFileSync(new URL(`${rule}/${name}`, corpus)));
    }
  });
});
