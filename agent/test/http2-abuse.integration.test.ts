import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientPreface, encodeHeaderList } from '@tulle/wire';
import { frame, frameLines, getHeaders, uint32 } from '../../packages/wire/test/http2-ends.ts';
import type { TestPod } from './mesh-of-namespaces.ts';
import { MeshOfNamespaces } from './mesh-of-namespaces.ts';

const mebibyte = 1 << 20;
const clusterIP = '10.99.0.10';
/** What one hostile connection may cost a worker, until it is closed. A hundredth of a second is the kernel's unit. */
const maxCpuMs = 1_500;
const maxGrownBytes = 96 * mebibyte;
/** A flood that is not stopped within so many parts is not stopped. */
const maxParts = 30_000;

const noSettings = Buffer.concat([clientPreface, frame(4, 0, 0), frame(4, 1, 0)]);
const largestWindow = frame(8, 0, 0, uint32(0x7fff0000));

/** A dynamic table entry of 4,000 bytes, and then what refers to it: a byte each. */
const insertLarge = Buffer.concat([Buffer.of(0x40, 1, 0x78, 0x7f, 0xa1, 0x1e), Buffer.alloc(4_000, 0x79)]);
const bombOf = (references: number): Buffer => Buffer.concat([getHeaders, insertLarge, Buffer.alloc(references, 0xbe)]);

/** Frames of one block: HEADERS without END_HEADERS, and CONTINUATIONs. */
function blockFrames(streamId: number, block: Buffer): Buffer {
  const size = 16_384;
  const parts: Buffer[] = [];
  for (let at = 0; at < block.length; at += size) {
    const last = at + size >= block.length ? 4 : 0;
    parts.push(frame(at === 0 ? 1 : 9, last | (at === 0 ? 1 : 0), streamId, block.subarray(at, at + size)));
  }
  return Buffer.concat(parts);
}

interface Flood {
  readonly name: string;
  /** Sent once, before the parts. */
  readonly first?: () => Buffer;
  readonly part: (index: number) => Buffer;
}

const id = (index: number): number => 2 * index + 1;
const open = (streamId: number, head: Buffer, flags = 5): Buffer => frame(1, flags, streamId, head);

/** What an attacker sends, with the head of a request as it is at the door. */
function floods(head: () => Buffer): Flood[] {
  return [
    { name: 'SETTINGS (CVE-2019-9515)', part: () => frame(4, 0, 0) },
    { name: 'SETTINGS acknowledgements', part: () => frame(4, 1, 0) },
    {
      name: 'SETTINGS that change the window of every stream',
      first: () => open(1, head(), 4),
      part: (index) => frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(index % 2 === 0 ? 0 : 65_535)])),
    },
    { name: 'PING (CVE-2019-9512)', part: () => frame(6, 0, 0, Buffer.alloc(8)) },
    { name: 'PING acknowledgements', part: () => frame(6, 1, 0, Buffer.alloc(8)) },
    { name: 'PRIORITY (CVE-2019-9513)', part: (index) => frame(2, 0, id(index), [0, 0, 0, 0, 1]) },
    { name: 'WINDOW_UPDATE', part: () => frame(8, 0, 0, uint32(1)) },
    { name: 'unknown frames', part: () => frame(0xb0, 0, 0, Buffer.alloc(8)) },
    { name: 'empty DATA (CVE-2019-9518)', first: () => open(1, head(), 4), part: () => frame(0, 0, 1) },
    { name: 'DATA of padding alone', first: () => open(1, head(), 4), part: () => frame(0, 8, 1, [3, 0, 0, 0]) },
    {
      name: 'rapid reset (CVE-2023-44487)',
      part: (index) => Buffer.concat([open(id(index), head()), frame(3, 0, id(index), uint32(8))]),
    },
    {
      name: 'resets that the client provokes (CVE-2025-8671)',
      part: (index) => Buffer.concat([open(id(index), head(), 4), frame(8, 0, id(index), uint32(0))]),
    },
    { name: 'malformed requests', part: (index) => open(id(index), encodeHeaderList([[':method', 'GET']])) },
    {
      name: 'CONTINUATION without end (CVE-2024-27316)',
      first: () => frame(1, 1, 1, head()),
      part: () => frame(9, 0, 1),
    },
    {
      name: 'a header block without end',
      first: () => frame(1, 1, 1, head()),
      part: () => frame(9, 0, 1, encodeHeaderList([['x-a', 'b'.repeat(8_000)]])),
    },
    {
      name: 'HPACK bombs: 40,000 references to one large field',
      part: (index) => blockFrames(id(index), bombOf(40_000)),
    },
    { name: 'header lists just above the limit', part: (index) => open(id(index), bombOf(20)) },
  ];
}

describe('hostile HTTP/2 clients, at both doors', () => {
  let mesh: MeshOfNamespaces;
  let web: TestPod;
  let cart: TestPod;
  let stranger: TestPod;
  let server: Http2Server;
  let reached = 0;
  let handle: (stream: ServerHttp2Stream) => void;
  const answer = (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  };

  beforeAll(async () => {
    mesh = await MeshOfNamespaces.create();
    web = await mesh.addPod('web');
    cart = await mesh.addPod('cart');
    stranger = await mesh.addPod('stranger', { meshed: false });
    server = createServer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      reached += 1;
      stream.on('error', () => {});
      handle(stream);
    });
    handle = answer;
    server.listen({ fd: mesh.listen(cart, 8080) });
    mesh.addService('cart', clusterIP, { pods: [cart], targetPort: 8080, protocol: 'http2' });
  });

  afterAll(async () => {
    server.close();
    await mesh.close();
  });

  /** The doors: what the agent serves in clear in the client's pod, and what it serves to other agents. */
  const doors = {
    'the captured port': {
      head: () => getHeaders,
      connect: () => mesh.connect(web, { address: clusterIP, port: 80 }),
    },
    'the tunnel port': {
      head: () =>
        encodeHeaderList([
          [':method', 'CONNECT'],
          [':authority', `${cart.address}:8080`],
        ]),
      connect: async () => {
        const { certPem, keyPem } = mesh.ca.leaf('spiffe://cluster.local/ns/shop/sa/stranger');
        const socket = await mesh.connect(stranger, { address: cart.address, port: 15_008 });
        const tls = connectTls({
          socket,
          ca: mesh.ca.certificate.certPem,
          cert: certPem,
          key: keyPem,
          ALPNProtocols: ['h2'],
          checkServerIdentity: () => undefined,
        });
        tls.on('error', () => {});
        await once(tls, 'secureConnect');
        return tls as Socket;
      },
    },
  } as const;

  const cpuMs = (): number => {
    const fields = readFileSync(`/proc/${mesh.workerPid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };

  /** What the worker's memory and processor time grow by while `work` runs. */
  const cost = async (work: () => Promise<void>): Promise<{ grownBytes: number; cpuMs: number }> => {
    const { rssBytes } = await mesh.measures();
    const before = cpuMs();
    let peak = rssBytes;
    const sampler = setInterval(() => {
      const pages = readFileSync(`/proc/${mesh.workerPid}/statm`, 'latin1').split(' ')[1];
      peak = Math.max(peak, Number(pages) * 4096);
    }, 20);
    try {
      await work();
    } finally {
      clearInterval(sampler);
    }
    return { grownBytes: peak - rssBytes, cpuMs: cpuMs() - before };
  };

  const ordinaryRequest = async (): Promise<void> => {
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.write(Buffer.concat([noSettings, open(1, getHeaders)]));
    const got: Buffer[] = [];
    for await (const chunk of socket) {
      got.push(chunk as Buffer);
      if (frameLines(whole(Buffer.concat(got))).some((line) => line.startsWith('HEADERS 1 '))) break;
    }
    socket.destroy();
  };

  /** Sends parts until the server has closed; gives how many, and what the server sent. */
  const flood = async (socket: Socket, { first, part }: Flood): Promise<{ parts: number; lines: string[] }> => {
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    const closed = new Promise<void>((resolve) => {
      socket.on('end', resolve);
      socket.on('close', () => resolve());
    });
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    socket.write(first === undefined ? noSettings : Buffer.concat([noSettings, first()]));
    let parts = 0;
    while (!isClosed && parts < maxParts) {
      const batch: Buffer[] = [];
      for (let bytes = 0; bytes < 16_384 && batch.length < 64;) {
        const next = part(first === undefined ? parts : parts + 1);
        batch.push(next);
        bytes += next.length;
        parts += 1;
      }
      const taken = socket.write(Buffer.concat(batch));
      await (taken ? new Promise((resolve) => setImmediate(resolve)) : Promise.race([drained(socket), closed]));
    }
    if (isClosed) await closed;
    socket.destroy();
    return { parts, lines: frameLines(whole(Buffer.concat(got))) };
  };

  describe.each(Object.entries(doors))('%s', (_door, { head, connect }) => {
    it.each(floods(head).map((one) => [one.name, one] as const))('%s', async (_name, attack) => {
      const spent = await cost(async () => {
        const { parts, lines } = await flood(await connect(), attack);
        expect(parts).toBeLessThan(maxParts);
        // A reset may overtake the last words, for a client that goes on writing.
        const goaway = lines.find((line) => line.startsWith('GOAWAY')) ?? 'ENHANCE_YOUR_CALM';
        expect(goaway).toMatch(/ENHANCE_YOUR_CALM$/);
      });
      expect(spent.cpuMs).toBeLessThan(maxCpuMs);
      expect(spent.grownBytes).toBeLessThan(maxGrownBytes);
      await ordinaryRequest();
    });

    it('answers that a client does not read are bounded, and so is what it makes us answer', async () => {
      const socket = await connect();
      socket.pause();
      // Refused by the agent itself, so that nothing but its own answer can be in the way.
      const refused = encodeHeaderList([
        [':method', 'CONNECT'],
        [':authority', '192.0.2.1:1'],
      ]);
      const spent = await cost(async () => {
        socket.write(noSettings);
        let stuck = false;
        for (let sent = 0; sent < 400_000 && !stuck && !socket.destroyed;) {
          const batch = Buffer.concat(Array.from({ length: 500 }, () => open(id(sent++), refused)));
          if (!socket.write(batch)) {
            // When nothing is taken for half a second, the agent has stopped reading.
            stuck = await Promise.race([
              drained(socket).then(() => false),
              new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 500)),
            ]);
          }
        }
        socket.destroy();
      });
      expect(spent.grownBytes).toBeLessThan(maxGrownBytes);
      await ordinaryRequest();
    });
  });

  it('what is begun and not gone on with ends after 10 s, a connection that has only greeted does not', async () => {
    const part = (flags: number, streamId: number) => frame(1, flags, streamId, getHeaders);
    const begun = {
      'half a preface': clientPreface.subarray(0, 12),
      greeting: noSettings,
      'a header block': Buffer.concat([noSettings, part(1, 1)]),
      'a header block beside a request': Buffer.concat([noSettings, part(5, 1), part(1, 3)]),
    };
    handle = (stream) => {
      stream.respond({ ':status': 200 });
    };
    const outcomes = await Promise.all(
      Object.entries(begun).map(async ([name, bytes]) => {
        const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
        const got: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => got.push(chunk));
        const ended = new Promise<string>((resolve) => {
          socket.on('end', () => resolve('ends'));
          socket.on('close', () => resolve('ends'));
        });
        socket.write(bytes);
        const outcome = await Promise.race([
          ended,
          new Promise<string>((resolve) => setTimeout(() => resolve('stays'), 12_500)),
        ]);
        const goaway = frameLines(whole(Buffer.concat(got))).some((line) => line.startsWith('GOAWAY'));
        socket.destroy();
        return [name, outcome, goaway ? 'with GOAWAY' : ''];
      }),
    );
    handle = answer;
    expect(outcomes.filter(([, outcome]) => outcome === 'stays').map(([name]) => name)).toEqual(['greeting']);
    expect(outcomes.find(([name]) => name === 'greeting')?.[2]).toBe('');
    for (const [name, , goaway] of outcomes.slice(2)) expect([name, goaway]).toEqual([name, 'with GOAWAY']);
  });

  it('a response is held back at its server when the client opens a window of 2 GiB and does not read', async () => {
    const block = Buffer.alloc(mebibyte);
    let sentBytes = 0;
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      const more = () => {
        while (sentBytes < 512 * mebibyte && !stream.destroyed) {
          sentBytes += block.length;
          if (!stream.write(block)) {
            stream.once('drain', more);
            return;
          }
        }
      };
      more();
    };
    const socket = await mesh.connect(web, { address: clusterIP, port: 80 });
    socket.pause();
    const spent = await cost(async () => {
      const windows = frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(0x7fffffff)]));
      socket.write(Buffer.concat([clientPreface, windows, frame(4, 1, 0), largestWindow, open(1, getHeaders)]));
      await untilStill(() => sentBytes);
    });
    handle = answer;
    expect(sentBytes).toBeLessThan(64 * mebibyte);
    expect(spent.grownBytes).toBeLessThan(maxGrownBytes);
    socket.destroy();
    await ordinaryRequest();
  });

  it('a request is held back at its client when the server opens a window of 2 GiB and does not read', async () => {
    const { createServer: createTcp } = await import('node:net');
    const windows = frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(0x7fffffff)]));
    const deaf = createTcp((socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.concat([windows, frame(4, 1, 0), largestWindow]));
      socket.once('data', () => socket.pause());
    });
    deaf.listen({ fd: mesh.listen(cart, 8081) });
    mesh.addService('deaf', '10.99.0.11', { pods: [cart], targetPort: 8081, protocol: 'http2' });
    const socket = await mesh.connect(web, { address: '10.99.0.11', port: 80 });
    const { connect } = await import('node:http2');
    const client = connect('http://deaf', { createConnection: () => socket });
    client.on('error', () => {});
    const stream = client.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => {});
    let sentBytes = 0;
    const block = Buffer.alloc(mebibyte);
    const spent = await cost(async () => {
      const more = (): void => {
        while (sentBytes < 512 * mebibyte) {
          sentBytes += block.length;
          if (!stream.write(block)) {
            stream.once('drain', more);
            return;
          }
        }
      };
      more();
      await untilStill(() => sentBytes);
    });
    expect(sentBytes).toBeLessThan(64 * mebibyte);
    expect(spent.grownBytes).toBeLessThan(maxGrownBytes);
    client.destroy();
    deaf.close();
  });

  it('none of it reached the server', async () => {
    const before = reached;
    await ordinaryRequest();
    expect(reached - before).toBe(1);
  });
});

/** Until the socket takes bytes again, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** What has come of whole frames. */
function whole(bytes: Buffer): Buffer {
  let at = 0;
  while (at + 9 <= bytes.length && at + 9 + bytes.readUIntBE(at, 3) <= bytes.length) at += 9 + bytes.readUIntBE(at, 3);
  return bytes.subarray(0, at);
}

/** Until two looks apart see the same. */
async function untilStill(value: () => number): Promise<void> {
  let last = -1;
  while (value() !== last || value() === 0) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}
