import { describe, expect, it } from '@jest/globals';
import {
  connectHeaders,
  type End,
  frame,
  frameLines,
  getHeaders,
  okHeaders,
  postHeaders,
  rawClient,
  rawServer,
  uint32,
} from '../../test/http2-ends.ts';
import { encodeHeaderList } from '../hpack/index.ts';
import { defaultHttp2Limits } from './index.ts';

/** Sends frames one by one until the end gives up; how many it took, or undefined when it takes `most`. */
function takes(end: End, most: number, make: (index: number) => Buffer): number | undefined {
  for (let index = 0; index < most; index++) {
    end.connection.receive(make(index));
    end.sent = end.sent.slice(-1);
    if (end.connection.isDead) return index;
  }
  return undefined;
}

const burst = defaultHttp2Limits.controlFrameBurst;
const calm = 'HTTP2_ENHANCE_YOUR_CALM';

describe('floods of frames without content (10.5)', () => {
  it.each<[string, Buffer]>([
    ['SETTINGS (CVE-2019-9515)', frame(4, 0, 0)],
    ['SETTINGS acknowledgements', frame(4, 1, 0)],
    ['PING (CVE-2019-9512)', frame(6, 0, 0, Buffer.alloc(8))],
    ['PING acknowledgements', frame(6, 1, 0, Buffer.alloc(8))],
    ['PRIORITY (CVE-2019-9513)', frame(2, 0, 1, [0, 0, 0, 0, 1])],
    ['WINDOW_UPDATE', frame(8, 0, 0, uint32(1))],
    ['empty DATA (CVE-2019-9518)', frame(0, 0, 1)],
    ['DATA of padding alone', frame(0, 8, 1, [3, 0, 0, 0])],
    ['unknown frames', frame(0xb0, 0, 0, [1])],
    ['GOAWAY', frame(7, 0, 0, Buffer.alloc(8))],
  ])('%s', (_, flood) => {
    const server = rawServer();
    server.connection.receive(frame(1, 4, 1, postHeaders));
    const taken = takes(server, burst * 3, () => flood);
    expect(taken).toBeGreaterThanOrEqual(burst - 5);
    expect(taken).toBeLessThanOrEqual(burst + 5);
    expect(server.recorder.error?.code).toBe(calm);
  });

  it('DATA of padding alone on a stream that we have reset', () => {
    const server = rawServer();
    server.connection.receive(frame(1, 4, 1, postHeaders));
    server.recorder.streams[0]?.reset(0);
    const taken = takes(server, burst * 3, () => frame(0, 8, 1, [3, 0, 0, 0]));
    expect(taken).toBeLessThanOrEqual(burst + 5);
    expect(server.recorder.error?.code).toBe(calm);
  });

  it('time refills the budget: keep-alive PINGs for days do no harm', () => {
    let nowMs = 0;
    const server = rawServer({ nowMs: () => nowMs });
    const ping = frame(6, 0, 0, Buffer.alloc(8));
    const taken = takes(server, 50_000, () => {
      nowMs += 1000;
      return ping;
    });
    expect(taken).toBeUndefined();
  });

  it('time refills the budget once, not again at each frame', () => {
    let nowMs = 0;
    const server = rawServer({ nowMs: () => nowMs });
    const ping = frame(6, 0, 0, Buffer.alloc(8));
    for (let i = 0; i < burst - 10; i++) server.connection.receive(ping);
    nowMs = 2000;
    const taken = takes(server, 5000, () => ping);
    expect(taken).toBeGreaterThanOrEqual(2 * defaultHttp2Limits.controlFramesPerSecond);
    expect(taken).toBeLessThanOrEqual(2 * defaultHttp2Limits.controlFramesPerSecond + 10);
  });

  it('content refills the budget: two WINDOW_UPDATEs and a PING for each frame that we send do no harm', () => {
    const server = rawServer();
    server.connection.receive(frame(1, 4, 1, connectHeaders));
    const stream = server.recorder.streams[0];
    stream?.sendHeaders(okHeaders, false);
    const acknowledgement = Buffer.concat([
      frame(8, 0, 0, uint32(1000)),
      frame(8, 0, 1, uint32(1000)),
      frame(6, 0, 0, Buffer.alloc(8)),
    ]);
    const taken = takes(server, 5000, () => {
      stream?.write(Buffer.alloc(1000));
      return acknowledgement;
    });
    expect(taken).toBeUndefined();
  });

  it('a window opened byte by byte is no content (CVE-2019-9511)', () => {
    const server = rawServer();
    server.connection.receive(Buffer.concat([frame(4, 0, 0, [0, 4, 0, 0, 0, 0]), frame(1, 4, 1, connectHeaders)]));
    const stream = server.recorder.streams[0];
    stream?.sendHeaders(okHeaders, false);
    stream?.write(Buffer.alloc(100_000));
    expect(takes(server, 5000, () => frame(8, 0, 1, uint32(1)))).toBeLessThan(burst + 10);
    expect(server.recorder.error?.code).toBe(calm);
  });
});

describe('streams of no use', () => {
  const waste = defaultHttp2Limits.wastedStreamBurst;

  it('rapid reset (CVE-2023-44487)', () => {
    const server = rawServer();
    const taken = takes(server, 5000, (index) =>
      Buffer.concat([frame(1, 5, 2 * index + 1, getHeaders), frame(3, 0, 2 * index + 1, uint32(8))]),
    );
    expect(taken).toBe(waste);
    expect(server.recorder.error?.code).toBe(calm);
  });

  it('resets that the client provokes (CVE-2025-8671)', () => {
    const server = rawServer();
    const taken = takes(server, 5000, (index) =>
      Buffer.concat([frame(1, 5, 2 * index + 1, getHeaders), frame(8, 0, 2 * index + 1, uint32(0))]),
    );
    expect(taken).toBe(waste);
  });

  it('malformed requests', () => {
    const server = rawServer();
    const malformed = encodeHeaderList([[':method', 'GET']]);
    expect(takes(server, 5000, (index) => frame(1, 5, 2 * index + 1, malformed))).toBe(waste);
  });

  it('streams above the limit', () => {
    const server = rawServer({ settings: { maxConcurrentStreams: 10 } });
    expect(takes(server, 5000, (index) => frame(1, 5, 2 * index + 1, getHeaders))).toBe(waste + 10);
  });

  it('a client that cancels every second request lives on', () => {
    const server = rawServer();
    server.recorder.onRequest = (stream) => {
      if (stream.id % 4 === 1) stream.sendHeaders(okHeaders, true);
    };
    const taken = takes(server, 3000, (index) => {
      const id = 2 * index + 1;
      return Buffer.concat([frame(1, 5, id, getHeaders), id % 4 === 1 ? Buffer.alloc(0) : frame(3, 0, id, uint32(8))]);
    });
    expect(taken).toBeUndefined();
    expect(server.connection.streamCount).toBe(0);
  });

  it('a client that cancels answers which have begun lives on', () => {
    const server = rawServer();
    server.recorder.onRequest = (stream) => stream.sendHeaders(okHeaders, false);
    const taken = takes(server, 3000, (index) =>
      Buffer.concat([frame(1, 5, 2 * index + 1, getHeaders), frame(3, 0, 2 * index + 1, uint32(8))]),
    );
    expect(taken).toBeUndefined();
  });
});

describe('header blocks', () => {
  it('CONTINUATION without end (CVE-2024-27316)', () => {
    const server = rawServer();
    server.connection.receive(frame(1, 1, 1, getHeaders));
    expect(takes(server, 100, () => frame(9, 0, 1))).toBe(defaultHttp2Limits.maxContinuations);
    expect(server.recorder.error?.code).toBe(calm);
  });

  it('CONTINUATIONs count for each block anew', () => {
    const server = rawServer();
    for (const id of [1, 3, 5]) {
      server.connection.receive(frame(1, 1, id, getHeaders));
      for (let i = 1; i < defaultHttp2Limits.maxContinuations; i++) server.connection.receive(frame(9, 0, id));
      server.connection.receive(frame(9, 4, id));
    }
    expect(server.recorder.streams).toHaveLength(3);
  });

  it('a block above the limit, in one frame or several, before it is read whole', () => {
    const oneFrame = rawServer();
    oneFrame.connection.receive(frame(1, 5, 1, Buffer.alloc(100_000)).subarray(0, 9));
    expect(oneFrame.recorder.error?.code).toBe(calm);
    const several = rawServer();
    several.connection.receive(frame(1, 1, 1, Buffer.alloc(40_000, 0x82)));
    several.connection.receive(frame(9, 4, 1, Buffer.alloc(40_000, 0x82)));
    expect(several.recorder.error?.code).toBe(calm);
  });

  const large = encodeHeaderList([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    ...Array.from({ length: 200 }, (_, index): [string, string] => [`x-${index}`, '']),
  ]);

  it('a list above the limit resets the stream, and the connection lives', () => {
    const server = rawServer();
    Object.assign(server.recorder, { onHeadersTooLarge: undefined });
    server.connection.receive(Buffer.concat([frame(1, 5, 1, large), frame(1, 5, 3, getHeaders)]));
    expect(frameLines(server.takeSent())).toEqual(['RST_STREAM 1 0: ENHANCE_YOUR_CALM']);
    expect(server.events).toHaveLength(1);
  });

  it('a list above the limit may be answered with 431', () => {
    const server = rawServer();
    Object.assign(server.recorder, {
      onHeadersTooLarge: (stream: { sendHeaders(head: Buffer, end: boolean): void }) =>
        stream.sendHeaders(encodeHeaderList([[':status', '431']]), true),
    });
    server.connection.receive(frame(1, 5, 1, large));
    expect(frameLines(server.takeSent())[0]).toMatch(/^HEADERS 1 5/);
    expect(server.events).toEqual(['closed 1']);
  });

  it('a response list above the limit fails its stream', () => {
    const client = rawClient();
    client.connection.openStream(getHeaders, true);
    client.connection.receive(frame(1, 5, 1, large));
    expect(client.events).toEqual(['reset 1 11 by codec', 'closed 1']);
  });

  it('informational responses without end', () => {
    const client = rawClient();
    client.connection.openStream(getHeaders, true);
    const informational = frame(1, 4, 1, encodeHeaderList([[':status', '103']]));
    for (let i = 0; i < 17; i++) client.connection.receive(informational);
    expect(client.events.slice(16)).toEqual(['reset 1 11 by codec', 'closed 1']);
  });

  it('SETTINGS of very many settings', () => {
    const server = rawServer();
    server.connection.receive(frame(4, 0, 0, Buffer.alloc(6 * 33)));
    expect(server.recorder.error?.code).toBe(calm);
  });
});
