import { describe, expect, it } from '@jest/globals';
import { encodeHeaderList } from '../hpack/index.ts';
import type { Http2Stream } from './index.ts';
import { connectHeaders, okHeaders, Pair, postHeaders } from '../../test/http2-ends.ts';

function open(
  pair: Pair,
  headers: Buffer,
  endStream: boolean,
  kind: 'plain' | 'head' | 'connect' = 'plain',
): Http2Stream {
  const stream = pair.client.connection.openStream(headers, endStream, kind);
  if (stream === undefined) throw new Error('no stream could be opened');
  pair.exchange();
  return stream;
}

function started(options?: ConstructorParameters<typeof Pair>[0]): Pair {
  const pair = new Pair(options);
  pair.clear();
  return pair;
}

describe('two connections joined back to back', () => {
  it('exchange settings and acknowledge them (section 3.4)', () => {
    const pair = new Pair();
    expect(pair.client.events).toEqual(['settings']);
    expect(pair.server.events).toEqual(['settings']);
    expect(pair.client.connection.settingsAcknowledged).toBe(true);
    expect(pair.server.connection.settingsAcknowledged).toBe(true);
    expect(pair.client.connection.remoteSettings.initialWindowSize).toBe(4 * 1024 * 1024);
  });

  it('carry a CONNECT tunnel with half-close both ways (section 8.5)', () => {
    const pair = started();
    const stream = open(pair, connectHeaders, false, 'connect');
    const accepted = pair.server.recorder.streams[0] as Http2Stream;
    accepted.sendHeaders(okHeaders, false);
    stream.write(Buffer.from('ping'));
    pair.exchange();
    accepted.write(Buffer.from('pong'));
    stream.end();
    pair.exchange();
    accepted.write(Buffer.from(' and more'));
    accepted.end();
    pair.exchange();
    expect(pair.server.events).toEqual([
      'headers 1 :method: CONNECT, :authority: 10.1.2.3:8080',
      'data 1 "ping"',
      'end 1',
      'closed 1',
    ]);
    expect(pair.client.events).toEqual(['headers 1 :status: 200', 'data 1 "pong and more"', 'end 1', 'closed 1']);
    expect(pair.client.connection.streamCount).toBe(0);
  });

  it('carry requests with bodies, informational responses and trailers (section 8.1)', () => {
    const pair = started();
    const stream = open(pair, postHeaders, false);
    const accepted = pair.server.recorder.streams[0] as Http2Stream;
    accepted.sendHeaders(encodeHeaderList([[':status', '103']]), false);
    stream.write(Buffer.from('body'), 0, 4, true);
    pair.exchange();
    accepted.sendHeaders(okHeaders, false);
    accepted.write(Buffer.from('answer'));
    accepted.sendTrailers(encodeHeaderList([['grpc-status', '0']]));
    pair.exchange();
    expect(pair.server.events.slice(1)).toEqual(['data 1 "body"', 'end 1', 'closed 1']);
    expect(pair.client.events).toEqual([
      'headers 1 :status: 103',
      'headers 1 :status: 200',
      'data 1 "answer"',
      'trailers 1 grpc-status: 0',
      'closed 1',
    ]);
  });
});
