import { describe, expect, it } from '@jest/globals';
import { End, frame, frameLines, okHeaders, postHeaders, rawServer, uint32 } from '../../test/http2-ends.ts';
import { encodeHeaderList } from '../hpack/index.ts';
import { defaultHttp2Limits, Http2Connection, tunnelHttp2Settings, type Http2Stream } from './index.ts';

function accepted(server: End): Http2Stream {
  server.connection.receive(frame(1, 4, 1, postHeaders));
  return server.recorder.streams[0] as Http2Stream;
}

describe('what is written', () => {
  it('during one receive leaves in one buffer', () => {
    const server = rawServer();
    server.recorder.onRequest = (stream) => {
      stream.sendHeaders(okHeaders, false);
      stream.write(Buffer.from('hello'), 0, 5, true);
    };
    server.connection.receive(Buffer.concat([frame(1, 5, 1, postHeaders), frame(1, 5, 3, postHeaders)]));
    expect(server.sent).toHaveLength(1);
    expect(frameLines(server.takeSent())).toEqual(['HEADERS 1 4: 1', 'DATA 1 1: 5', 'HEADERS 3 4: 1', 'DATA 3 1: 5']);
  });

  it('is copied when small, so that the writer may reuse its buffer, and passed on as it is when large', () => {
    const server = rawServer();
    const stream = accepted(server);
    stream.sendHeaders(okHeaders, false);
    server.takeSent();
    const small = Buffer.from('small');
    stream.write(small);
    small.fill('x');
    const large = Buffer.alloc(5000, 'y');
    stream.write(large);
    expect(server.sent[0]?.subarray(9).toString()).toBe('small');
    expect(server.sent[2]).toBe(large);
    expect(frameLines(server.takeSent())).toEqual(['DATA 1 0: 5', 'DATA 1 0: 5000']);
  });

  it('never changes bytes that were handed out', () => {
    const server = rawServer();
    const stream = accepted(server);
    stream.sendHeaders(okHeaders, false);
    server.takeSent();
    const copies: Buffer[] = [];
    for (let i = 0; i < 5000; i++) {
      stream.write(Buffer.from(`message ${i}`));
      copies.push(Buffer.from(server.sent.at(-1) as Buffer));
    }
    expect(Buffer.concat(server.sent)).toEqual(Buffer.concat(copies));
    expect(frameLines(server.takeSent())).toHaveLength(5000);
  });

  it('gathers until flush for an owner that asks for it, who is told once', () => {
    const sent: Buffer[] = [];
    let asked = 0;
    const recorder = new End('client').recorder;
    const connection = new Http2Connection({
      role: 'client',
      settings: tunnelHttp2Settings,
      limits: defaultHttp2Limits,
      handlers: recorder,
      nowMs: () => 0,
      output: { write: (bytes) => void sent.push(bytes), wantsFlush: () => void asked++ },
    });
    connection.start();
    const stream = connection.openStream(postHeaders, false);
    stream?.write(Buffer.from('a'));
    stream?.write(Buffer.from('b'));
    expect([asked, sent.length]).toEqual([1, 0]);
    connection.flush();
    expect([asked, sent.length]).toEqual([1, 1]);
    stream?.write(Buffer.from('c'));
    connection.receive(frame(4, 0, 0));
    expect([asked, sent.length]).toEqual([2, 1]);
    connection.flush();
    connection.flush();
    expect(frameLines(sent[1] as Buffer)).toEqual(['DATA 1 0: 1', 'SETTINGS 0 1: 0']);
    expect(sent).toHaveLength(2);
  });

  it('divides a header block at the frame size of the peer (6.10)', () => {
    const server = rawServer();
    const stream = accepted(server);
    const head = encodeHeaderList([
      [':status', '200'],
      ['x-large', '\xff'.repeat(40_000)],
    ]);
    stream.sendHeaders(head, true);
    const lines = frameLines(server.takeSent());
    expect(lines).toEqual([
      'HEADERS 1 1: 16384',
      'CONTINUATION 1 0: 16384',
      `CONTINUATION 1 4: ${head.length - 32_768}`,
    ]);
  });

  it('answers a smaller header table of the peer with a size update before the next block (4.3.1)', () => {
    const server = rawServer();
    server.connection.receive(frame(4, 0, 0, [0, 1, ...uint32(0)]));
    const stream = accepted(server);
    server.takeSent();
    stream.sendHeaders(okHeaders, true);
    expect(server.takeSent().subarray(9)).toEqual(Buffer.concat([Buffer.of(0x20), okHeaders]));
  });
});
