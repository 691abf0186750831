import { describe, expect, it } from '@jest/globals';
import type { MessageEvent, Reading } from '../../test/http1-events.ts';
import { bytes, comparable, everySplit, readResponses } from '../../test/http1-events.ts';
import { Http1ResponseReader } from './index.ts';

function readEveryWay(input: string, methods: readonly string[] = []): Reading {
  const whole = readResponses([bytes(input)], { methods });
  for (const pieces of everySplit(bytes(input))) {
    expect(comparable(readResponses(pieces, { methods }))).toEqual(comparable(whole));
    expect(comparable(readResponses(pieces, { methods, reuseChunks: true }))).toEqual(comparable(whole));
  }
  return whole;
}

function one(input: string, method = 'GET'): MessageEvent {
  const { messages, failure, end } = readEveryWay(input, [method]);
  expect([failure, end, messages.length]).toEqual([undefined, 'complete', 1]);
  return messages[0] as MessageEvent;
}

const next = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';

describe('the status line (RFC 9112 4)', () => {
  it('gives status, reason and version', () => {
    expect(one('HTTP/1.0 404 Not Found \xe4\r\nContent-Length: 0\r\n\r\n').head).toMatchObject({
      status: 404,
      reason: 'Not Found \xe4',
      versionMinor: 0,
    });
  });

  it('may have an empty reason, also without the space before it', () => {
    for (const line of ['HTTP/1.1 200 ', 'HTTP/1.1 200']) {
      const { head, forwarded } = one(`${line}\r\nContent-Length: 0\r\n\r\n`);
      expect(head).toMatchObject({ status: 200, reason: '' });
      expect(forwarded).toBe('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n');
    }
  });
});

describe('the body (RFC 9112 6.3)', () => {
  it('has a length, or chunks', () => {
    const { messages } = readEveryWay(
      `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nX: y\r\n\r\n${next}`,
    );
    expect(messages).toMatchObject([
      { head: { bodyKind: 'length', contentLength: 2, keepAlive: true }, payload: 'hi' },
      { head: { bodyKind: 'chunked', contentLength: -1, keepAlive: true }, payload: 'ho', trailers: [['X', 'y']] },
      { head: { status: 201 } },
    ]);
  });

  it('lasts until the connection closes where nothing is said', () => {
    const { head, payload, raw } = one(`HTTP/1.1 200 OK\r\n\r\nhello${next}`);
    expect(head).toMatchObject({ bodyKind: 'until-close', keepAlive: false });
    expect([payload, raw]).toEqual([`hello${next}`, `hello${next}`]);
  });

  it('is cut off where the connection closes before its end', () => {
    expect(readEveryWay('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello').end).toBe('truncated');
    expect(readEveryWay('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n').end).toBe('truncated');
    expect(readEveryWay('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n').end).toBe('truncated');
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 5],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', -1],
    ['HEAD', 'HTTP/1.1 200 OK\r\n\r\n', -1],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 5],
    ['GET', 'HTTP/1.1 304 Not Modified\r\n\r\n', -1],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', -1],
  ])('is not there for %s and %j', (method, input, contentLength) => {
    const { messages } = readEveryWay(input + next, [method]);
    expect(messages).toMatchObject([
      { head: { bodyKind: 'none', contentLength, keepAlive: true }, raw: '', complete: true, forwarded: input },
      { head: { status: 201 } },
    ]);
  });

  it('is expected again after the response to a HEAD', () => {
    const { messages } = readEveryWay('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'.repeat(2) + 'hi', ['HEAD', 'GET']);
    expect(messages).toMatchObject([{ payload: '' }, { payload: 'hi', complete: true }]);
  });

  it.each([
    ['Content-Length: 0', true],
    ['Content-Length: 5', false],
    ['Transfer-Encoding: chunked', false],
  ])('is not there for 204 with %s, which is not forwarded (RFC 9110 8.6)', (field, keepAlive) => {
    const { head, forwarded } = one(`HTTP/1.1 204 No Content\r\nX: y\r\n${field}\r\n\r\n`);
    expect(head).toMatchObject({ bodyKind: 'none', keepAlive });
    expect(forwarded).toBe('HTTP/1.1 204 No Content\r\nX: y\r\n\r\n');
  });
});

describe('keepAlive (RFC 9112 9.3)', () => {
  it.each([
    ['1.1', '', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.0', '', false],
    ['1.0', 'Connection: keep-alive\r\n', true],
  ])('HTTP/%s with %j is %s', (version, fields, keepAlive) => {
    const { head } = one(`HTTP/${version} 200 OK\r\nContent-Length: 0\r\n${fields}\r\n`);
    expect(head).toMatchObject({ keepAlive });
  });
});

describe('interim responses (RFC 9110 15.2)', () => {
  it('are heads of their own before the final one, and do not use up what was expected', () => {
    const input =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${next}`;
    const { messages } = readEveryWay(input, ['HEAD']);
    expect(messages).toMatchObject([
      { head: { status: 100, interim: true, bodyKind: 'none' } },
      { head: { status: 103, interim: true, bodyKind: 'none' } },
      { head: { status: 200, interim: false, bodyKind: 'none', contentLength: 5 } },
      { head: { status: 201, interim: false } },
    ]);
  });

  it('do not come without end', () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    const { messages, failure } = readResponses([bytes(hints.repeat(40))]);
    expect([messages.length, failure?.rule]).toEqual([32, 'too-many-interim']);
    expect(readResponses([bytes((hints.repeat(32) + next).repeat(3))]).failure).toBeUndefined();
  });
});

describe('101 (RFC 9110 15.2.2)', () => {
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\n';

  it('ends what is HTTP on the connection', () => {
    const { head, forwarded } = one(switching, 'UPGRADE');
    expect(head).toMatchObject({ upgrade: true, upgradeTo: 'websocket', interim: false, keepAlive: false });
    expect(forwarded).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nX: y\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
  });

  it('leaves the bytes behind it to the other protocol', () => {
    const reader = new Http1ResponseReader();
    reader.expect(false, true);
    const chunk = bytes(`${switching}\x81\x02hi`);
    expect(reader.readHead(chunk, 0, chunk.length)).toBe(switching.length);
    expect(reader.state).toBe('complete');
  });

  it('is refused where nobody asked', () => {
    expect(readEveryWay(switching).failure).toMatchObject({ rule: 'upgrade-unasked', status: 502 });
  });
});

describe('a response that is refused', () => {
  it('is always the server’s fault: 502', () => {
    for (const input of [
      'HTTP/2.0 200 OK\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(3000)}\r\n\r\n`,
      'garbage\r\n\r\n',
    ]) {
      expect(readEveryWay(input).failure).toMatchObject({ code: 'bad-response', status: 502 });
    }
  });
});
