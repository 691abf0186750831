import { describe, expect, it } from '@jest/globals';
import {
  type End,
  frame,
  frameLines,
  getHeaders,
  okHeaders,
  Pair,
  postHeaders,
  rawClient,
  rawServer,
  uint32,
} from '../../test/http2-ends.ts';
import { http2ErrorCode, type Http2Stream } from './index.ts';

const goaway = (lastStreamId: number, errorCode: number): Buffer =>
  frame(7, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(errorCode)]));

function open(end: End): Http2Stream {
  const stream = end.connection.openStream(postHeaders, false);
  if (stream === undefined) throw new Error('no stream');
  return stream;
}

describe('GOAWAY received (6.8)', () => {
  it('hands streams above the last one back as refused, and lets the others end', () => {
    const client = rawClient();
    const streams = [open(client), open(client), open(client)];
    client.takeSent();
    client.connection.receive(goaway(3, 0));
    expect(client.events).toEqual(['goaway 3 0', 'reset 5 7 by peer', 'closed 5']);
    expect(client.connection.canOpenStream).toBe(false);
    expect(client.connection.openStream(getHeaders, true)).toBeUndefined();
    for (const stream of streams) stream.end();
    client.connection.receive(Buffer.concat([frame(1, 5, 1, okHeaders), frame(1, 5, 3, okHeaders)]));
    expect(client.events.slice(3)).toEqual([
      'headers 1 :status: 200 END',
      'closed 1',
      'headers 3 :status: 200 END',
      'closed 3',
      'drained',
    ]);
  });

  it('may come again with a lower last stream', () => {
    const client = rawClient();
    open(client);
    open(client);
    client.connection.receive(Buffer.concat([goaway(2 ** 31 - 1, 0), goaway(1, 0)]));
    expect(client.events).toEqual(['goaway 2147483647 0', 'goaway 1 0', 'reset 3 7 by peer', 'closed 3']);
  });
});

describe('shutdownGracefully (6.8)', () => {
  it('loses no stream that was under way: GOAWAY, a PING, and the final GOAWAY', () => {
    const pair = new Pair();
    pair.clear();
    const early = open(pair.client);
    pair.exchange();
    pair.server.connection.shutdownGracefully();
    const late = open(pair.client);
    pair.exchange();
    expect(pair.client.events).toEqual(['goaway 2147483647 0', 'goaway 3 0']);
    expect(pair.server.recorder.streams.map((stream) => stream.id)).toEqual([1, 3]);
    for (const stream of [early, late]) stream.end();
    for (const stream of pair.server.recorder.streams) stream.sendHeaders(okHeaders, true);
    pair.exchange();
    expect(pair.server.events.slice(-1)).toEqual(['drained']);
    expect(pair.client.events.slice(-1)).toEqual(['drained']);
  });

  it('ignores streams that come after the final GOAWAY, and their DATA', () => {
    const server = rawServer();
    server.connection.goaway();
    expect(server.events).toEqual(['drained']);
    server.takeSent();
    server.connection.receive(Buffer.concat([frame(1, 4, 1, postHeaders), frame(0, 1, 1, [1, 2, 3])]));
    expect(server.events).toEqual(['drained']);
    expect(server.sent).toEqual([]);
  });

  it('of a client sends GOAWAY and opens no more streams', () => {
    const client = rawClient();
    const stream = open(client);
    client.takeSent();
    client.connection.shutdownGracefully();
    client.connection.shutdownGracefully();
    expect(frameLines(client.takeSent())).toEqual(['GOAWAY 0 0: 0 NO_ERROR']);
    expect(client.connection.canOpenStream).toBe(false);
    stream.reset(http2ErrorCode.cancel);
    expect(client.events).toEqual(['closed 1', 'drained']);
  });
});

describe('the end of the connection', () => {
  it('destroy tells every stream and sends nothing', () => {
    const pair = new Pair();
    open(pair.client);
    open(pair.client);
    pair.exchange();
    pair.clear();
    pair.client.connection.destroy(http2ErrorCode.connectError);
    pair.client.connection.destroy();
    expect(pair.client.events).toEqual([
      'reset 1 10 by connection',
      'closed 1',
      'reset 3 10 by connection',
      'closed 3',
    ]);
    expect(pair.client.sent).toEqual([]);
    pair.client.connection.ping(Buffer.alloc(8));
    pair.client.connection.goaway();
    expect(pair.client.sent).toEqual([]);
  });

  it('fail sends GOAWAY for a reason of the owner, then reports it', () => {
    const client = rawClient();
    open(client);
    client.takeSent();
    client.connection.fail(http2ErrorCode.settingsTimeout, 'no SETTINGS acknowledgement within 10 s');
    expect(frameLines(client.takeSent())).toEqual(['GOAWAY 0 0: 0 SETTINGS_TIMEOUT']);
    expect(client.events).toEqual(['reset 1 4 by connection', 'closed 1', 'error HTTP2_SETTINGS_TIMEOUT']);
  });

  it('a handler may destroy the connection in the middle of a chunk', () => {
    const server = rawServer();
    server.recorder.afterData = () => server.connection.destroy();
    server.connection.receive(
      Buffer.concat([
        frame(1, 4, 1, postHeaders),
        frame(0, 0, 1, [120]),
        frame(0, 0, 1, [121]),
        frame(1, 5, 3, getHeaders),
      ]),
    );
    expect(server.events.slice(1)).toEqual(['data 1 "x"', 'reset 1 8 by connection', 'closed 1']);
  });
});

describe('PING (6.7)', () => {
  it('is answered with its payload, and our own answer is handed over', () => {
    const pair = new Pair();
    pair.clear();
    pair.client.connection.ping(Buffer.from('12345678'));
    pair.exchange();
    expect(pair.client.events).toEqual(['ping-ack 12345678']);
  });
});

describe('MAX_CONCURRENT_STREAMS (5.1.2)', () => {
  it('bounds what a client opens; an end makes room', () => {
    const client = rawClient({}, [0, 3, ...uint32(2)]);
    const stream = open(client);
    open(client);
    expect(client.connection.canOpenStream).toBe(false);
    expect(client.connection.openStream(getHeaders, true)).toBeUndefined();
    stream.reset(8);
    expect(client.connection.canOpenStream).toBe(true);
  });
});
