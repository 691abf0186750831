import { describe, expect, it } from '@jest/globals';
import {
  connectHeaders,
  End,
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
import { clientPreface, type Http2Stream } from './index.ts';

const data = 0;
const headers = 1;
const priority = 2;
const rst = 3;
const settings = 4;
const pushPromise = 5;
const ping = 6;
const goaway = 7;
const windowUpdate = 8;
const continuation = 9;
const endStream = 1;
const endHeaders = 4;
const padded = 8;
const hasPriority = 32;

/** What the end answers to frames, of GOAWAY and RST_STREAM. */
function answers(end: End, ...frames: Buffer[]): string[] {
  end.connection.receive(Buffer.concat(frames));
  return frameLines(end.takeSent()).filter((line) => /^(GOAWAY|RST_STREAM)/.test(line));
}

const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.of(0, id), uint32(value)]);
const get = (streamId: number): Buffer => frame(headers, endHeaders | endStream, streamId, getHeaders);
const post = (streamId: number): Buffer => frame(headers, endHeaders, streamId, postHeaders);
const bytes = (length: number): Buffer => Buffer.alloc(length, 'x');

describe('a server ends the connection with', () => {
  it.each<[string, string, Buffer[]]>([
    ['PROTOCOL_ERROR', 'DATA on stream 0 (6.1)', [frame(data, 0, 0, bytes(1))]],
    ['PROTOCOL_ERROR', 'DATA on an idle stream (5.1)', [frame(data, 0, 1, bytes(1))]],
    ['PROTOCOL_ERROR', 'DATA shorter than its padding (6.1)', [post(1), frame(data, padded, 1, [4, 0, 0, 0])]],
    ['PROTOCOL_ERROR', 'padded DATA without the length byte (6.1)', [post(1), frame(data, padded, 1)]],
    ['STREAM_CLOSED', 'HEADERS on a stream that has ended (5.1)', [get(1), get(1)]],
    ['PROTOCOL_ERROR', 'HEADERS on stream 0 (6.2)', [get(0)]],
    ['PROTOCOL_ERROR', 'HEADERS on an even stream (5.1.1)', [get(2)]],
    ['PROTOCOL_ERROR', 'HEADERS below the highest stream (5.1.1)', [get(5), get(3)]],
    ['PROTOCOL_ERROR', 'HEADERS shorter than their padding (6.2)', [frame(headers, 5 | padded, 1, [9, 0x82])]],
    ['PROTOCOL_ERROR', 'HEADERS without room for the priority (6.2)', [frame(headers, 5 | hasPriority, 1, [0, 0])]],
    ['COMPRESSION_ERROR', 'a block that cannot be decoded (4.3)', [frame(headers, 5, 1, [0x80])]],
    ['PROTOCOL_ERROR', 'PRIORITY on stream 0 (6.3)', [frame(priority, 0, 0, bytes(5))]],
    ['FRAME_SIZE_ERROR', 'RST_STREAM of 3 bytes (6.4)', [post(1), frame(rst, 0, 1, bytes(3))]],
    ['PROTOCOL_ERROR', 'RST_STREAM on stream 0 (6.4)', [frame(rst, 0, 0, uint32(8))]],
    ['PROTOCOL_ERROR', 'RST_STREAM on an idle stream (6.4)', [frame(rst, 0, 1, uint32(8))]],
    ['PROTOCOL_ERROR', 'SETTINGS on a stream (6.5)', [frame(settings, 0, 1)]],
    ['FRAME_SIZE_ERROR', 'SETTINGS of 7 bytes (6.5)', [frame(settings, 0, 0, bytes(7))]],
    ['FRAME_SIZE_ERROR', 'SETTINGS with ACK and a payload (6.5)', [frame(settings, 1, 0, setting(3, 1))]],
    ['PROTOCOL_ERROR', 'ENABLE_PUSH 2 (6.5.2)', [frame(settings, 0, 0, setting(2, 2))]],
    ['FLOW_CONTROL_ERROR', 'INITIAL_WINDOW_SIZE 2^31 (6.5.2)', [frame(settings, 0, 0, setting(4, 2 ** 31))]],
    ['PROTOCOL_ERROR', 'MAX_FRAME_SIZE 16383 (6.5.2)', [frame(settings, 0, 0, setting(5, 16_383))]],
    ['PROTOCOL_ERROR', 'MAX_FRAME_SIZE 2^24 (6.5.2)', [frame(settings, 0, 0, setting(5, 2 ** 24))]],
    ['PROTOCOL_ERROR', 'ENABLE_CONNECT_PROTOCOL 2 (RFC 8441 3)', [frame(settings, 0, 0, setting(8, 2))]],
    [
      'PROTOCOL_ERROR',
      'ENABLE_CONNECT_PROTOCOL 0 after 1 (RFC 8441 3)',
      [frame(settings, 0, 0, setting(8, 1)), frame(settings, 0, 0, setting(8, 0))],
    ],
    ['PROTOCOL_ERROR', 'PUSH_PROMISE from a client (8.4)', [get(1), frame(pushPromise, 4, 1, [0, 0, 0, 2, 0x82])]],
    ['FRAME_SIZE_ERROR', 'PING of 7 bytes (6.7)', [frame(ping, 0, 0, bytes(7))]],
    ['PROTOCOL_ERROR', 'PING on a stream (6.7)', [frame(ping, 0, 1, bytes(8))]],
    ['PROTOCOL_ERROR', 'GOAWAY on a stream (6.8)', [frame(goaway, 0, 1, bytes(8))]],
    ['FRAME_SIZE_ERROR', 'GOAWAY of 7 bytes (6.8)', [frame(goaway, 0, 0, bytes(7))]],
    ['FRAME_SIZE_ERROR', 'WINDOW_UPDATE of 3 bytes (6.9)', [frame(windowUpdate, 0, 0, bytes(3))]],
    ['PROTOCOL_ERROR', 'WINDOW_UPDATE by 0 on the connection (6.9)', [frame(windowUpdate, 0, 0, uint32(0))]],
    ['PROTOCOL_ERROR', 'WINDOW_UPDATE on an idle stream (5.1)', [frame(windowUpdate, 0, 1, uint32(1))]],
    ['FLOW_CONTROL_ERROR', 'a window above 2^31-1 (6.9.1)', [frame(windowUpdate, 0, 0, uint32(2 ** 31 - 1))]],
    ['PROTOCOL_ERROR', 'CONTINUATION without HEADERS (6.10)', [frame(continuation, endHeaders, 1, getHeaders)]],
    ['PROTOCOL_ERROR', 'CONTINUATION behind a whole block (6.10)', [get(1), frame(continuation, 4, 1, getHeaders)]],
    [
      'PROTOCOL_ERROR',
      'a frame inside a header block (4.3)',
      [frame(headers, endStream, 1, getHeaders), frame(ping, 0, 0, bytes(8))],
    ],
    [
      'PROTOCOL_ERROR',
      'CONTINUATION of another stream (4.3)',
      [frame(headers, endStream, 1, getHeaders), frame(continuation, endHeaders, 3)],
    ],
    ['FRAME_SIZE_ERROR', 'a frame above MAX_FRAME_SIZE (4.2)', [frame(data, 0, 1, bytes(20_000))]],
    ['FRAME_SIZE_ERROR', 'PRIORITY of 4 bytes on an idle stream (6.3)', [frame(priority, 0, 1, bytes(4))]],
    ['FLOW_CONTROL_ERROR', "more DATA than the connection's window (6.9.1)", overConnectionWindow()],
  ])('%s: %s', (code, _, frames) => {
    const server = rawServer({
      settings: { maxFrameSize: 16_384, initialWindowSize: 200_000, connectionWindowSize: 65_535 },
    });
    server.recorder.consumes = false;
    server.recorder.onRequest = (stream, _headers, end) => {
      if (end) stream.sendHeaders(okHeaders, true);
    };
    expect(answers(server, ...frames)).toEqual([expect.stringContaining(code)]);
    expect(server.recorder.error?.code).toBe(`HTTP2_${code}`);
    expect(server.connection.isDead).toBe(true);
    expect(server.connection.streamCount).toBe(0);
    const eventsThen = server.events.length;
    server.connection.receive(get(99));
    expect(server.events).toHaveLength(eventsThen);
    expect(server.sent).toEqual([]);
  });

  it('PROTOCOL_ERROR for a client that does not speak HTTP/2, at its first wrong byte (3.4)', () => {
    const server = new End('server');
    server.connection.start();
    server.connection.receive(Buffer.from('PRI * HTTP/1'));
    expect(server.recorder.error?.code).toBe('HTTP2_PROTOCOL_ERROR');
  });

  it('PROTOCOL_ERROR when the first frame is not SETTINGS (3.4)', () => {
    const server = new End('server');
    server.connection.start();
    server.connection.receive(Buffer.concat([clientPreface, frame(settings, 1, 0)]));
    expect(server.recorder.error?.message).toBe('the first frame is not SETTINGS');
  });

  it('FLOW_CONTROL_ERROR when SETTINGS make the window of a stream too large (6.9.2)', () => {
    const server = rawServer();
    const frames = [
      post(1),
      frame(windowUpdate, 0, 1, uint32(2 ** 31 - 65_536)),
      frame(settings, 0, 0, setting(4, 70_000)),
    ];
    expect(answers(server, ...frames)).toEqual(['GOAWAY 0 0: 1 FLOW_CONTROL_ERROR']);
  });
});

function overConnectionWindow(): Buffer[] {
  return [post(1), ...[1, 2, 3, 4].map(() => frame(data, 0, 1, bytes(16_384)))];
}

describe('a server resets a stream with', () => {
  it.each<[string, string, Buffer[]]>([
    ['STREAM_CLOSED', 'DATA behind END_STREAM (5.1)', [get(1), frame(data, 0, 1, bytes(1))]],
    ['STREAM_CLOSED', 'HEADERS behind END_STREAM (5.1)', [get(1), get(1)]],
    [
      'STREAM_CLOSED',
      'DATA behind RST_STREAM (5.1)',
      [post(1), frame(rst, 0, 1, uint32(8)), frame(data, 0, 1, bytes(1))],
    ],
    ['PROTOCOL_ERROR', 'a second HEADERS without END_STREAM (8.1)', [post(1), post(1)]],
    ['PROTOCOL_ERROR', 'pseudo-header fields in trailers (8.1)', [post(1), get(1)]],
    ['PROTOCOL_ERROR', 'WINDOW_UPDATE by 0 (6.9)', [post(1), frame(windowUpdate, 0, 1, uint32(0))]],
    ['FLOW_CONTROL_ERROR', 'a window above 2^31-1 (6.9.1)', [post(1), frame(windowUpdate, 0, 1, uint32(2 ** 31 - 1))]],
    [
      'PROTOCOL_ERROR',
      'a stream that depends on itself (5.3.1)',
      [frame(headers, 5 | hasPriority, 1, [0, 0, 0, 1, 9, ...getHeaders])],
    ],
    ['PROTOCOL_ERROR', 'PRIORITY on itself', [post(1), frame(priority, 0, 1, [0, 0, 0, 1, 9])]],
    ['FRAME_SIZE_ERROR', 'PRIORITY of 4 bytes (6.3)', [post(1), frame(priority, 0, 1, bytes(4))]],
    ['PROTOCOL_ERROR', 'more DATA than content-length (8.1.1)', [withLength(1, 5), frame(data, 0, 1, bytes(6))]],
    ['PROTOCOL_ERROR', 'less DATA than content-length (8.1.1)', [withLength(1, 5), frame(data, 1, 1, bytes(4))]],
    ['PROTOCOL_ERROR', 'content-length without content (8.1.1)', [withLength(1, 5, endStream)]],
    [
      'PROTOCOL_ERROR',
      'trailers before the content is whole',
      [withLength(1, 5), frame(headers, 5, 1, encodeHeaderList([['a', 'b']]))],
    ],
    [
      'FLOW_CONTROL_ERROR',
      "more DATA than the stream's window (6.9.1)",
      [post(1), frame(data, 0, 1, bytes(16_384)), frame(data, 0, 1, bytes(5000))],
    ],
    [
      'PROTOCOL_ERROR',
      'HEADERS inside a tunnel (8.5)',
      [frame(headers, endHeaders, 1, connectHeaders), frame(headers, 5, 1, encodeHeaderList([['a', 'b']]))],
    ],
    ['REFUSED_STREAM', 'one stream too many (5.1.2)', [post(1), post(3), post(5)]],
  ])('%s: %s', (code, _, frames) => {
    const server = rawServer({
      settings: { maxFrameSize: 16_384, initialWindowSize: 20_000, maxConcurrentStreams: 2 },
    });
    server.recorder.consumes = false;
    expect(answers(server, ...frames)).toEqual([expect.stringMatching(new RegExp(`^RST_STREAM \\d 0: ${code}$`))]);
    // The connection lives: another request is answered.
    server.recorder.onRequest = (stream) => stream.sendHeaders(okHeaders, true);
    server.connection.receive(
      Buffer.concat([frame(rst, 0, 3, uint32(8)), get(7)].slice(server.connection.streamCount > 1 ? 0 : 1)),
    );
    expect(frameLines(server.takeSent())).toEqual(['HEADERS 7 5: 1']);
  });

  it('ends with a stream error what came while it was open: onReset, then onStreamClosed, once', () => {
    const server = rawServer();
    answers(server, post(1), post(1), post(1), frame(data, 1, 1, bytes(3)));
    expect(server.events.slice(1)).toEqual(['reset 1 1 by codec', 'closed 1']);
    expect(server.recorder.streams[0]?.resetReason).toBe('trailers without END_STREAM');
  });

  it('ignores DATA that was under way when it reset the stream, and gives its window back (5.1, 6.9)', () => {
    const server = rawServer({ settings: { connectionWindowSize: 65_535, maxFrameSize: 16_384 } });
    server.recorder.onRequest = (stream) => stream.reset(8);
    server.connection.receive(post(1));
    server.takeSent();
    server.connection.receive(Buffer.concat([frame(data, 0, 1, bytes(16_384)), frame(data, 0, 1, bytes(16_384))]));
    expect(frameLines(server.takeSent())).toEqual(['WINDOW_UPDATE 0 0: 32768']);
    expect(server.connection.isDead).toBe(false);
  });

  it('resets a late frame of a stream that is forgotten, and does not fail the connection (5.1)', () => {
    const server = rawServer({ limits: { rememberedStreams: 4 } });
    server.recorder.onRequest = (stream) => stream.sendHeaders(okHeaders, true);
    for (let id = 1; id < 20; id += 2) server.connection.receive(get(id));
    server.takeSent();
    expect(answers(server, get(3), frame(data, 0, 5, bytes(1)))).toEqual([
      'RST_STREAM 3 0: STREAM_CLOSED',
      'RST_STREAM 5 0: STREAM_CLOSED',
    ]);
    expect(answers(server, get(19))).toEqual(['GOAWAY 0 0: 19 STREAM_CLOSED']);
  });

  it('reads nothing more when a handler ends the connection on a frame that is passed over', () => {
    const server = rawServer();
    server.recorder.onReset = () => server.connection.destroy();
    server.connection.receive(Buffer.concat([get(1), frame(data, 0, 1, bytes(3)), post(3)]));
    expect(server.recorder.streams.map((stream) => stream.id)).toEqual([1]);
  });

  it('asks for the size update that its smaller header table makes necessary (4.3.1)', () => {
    const server = new End('server', { settings: { headerTableSize: 0 } });
    server.connection.start();
    server.connection.receive(Buffer.concat([clientPreface, frame(settings, 0, 0), get(1), frame(settings, 1, 0)]));
    expect(server.recorder.streams).toHaveLength(1);
    server.connection.receive(get(3));
    expect(server.recorder.error?.code).toBe('HTTP2_COMPRESSION_ERROR');
  });

  it('receive may not be called from a handler', () => {
    const server = rawServer();
    server.recorder.onRequest = () => server.connection.receive(get(3));
    expect(() => server.connection.receive(get(1))).toThrow('receive was called from a handler');
  });
});

function withLength(streamId: number, length: number, flags = 0): Buffer {
  const block = encodeHeaderList([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/'],
    ['content-length', String(length)],
  ]);
  return frame(headers, endHeaders | flags, streamId, block);
}

describe('a client', () => {
  function requested(kind: 'plain' | 'head' | 'connect' = 'plain', ends = true): { client: End; stream: Http2Stream } {
    const client = rawClient();
    const stream = client.connection.openStream(getHeaders, ends, kind);
    if (stream === undefined) throw new Error('no stream');
    client.takeSent();
    return { client, stream };
  }
  const response = (fields: [string, string][], flags = endHeaders): Buffer =>
    frame(headers, flags, 1, encodeHeaderList(fields));
  const ok = response([[':status', '200']]);

  it.each<[string, string, Buffer[]]>([
    ['PROTOCOL_ERROR', 'PUSH_PROMISE (8.4)', [frame(pushPromise, 4, 1, [0, 0, 0, 2, 0x82])]],
    ['PROTOCOL_ERROR', 'ENABLE_PUSH 1 from a server (6.5.2)', [frame(settings, 0, 0, setting(2, 1))]],
    ['PROTOCOL_ERROR', 'HEADERS on an idle stream (5.1)', [frame(headers, 5, 3, okHeaders)]],
    ['PROTOCOL_ERROR', 'HEADERS on an even stream (5.1.1)', [frame(headers, 5, 2, okHeaders)]],
    [
      'STREAM_CLOSED',
      'DATA on a stream that has ended (5.1)',
      [response([[':status', '200']], 5), frame(data, 0, 1, bytes(1))],
    ],
    [
      'PROTOCOL_ERROR',
      'a GOAWAY with a higher stream than before (6.8)',
      [frame(goaway, 0, 0, [...uint32(1), ...uint32(0)]), frame(goaway, 0, 0, [...uint32(3), ...uint32(0)])],
    ],
  ])('ends the connection with %s: %s', (code, _, frames) => {
    expect(answers(requested().client, ...frames)).toEqual([expect.stringMatching(`GOAWAY 0 0: 0 ${code}`)]);
  });

  it.each<[string, Buffer[]]>([
    ['DATA before the response head (8.1)', [frame(data, 0, 1, bytes(1))]],
    ['no :status (8.3.2)', [response([['a', 'b']])]],
    ['status 101 (8.6)', [response([[':status', '101']])]],
    ['a status of two digits', [response([[':status', '20']])]],
    [
      'a request field in a response (8.3)',
      [
        response([
          [':status', '200'],
          [':path', '/'],
        ]),
      ],
    ],
    ['END_STREAM on an informational response (8.1)', [response([[':status', '103']], 5)]],
    [
      'less DATA than content-length',
      [
        response([
          [':status', '200'],
          ['content-length', '5'],
        ]),
        frame(data, 1, 1, bytes(4)),
      ],
    ],
    [
      'more DATA than content-length',
      [
        response([
          [':status', '200'],
          ['content-length', '5'],
        ]),
        frame(data, 1, 1, bytes(6)),
      ],
    ],
    [
      'content-length without content',
      [
        response(
          [
            [':status', '200'],
            ['content-length', '5'],
          ],
          5,
        ),
      ],
    ],
    ['content in a 204', [response([[':status', '204']]), frame(data, 1, 1, bytes(1))]],
    ['trailers without END_STREAM', [ok, response([['a', 'b']])]],
    ['a second response head', [ok, response([[':status', '200']], 5)]],
  ])('resets the stream with PROTOCOL_ERROR: %s', (_, frames) => {
    const { client } = requested();
    expect(answers(client, ...frames)).toEqual(['RST_STREAM 1 0: PROTOCOL_ERROR']);
    expect(client.events.slice(-2)).toEqual(['reset 1 1 by codec', 'closed 1']);
  });

  it('takes a content-length without content for HEAD and 304 (8.1.1)', () => {
    const head = requested('head').client;
    expect(
      answers(
        head,
        response(
          [
            [':status', '200'],
            ['content-length', '5'],
          ],
          5,
        ),
      ),
    ).toEqual([]);
    expect(head.events.at(-1)).toBe('closed 1');
    expect(
      answers(
        requested().client,
        response(
          [
            [':status', '304'],
            ['content-length', '5'],
          ],
          5,
        ),
      ),
    ).toEqual([]);
  });

  it('ignores content-length in the answer that opens a tunnel (RFC 9110 section 8.6)', () => {
    const { client } = requested('connect', false);
    expect(
      answers(
        client,
        response([
          [':status', '200'],
          ['content-length', '5'],
        ]),
        frame(data, 1, 1, bytes(9)),
      ),
    ).toEqual([]);
    expect(client.events.slice(-2)).toEqual(['data 1 "xxxxxxxxx"', 'end 1']);
  });

  it('hears of RST_STREAM(NO_ERROR) behind a whole response, while its request is under way (8.1)', () => {
    const { client, stream } = requested('plain', false);
    expect(answers(client, response([[':status', '200']], 5), frame(rst, 0, 1, uint32(0)))).toEqual([]);
    expect(client.events).toEqual(['headers 1 :status: 200 END', 'reset 1 0 by peer', 'closed 1']);
    expect(stream.remoteEnded).toBe(true);
    expect(stream.write(bytes(10))).toBe(true);
    expect(client.sent).toEqual([]);
  });
});
