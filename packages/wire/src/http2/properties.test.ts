import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  connectHeaders,
  End,
  frame,
  frameLines,
  getHeaders,
  okHeaders,
  Pair,
  postHeaders,
  uint32,
} from '../../test/http2-ends.ts';
import { encodeHeaderList } from '../hpack/index.ts';
import { clientPreface, type Http2Stream } from './index.ts';

/** A server that answers and echoes, so that frames of all kinds go out, too. */
function echoServer(): End {
  const server = new End('server', { settings: { initialWindowSize: 70_000, connectionWindowSize: 100_000 } });
  server.recorder.onRequest = (stream, _headers, endStream) => stream.sendHeaders(okHeaders, endStream);
  server.recorder.afterData = (stream, chunk) => stream.write(chunk);
  server.recorder.afterEnd = (stream) => stream.end();
  server.connection.start();
  return server;
}

/** What came of the bytes: events, and the frames sent but for those whose place depends on how data was divided. */
function outcome(server: End): { events: string[]; sent: string[] } {
  const sent = frameLines(server.takeSent());
  return { events: server.events, sent: sent.filter((line) => !/^(WINDOW_UPDATE|DATA)/.test(line)) };
}

const trailers = encodeHeaderList([['grpc-status', '0']]);
const conversation = Buffer.concat([
  clientPreface,
  frame(4, 0, 0, [0, 3, ...uint32(100), 0, 4, ...uint32(70_000)]),
  frame(8, 0, 0, uint32(1_000_000)),
  frame(1, 4, 1, connectHeaders),
  frame(4, 1, 0),
  frame(0, 0, 1, Buffer.from('hello')),
  frame(1, 0, 3, postHeaders.subarray(0, 4)),
  frame(9, 0, 3, postHeaders.subarray(4, 5)),
  frame(9, 4, 3, postHeaders.subarray(5)),
  frame(0, 8, 1, [2, 120, 121, 0, 0]),
  frame(2, 0, 5, [0, 0, 0, 1, 7]),
  frame(6, 0, 0, Buffer.from('12345678')),
  frame(1, 4 | 8 | 32, 5, [1, 0, 0, 0, 3, 1, ...postHeaders, 0]),
  frame(0x77, 3, 9, [1, 2, 3]),
  frame(0, 1 | 8, 5, [3, 0, 0, 0]),
  frame(3, 0, 3, uint32(8)),
  frame(0, 0, 3, Buffer.from('late')),
  frame(1, 4, 7, postHeaders),
  frame(0, 0, 7, Buffer.from('body')),
  frame(1, 5, 7, trailers),
  frame(1, 5, 9, encodeHeaderList([[':method', 'GET']])),
  frame(0, 1, 1, Buffer.from('bye')),
  frame(7, 0, 0, [...uint32(0), ...uint32(0), 104, 105]),
  frame(0, 0, 0, [1]),
]);

function feed(parts: readonly Buffer[]): { events: string[]; sent: string[] } {
  const server = echoServer();
  for (const part of parts) server.connection.receive(part);
  return outcome(server);
}

describe('any division of the bytes gives the same events', () => {
  const whole = feed([conversation]);

  it('the conversation is a rich one', () => {
    expect(whole.events).toContain('data 1 "xy"');
    expect(whole.events).toContain('trailers 7 grpc-status: 0');
    expect(whole.events.at(-1)).toBe('error HTTP2_PROTOCOL_ERROR');
  });

  it('in two parts, at every place', () => {
    for (let at = 1; at < conversation.length; at++) {
      expect(feed([conversation.subarray(0, at), conversation.subarray(at)])).toEqual(whole);
    }
  });

  it('byte by byte', () => {
    expect(feed([...conversation].map((byte) => Buffer.of(byte)))).toEqual(whole);
  });

  it('anyhow', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: conversation.length - 1 }), { maxLength: 40 }), (places) => {
        const ends = [0, ...places.sort((a, b) => a - b), conversation.length];
        const parts = ends.slice(1).map((end, index) => conversation.subarray(ends[index], end));
        expect(feed(parts)).toEqual(whole);
      }),
    );
  });
});

/** Every stream that was announced is closed once, and nothing is told of it afterwards. */
function checkLifecycles(events: readonly string[]): void {
  const closed = new Set<string>();
  for (const event of events) {
    const [kind, id] = event.split(' ');
    if (id === undefined || kind === 'error' || kind === 'goaway' || kind === 'ping-ack') continue;
    expect(closed.has(id)).toBe(false);
    if (kind === 'closed') closed.add(id);
  }
}

describe('hostile bytes', () => {
  const anyFrame = fc
    .tuple(
      fc.integer({ min: 0, max: 11 }),
      fc.integer({ min: 0, max: 63 }),
      fc.constantFrom(0, 1, 1, 2, 3, 3, 5, 7, 2 ** 31 - 1),
      fc.oneof(
        fc.constantFrom(getHeaders, postHeaders, connectHeaders, trailers, uint32(0), uint32(5), Buffer.alloc(8)),
        fc.uint8Array({ maxLength: 20 }),
      ),
    )
    .map(([type, flags, streamId, payload]) => frame(type, flags, streamId, payload));

  it('random frames never throw, and every stream ends once', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), (frames) => {
        const server = echoServer();
        server.connection.receive(Buffer.concat([clientPreface, frame(4, 0, 0)]));
        for (const bytes of frames) server.connection.receive(bytes);
        server.connection.destroy();
        checkLifecycles(server.events);
        expect(server.connection.streamCount).toBe(0);
      }),
      { numRuns: 1500 },
    );
  });

  it('random frames do not harm a client either', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), (frames) => {
        const client = new End('client');
        client.connection.start();
        client.connection.receive(frame(4, 0, 0));
        const streams = [postHeaders, getHeaders, connectHeaders].map((head) =>
          client.connection.openStream(head, false),
        );
        for (const bytes of frames) client.connection.receive(bytes);
        for (const stream of streams) stream?.write(Buffer.from('more'));
        client.connection.destroy();
        checkLifecycles(client.events);
        expect(client.events.filter((event) => event.startsWith('closed'))).toHaveLength(3);
      }),
      { numRuns: 1500 },
    );
  });

  it('a conversation with changed bytes never throws, and divides as it likes', () => {
    const change = fc.tuple(fc.integer({ min: 24, max: conversation.length - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: conversation.length - 1 }),
        (changes, place) => {
          const bytes = Buffer.from(conversation);
          for (const [at, value] of changes) bytes[at] = value;
          const inTwo = feed([bytes.subarray(0, place), bytes.subarray(place)]);
          expect(inTwo).toEqual(feed([bytes]));
          checkLifecycles(inTwo.events);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('a frame in very many parts costs time in proportion to its length', () => {
    const server = new End('server', {
      limits: { maxHeaderBlockBytes: 1024 * 1024 },
      settings: { maxFrameSize: 1024 * 1024 },
    });
    server.connection.start();
    server.connection.receive(Buffer.concat([clientPreface, frame(4, 0, 0)]));
    const large = frame(1, 5, 1, Buffer.concat([getHeaders, Buffer.alloc(1_000_000, 0x82)]));
    const begun = performance.now();
    for (let at = 0; at < large.length; at += 4) server.connection.receive(large, at, Math.min(at + 4, large.length));
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(server.connection.isDead).toBe(false);
  });
});

describe('two ends that do anything', () => {
  type Step = readonly [
    action: 'open' | 'write' | 'end' | 'reset' | 'consume' | 'answer' | 'exchange',
    pick: number,
    size: number,
  ];
  const step = fc.tuple(
    fc.constantFrom<Step[0]>(
      'open',
      'write',
      'write',
      'write',
      'end',
      'reset',
      'consume',
      'consume',
      'answer',
      'exchange',
    ),
    fc.nat({ max: 1000 }),
    fc.constantFrom(1, 10, 5000, 20_000, 70_000),
  );
  const connectionWindowSize = 150_000;

  it('deliver what was written, in order, and never lose any of the window', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const settings = { initialWindowSize: 66_000, connectionWindowSize, maxConcurrentStreams: 5 };
        const pair = new Pair({ server: { settings }, client: { settings } });
        pair.server.recorder.consumes = false;
        const written = new Map<number, number>();
        const received = new Map<number, number>();
        let next = 0;
        pair.server.recorder.afterData = (stream, chunk) => {
          for (const byte of chunk) {
            const at = received.get(stream.id) ?? 0;
            if (byte !== at % 251) throw new Error(`stream ${stream.id} has another byte at ${at}`);
            received.set(stream.id, at + 1);
          }
        };
        const streams: Http2Stream[] = [];
        const pickOf = (list: readonly Http2Stream[], pick: number): Http2Stream | undefined =>
          list[pick % list.length];
        for (const [action, pick, size] of steps) {
          const ours = pickOf(streams, pick);
          const theirs = pickOf(pair.server.recorder.streams, pick);
          if (action === 'open') {
            const stream = pair.client.connection.openStream(postHeaders, false);
            if (stream !== undefined) streams.push(stream);
          } else if (action === 'exchange') pair.exchange();
          else if (action === 'answer') {
            if (theirs !== undefined && !theirs.localEnded) theirs.sendHeaders(okHeaders, true);
          } else if (action === 'consume') theirs?.consumed(size);
          else if (action === 'reset') (size > 10 ? ours : theirs)?.reset(8);
          else if (ours !== undefined && !ours.closed && !ours.localEnded && ours.user !== 'ending') {
            if (action === 'end') {
              ours.user = 'ending';
              ours.end();
            } else {
              const from = written.get(ours.id) ?? 0;
              ours.write(Buffer.from(Uint8Array.from({ length: size }, (_, i) => (from + i) % 251)));
              written.set(ours.id, from + size);
            }
          }
          next++;
        }
        expect(next).toBe(steps.length);
        // Everything comes to its end.
        for (let round = 0; round < 100; round++) {
          pair.exchange();
          for (const stream of pair.server.recorder.streams) stream.consumed(stream.unconsumed);
        }
        for (const stream of streams) if (stream.user !== 'ending') stream.end();
        pair.exchange();
        for (const stream of pair.server.recorder.streams) {
          stream.consumed(stream.unconsumed);
          if (!stream.closed && !stream.localEnded) stream.sendHeaders(okHeaders, true);
        }
        pair.exchange();
        expect(pair.client.recorder.error).toBeUndefined();
        expect(pair.server.recorder.error).toBeUndefined();
        expect([pair.client.connection.streamCount, pair.server.connection.streamCount]).toEqual([0, 0]);
        checkLifecycles(pair.client.events);
        checkLifecycles(pair.server.events);
        for (const stream of streams) {
          if (
            stream.resetBy === undefined &&
            pair.server.recorder.streams.some(({ id, resetBy }) => id === stream.id && resetBy === undefined)
          ) {
            expect(received.get(stream.id) ?? 0).toBe(written.get(stream.id) ?? 0);
          }
        }
        const probe = pair.client.connection.openStream(postHeaders, false);
        // Less than half of the window may be held back, never more.
        expect(probe?.sendWindow).toBeGreaterThanOrEqual(Math.min(66_000, connectionWindowSize / 2));
      }),
      { numRuns: 300 },
    );
  });
});
