import { describe, expect, it } from '@jest/globals';
import {
  End,
  frame,
  frameLines,
  okHeaders,
  Pair,
  postHeaders,
  rawClient,
  rawServer,
  uint32,
} from '../../test/http2-ends.ts';
import { encodeHeaderList } from '../hpack/index.ts';
import { Http2UsageError, type Http2Stream } from './index.ts';

const data = 0;
const settings = 4;
const windowUpdate = 8;
const initialWindowSize = (value: number): Buffer => Buffer.concat([Buffer.of(0, 4), uint32(value)]);

function openOn(client: End, count = 1): Http2Stream[] {
  return Array.from({ length: count }, () => {
    const stream = client.connection.openStream(postHeaders, false);
    if (stream === undefined) throw new Error('no stream');
    return stream;
  });
}

/** Opens streams to a server that announces an initial window, and forgets what was sent. */
function opened(window: number, count = 1): { client: End; streams: Http2Stream[] } {
  const client = rawClient({}, initialWindowSize(window));
  const streams = openOn(client, count);
  client.takeSent();
  return { client, streams };
}

const first = (streams: Http2Stream[]): Http2Stream => streams[0] as Http2Stream;

describe('sending', () => {
  it("keeps to the stream's window and queues the rest (5.2, 6.9.1)", () => {
    const { client, streams } = opened(10);
    const stream = first(streams);
    expect(stream.sendWindow).toBe(10);
    expect(stream.write(Buffer.alloc(25))).toBe(false);
    expect(stream.queuedBytes).toBe(15);
    expect(stream.sendWindow).toBe(0);
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(5)));
    expect(client.events).toEqual([]);
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(15)));
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 10', 'DATA 1 0: 5', 'DATA 1 0: 10']);
    expect(client.events).toEqual(['writable 1']);
    expect(stream.sendWindow).toBe(5);
  });

  it('holds data back while the owner asks for it, and nothing else', () => {
    const { client, streams } = opened(1_000_000, 3);
    const [a, b, c] = streams as [Http2Stream, Http2Stream, Http2Stream];
    client.connection.pauseSending();
    expect(a.sendWindow).toBe(0);
    expect(a.write(Buffer.alloc(20_000))).toBe(false);
    expect(b.write(Buffer.alloc(10))).toBe(false);
    b.end();
    c.end();
    client.connection.ping(Buffer.alloc(8));
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(5)));
    client.connection.receive(frame(windowUpdate, 0, 0, uint32(5)));
    expect(frameLines(client.takeSent())).toEqual(['DATA 5 1: 0', 'PING 0 0: 8']);
    expect(client.events).toEqual([]);
    client.connection.resumeSending();
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 16384', 'DATA 3 1: 10', 'DATA 1 0: 3616']);
    expect(client.events).toEqual(['writable 1']);
    expect(a.write(Buffer.alloc(10))).toBe(true);
  });

  it('stops in the middle when it is held back again', () => {
    const { client, streams } = opened(1_000_000, 2);
    const [a, b] = streams as [Http2Stream, Http2Stream];
    client.connection.pauseSending();
    a.write(Buffer.alloc(10));
    b.write(Buffer.alloc(10));
    client.recorder.note = () => client.connection.pauseSending();
    client.connection.resumeSending();
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 10']);
    client.connection.resumeSending();
    expect(frameLines(client.takeSent())).toEqual(['DATA 3 0: 10']);
  });

  it("keeps to the connection's window, and lets streams go in turn when it opens", () => {
    const { client, streams } = opened(1_000_000, 3);
    const [a, b, c] = streams as [Http2Stream, Http2Stream, Http2Stream];
    expect(a.write(Buffer.alloc(65_535))).toBe(true);
    expect(a.write(Buffer.alloc(40_000))).toBe(false);
    expect(b.write(Buffer.alloc(20_000))).toBe(false);
    expect(c.write(Buffer.alloc(10), 0, 10, true)).toBe(false);
    client.takeSent();
    client.connection.receive(frame(windowUpdate, 0, 0, uint32(100_000)));
    expect(frameLines(client.takeSent())).toEqual([
      'DATA 1 0: 16384',
      'DATA 3 0: 16384',
      'DATA 5 1: 10',
      'DATA 1 0: 16384',
      'DATA 3 0: 3616',
      'DATA 1 0: 7232',
    ]);
    // c has ended: it waits for nothing.
    expect(client.events).toEqual(['writable 3', 'writable 1']);
  });

  it('a stream whose own window is closed does not hold up the others', () => {
    const { client, streams } = opened(5, 2);
    const [a, b] = streams as [Http2Stream, Http2Stream];
    a.write(Buffer.alloc(10));
    expect(b.write(Buffer.alloc(5))).toBe(true);
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 5', 'DATA 3 0: 5']);
  });

  it('follows INITIAL_WINDOW_SIZE on open streams, below zero too (6.9.2)', () => {
    const { client, streams } = opened(100);
    const stream = first(streams);
    stream.write(Buffer.alloc(80));
    client.connection.receive(frame(settings, 0, 0, initialWindowSize(50)));
    expect(stream.sendWindow).toBe(0);
    stream.write(Buffer.alloc(10));
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(30)));
    expect(stream.queuedBytes).toBe(10);
    client.takeSent();
    client.connection.receive(frame(settings, 0, 0, initialWindowSize(60)));
    expect(frameLines(client.takeSent())).toEqual(['SETTINGS 0 1: 0', 'DATA 1 0: 10']);
  });

  it('ends behind what is queued, on the last frame', () => {
    const { client, streams } = opened(10);
    const stream = first(streams);
    stream.write(Buffer.alloc(15));
    stream.end();
    stream.end();
    expect(stream.state).toBe('open');
    client.takeSent();
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(100)));
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 1: 5']);
    expect(stream.state).toBe('half-closed-local');
    expect(client.events).toEqual([]);
  });

  it('sends trailers behind what is queued', () => {
    const { client, streams } = opened(10);
    const stream = first(streams);
    stream.write(Buffer.alloc(15));
    stream.sendTrailers(encodeHeaderList([['a', 'b']]));
    client.takeSent();
    client.connection.receive(frame(windowUpdate, 0, 1, uint32(100)));
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 5', 'HEADERS 1 5: 5']);
  });

  it('forgets what is queued when the stream is reset, by either side', () => {
    const { client, streams } = opened(10, 2);
    for (const stream of streams) stream.write(Buffer.alloc(15));
    client.takeSent();
    first(streams).reset(8);
    client.connection.receive(frame(3, 0, 3, uint32(8)));
    client.connection.receive(frame(windowUpdate, 0, 3, uint32(100)));
    expect(frameLines(client.takeSent())).toEqual(['RST_STREAM 1 0: CANCEL']);
    expect(client.events).toEqual(['closed 1', 'reset 3 8 by peer', 'closed 3']);
    expect(streams.map((stream) => stream.queuedBytes)).toEqual([0, 0]);
  });

  it('a write from onWritable goes behind the streams that wait', () => {
    const { client, streams } = opened(1_000_000, 2);
    const [a, b] = streams as [Http2Stream, Http2Stream];
    a.write(Buffer.alloc(65_536));
    b.write(Buffer.alloc(30));
    client.takeSent();
    client.recorder.onWritable = (stream) => {
      if (stream === a) a.write(Buffer.alloc(7), 0, 7, true);
    };
    client.connection.receive(frame(windowUpdate, 0, 0, uint32(1000)));
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 1', 'DATA 3 0: 30', 'DATA 1 1: 7']);
  });

  it('splits what is larger than MAX_FRAME_SIZE (4.2)', () => {
    const { client, streams } = opened(100_000);
    first(streams).write(Buffer.alloc(40_000), 0, 40_000, true);
    expect(frameLines(client.takeSent())).toEqual(['DATA 1 0: 16384', 'DATA 1 0: 16384', 'DATA 1 1: 7232']);
  });

  it('refuses calls that cannot be right', () => {
    const pair = new Pair();
    const stream = first(openOn(pair.client));
    pair.exchange();
    const accepted = first(pair.server.recorder.streams);
    expect(() => accepted.write(Buffer.alloc(1))).toThrow(Http2UsageError);
    stream.end();
    expect(() => stream.write(Buffer.alloc(1))).toThrow('whose sending side has ended');
  });
});

describe('receiving', () => {
  const window = 65_536;

  function receiver(): { server: End; client: End; stream: Http2Stream; accepted: Http2Stream } {
    const pair = new Pair({ server: { settings: { initialWindowSize: window, connectionWindowSize: window * 2 } } });
    pair.server.recorder.consumes = false;
    const stream = first(openOn(pair.client));
    pair.exchange();
    return { server: pair.server, client: pair.client, stream, accepted: first(pair.server.recorder.streams) };
  }

  it('gives windows back when half of them was consumed, not before (6.9)', () => {
    const { server, client, stream, accepted } = receiver();
    stream.write(Buffer.alloc(window));
    server.connection.receive(client.takeSent());
    accepted.consumed(window / 2 - 1);
    expect(server.sent).toEqual([]);
    accepted.consumed(1);
    expect(frameLines(server.takeSent())).toEqual([`WINDOW_UPDATE 1 0: ${window / 2}`]);
    accepted.consumed(window / 2);
    expect(frameLines(server.takeSent())).toEqual([`WINDOW_UPDATE 0 0: ${window}`, `WINDOW_UPDATE 1 0: ${window / 2}`]);
  });

  it('counts no byte twice: consuming more than came changes nothing', () => {
    const { server, client, stream, accepted } = receiver();
    stream.write(Buffer.alloc(window / 2));
    server.connection.receive(client.takeSent());
    accepted.consumed(window * 10);
    expect(frameLines(server.takeSent())).toEqual([`WINDOW_UPDATE 1 0: ${window / 2}`]);
    accepted.consumed(window);
    expect(server.sent).toEqual([]);
  });

  it("gives only the connection's window back when the stream has ended", () => {
    const { server, client, stream, accepted } = receiver();
    stream.write(Buffer.alloc(window), 0, window, true);
    server.connection.receive(client.takeSent());
    accepted.sendHeaders(okHeaders, true);
    server.takeSent();
    expect(accepted.state).toBe('closed');
    accepted.consumed(window);
    expect(frameLines(server.takeSent())).toEqual([`WINDOW_UPDATE 0 0: ${window}`]);
  });

  it('gives back at once what a reset stream will not consume', () => {
    const { server, client, stream, accepted } = receiver();
    stream.write(Buffer.alloc(window));
    server.connection.receive(client.takeSent());
    accepted.reset(8);
    expect(frameLines(server.takeSent())).toEqual(['RST_STREAM 1 0: CANCEL', `WINDOW_UPDATE 0 0: ${window}`]);
    accepted.consumed(window);
    expect(server.sent).toEqual([]);
  });

  it('counts padding and gives it back by itself (6.1)', () => {
    const { server } = receiver();
    const padded = frame(data, 8, 1, Buffer.concat([Buffer.of(255), Buffer.from('x'), Buffer.alloc(255)]));
    for (let i = 0; i < 128; i++) server.connection.receive(padded);
    // 128 frames of 257 bytes, of which 256 are padding: half of the stream's window.
    expect(frameLines(server.takeSent())).toEqual(['WINDOW_UPDATE 1 0: 32768']);
    expect(server.events.at(-1)).toBe('data 1 128 bytes');
  });

  it('announces nothing for a stream whose remote side has ended', () => {
    const { server, client, stream, accepted } = receiver();
    stream.write(Buffer.alloc(window), 0, window, true);
    server.connection.receive(client.takeSent());
    accepted.consumed(window);
    expect(frameLines(server.takeSent())).toEqual([`WINDOW_UPDATE 0 0: ${window}`]);
  });

  /** Frames of 16 KiB until half of the connection's window was used by them: it must come back by itself. */
  function returned(server: End, make: (streamId: number) => Buffer[]): string[] {
    for (let i = 0; i < 8; i++) server.connection.receive(Buffer.concat(make(2 * i + 1)));
    return frameLines(server.takeSent()).filter((line) => line.startsWith('WINDOW_UPDATE 0'));
  }
  const unread = (): End => {
    const server = rawServer({ settings: { connectionWindowSize: window * 2, maxFrameSize: 16_384 } });
    server.recorder.consumes = false;
    return server;
  };
  const chunk = Buffer.alloc(16_384);

  it("gives the connection's window back for DATA behind END_STREAM", () => {
    const frames = (id: number): Buffer[] => [frame(1, 5, id, postHeaders), frame(data, 0, id, chunk)];
    expect(returned(unread(), frames)).toEqual([`WINDOW_UPDATE 0 0: ${window}`, `WINDOW_UPDATE 0 0: ${window}`]);
  });

  it("gives the connection's window back for DATA beyond content-length", () => {
    const head = encodeHeaderList([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', '/'],
      ['content-length', '384'],
    ]);
    const frames = (id: number): Buffer[] => [frame(1, 4, id, head), frame(data, 0, id, chunk)];
    expect(returned(unread(), frames)).toEqual([`WINDOW_UPDATE 0 0: ${window}`, `WINDOW_UPDATE 0 0: ${window}`]);
  });

  it("gives the connection's window back for the rest of a frame whose stream was reset in the middle", () => {
    const server = unread();
    server.recorder.afterData = (stream) => stream.reset(8);
    for (let id = 1; id < 16; id += 2) {
      const bytes = Buffer.concat([frame(1, 4, id, postHeaders), frame(data, 0, id, chunk)]);
      server.connection.receive(bytes, 0, 2000);
      server.connection.receive(bytes, 2000);
    }
    const updates = frameLines(server.takeSent()).filter((line) => line.startsWith('WINDOW_UPDATE 0'));
    const sum = updates.reduce((total, line) => total + Number(line.split(': ')[1]), 0);
    expect(sum).toBeGreaterThanOrEqual(window);
    expect(server.connection.isDead).toBe(false);
  });

  it("gives the connection's window back for padding", () => {
    const server = unread();
    const padded = Buffer.concat([Buffer.of(255), Buffer.from('x'), Buffer.alloc(255)]);
    server.connection.receive(frame(1, 4, 1, postHeaders));
    for (let i = 0; i < 256; i++) server.connection.receive(frame(data, 8, 1, padded));
    expect(frameLines(server.takeSent())).toContain(`WINDOW_UPDATE 0 0: ${window}`);
  });

  it('until our SETTINGS are acknowledged takes what the default window allows (6.9.3)', () => {
    const server = new End('server', { settings: { initialWindowSize: 100, maxFrameSize: 16_384 } });
    server.connection.start();
    server.recorder.consumes = false;
    const frames = [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0), frame(1, 4, 1, postHeaders)];
    server.connection.receive(Buffer.concat([...frames, frame(data, 0, 1, Buffer.alloc(16_384))]));
    expect(server.events.at(-1)).toBe('data 1 16384 bytes');
    server.connection.receive(Buffer.concat([frame(4, 1, 0), frame(data, 0, 1, Buffer.alloc(1))]));
    expect(server.events.slice(-2)).toEqual(['reset 1 3 by codec', 'closed 1']);
  });

  it('a slow tunnel stops only its own stream', () => {
    const pair = new Pair();
    const [slow, fast] = openOn(pair.client, 2) as [Http2Stream, Http2Stream];
    pair.exchange();
    pair.server.recorder.consumes = false;
    pair.server.recorder.afterData = (stream, chunk) => {
      if (stream.id !== fast.id) return;
      fastBytes += chunk.length;
      stream.consumed(chunk.length);
    };
    const chunk = Buffer.alloc(64 * 1024);
    let accepted = true;
    let fastBytes = 0;
    for (let sent = 0; sent < 32 * 1024 * 1024; sent += chunk.length) {
      if (slow.queuedBytes === 0) slow.write(chunk);
      accepted &&= fast.write(chunk);
      pair.exchange();
    }
    expect(accepted).toBe(true);
    expect(slow.queuedBytes).toBeGreaterThan(0);
    expect(pair.server.recorder.streams[0]?.unconsumed).toBe(4 * 1024 * 1024);
    expect(fast.state).toBe('open');
    expect(fastBytes).toBe(32 * 1024 * 1024);
  });
});
