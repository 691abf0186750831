import { describe, expect, it } from '@jest/globals';
import type { Reading } from '../../test/http1-events.ts';
import { bytes, comparable, everySplit, readRequests, smallLimits } from '../../test/http1-events.ts';
import type { Http1Rule } from './index.ts';

function readEveryWay(fields: string, body: string): Reading {
  const input = bytes(`POST / HTTP/1.1\r\nHost: cart\r\n${fields}\r\n${body}`);
  const whole = readRequests([input]);
  for (const pieces of everySplit(input)) expect(comparable(readRequests(pieces))).toEqual(comparable(whole));
  return whole;
}

const chunked = 'Transfer-Encoding: chunked\r\n';
const next = 'GET /next HTTP/1.1\r\nHost: cart\r\n\r\n';

describe('a body of known length (RFC 9112 6.2)', () => {
  it('ends where it says, and the next request begins there', () => {
    const { messages, failure } = readEveryWay('Content-Length: 7\r\n', `a\r\n\r\nbc${next}`);
    expect(failure).toBeUndefined();
    expect(messages).toMatchObject([
      { head: { bodyKind: 'length', contentLength: 7 }, raw: 'a\r\n\r\nbc', payload: 'a\r\n\r\nbc', complete: true },
      { head: { target: '/next', bodyKind: 'none', contentLength: -1 }, raw: '', payload: '', complete: true },
    ]);
  });

  it('of length 0 is complete with its head', () => {
    const { messages } = readEveryWay('Content-Length: 0\r\n', next);
    expect(messages).toMatchObject([{ head: { bodyKind: 'length', contentLength: 0 }, complete: true }, {}]);
  });

  it('is counted beyond 32 bits', () => {
    const { messages, end } = readEveryWay('Content-Length: 9007199254740991\r\n', 'abc');
    expect(messages).toMatchObject([{ head: { contentLength: Number.MAX_SAFE_INTEGER }, payload: 'abc' }]);
    expect(end).toBe('truncated');
  });
});

describe('a chunked body (RFC 9112 7.1)', () => {
  it('gives its payload, and all of its bytes as they came', () => {
    const body = '5\r\nhello\r\nA;x=y;z="\\"\r\n"\r\n'.replace('\r\n"', '"') + '0123456789\r\n000;end\r\n\r\n';
    const { messages, failure } = readEveryWay(chunked, body + next);
    expect(failure).toBeUndefined();
    expect(messages).toMatchObject([
      { head: { bodyKind: 'chunked' }, payload: 'hello0123456789', raw: body, trailers: [], complete: true },
      { head: { target: '/next' } },
    ]);
  });

  it('gives its trailers (RFC 9112 7.1.2)', () => {
    const body = '1\r\nx\r\n0\r\nGrpc-Status: 0\r\nGrpc-Message:\t a b \r\n\r\n';
    const { messages } = readEveryWay(chunked, body + next);
    expect(messages).toMatchObject([
      {
        raw: body,
        trailers: [
          ['Grpc-Status', '0'],
          ['Grpc-Message', 'a b'],
        ],
      },
      { trailers: [] },
    ]);
  });

  it('may be empty', () => {
    expect(readEveryWay(chunked, '0\r\n\r\n').messages).toMatchObject([{ payload: '', complete: true }]);
  });

  it('does not remember the last message: limits count anew', () => {
    const body = `1;${'x'.repeat(100)}\r\ny\r\n1;${'x'.repeat(100)}\r\ny\r\n0\r\n\r\n`;
    const post = `POST / HTTP/1.1\r\nHost: cart\r\n${chunked}\r\n${body}`;
    expect(readRequests([bytes(post.repeat(5))])).toMatchObject({ failure: undefined, end: 'complete' });
  });
});

const refused: [section: string, what: string, rule: Http1Rule, fields: string, body: string][] = [
  ['RFC 9110 8.6', 'two lengths', 'content-length-repeated', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'],
  ['RFC 9110 8.6', 'a list of lengths', 'content-length-syntax', 'Content-Length: 5, 5\r\n', 'hello'],
  ['RFC 9110 8.6', 'a signed length', 'content-length-syntax', 'Content-Length: +5\r\n', 'hello'],
  ['RFC 9110 8.6', 'a huge length', 'content-length-too-large', 'Content-Length: 9007199254740992\r\n', ''],
  ['RFC 9112 6.1', 'length and coding', 'content-length-with-transfer-encoding', `Content-Length: 5\r\n${chunked}`, ''],
  ['RFC 9112 6.3', 'chunked not last', 'transfer-encoding-syntax', 'Transfer-Encoding: chunked, gzip\r\n', ''],
  ['RFC 9112 6.3', 'chunked twice', 'transfer-encoding-syntax', 'Transfer-Encoding: chunked, chunked\r\n', ''],
  ['RFC 9112 6.1', 'two coding fields', 'transfer-encoding-repeated', chunked + chunked, ''],
  ['RFC 9112 6.1', 'a coding besides chunked', 'transfer-coding-unknown', 'Transfer-Encoding: gzip, chunked\r\n', ''],
  ['RFC 9112 7.1', 'no size', 'chunk-size', chunked, '\r\n'],
  ['RFC 9112 7.1', 'a size with 0x', 'chunk-size', chunked, '0x5\r\nhello\r\n'],
  ['RFC 9112 7.1', 'a size with a space behind', 'chunk-size', chunked, '5 \r\nhello\r\n'],
  ['RFC 9112 7.1', 'a huge size', 'chunk-size-too-large', chunked, 'fffffffffffffff\r\n'],
  ['RFC 9112 7.1', 'LF behind a size', 'bare-lf', chunked, '5\nhello\r\n'],
  ['RFC 9112 7.1', 'CR behind a size', 'bare-cr', chunked, '5\rhello\r\n'],
  ['RFC 9112 7.1', 'data longer than its size', 'chunk-end', chunked, '5\r\nhello!\r\n'],
  ['RFC 9112 7.1.1', 'a line end in an extension', 'chunk-extension', chunked, '5;a="\n"\r\nhello\r\n'],
  ['RFC 9112 7.1.1', 'a long extension', 'chunk-line-too-long', chunked, `5;${'a'.repeat(200)}\r\n`],
  ['RFC 9112 7.1.1', 'many extensions', 'chunk-line-too-long', chunked, `1;${'a'.repeat(100)}\r\nx\r\n`.repeat(3)],
  ['RFC 9110 6.5.1', 'a framing field as trailer', 'trailer-forbidden', chunked, '0\r\nContent-Length: 5\r\n\r\n'],
  ['RFC 9110 6.5.1', 'Host as trailer', 'trailer-forbidden', chunked, '0\r\nHost: admin\r\n\r\n'],
  ['RFC 9112 5.1', 'a space in a trailer', 'space-before-colon', chunked, '0\r\nX : y\r\n\r\n'],
  ['RFC 6585 5', 'long trailers', 'trailer-too-large', chunked, `0\r\nX: ${'y'.repeat(300)}\r\n\r\n`],
  ['RFC 6585 5', 'many trailers', 'too-many-fields', chunked, `0\r\n${'a:b\r\n'.repeat(5)}\r\n`],
];

describe('a body is refused', () => {
  it.each(refused)('%s: %s', (_section, _what, rule, fields, body) => {
    expect(readEveryWay(fields, body).failure?.rule).toBe(rule);
  });

  it('with 501 for a coding that is not known, 431 for trailers, else 400', () => {
    expect(readEveryWay('Transfer-Encoding: gzip, chunked\r\n', '').failure?.status).toBe(501);
    expect(readEveryWay(chunked, `0\r\nX: ${'y'.repeat(300)}\r\n\r\n`).failure?.status).toBe(431);
    expect(readEveryWay(chunked, 'x').failure).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^body: /),
    });
  });

  it('after the payload that came before the fault', () => {
    const { messages } = readEveryWay(chunked, '5\r\nhello\r\nx\r\n');
    expect(messages).toMatchObject([{ payload: 'hello', complete: false }]);
  });

  it('in HTTP/1.0 where it is chunked (RFC 9112 6.1)', () => {
    const { failure } = readRequests([bytes(`POST / HTTP/1.0\r\n${chunked}\r\n0\r\n\r\n`)]);
    expect(failure?.rule).toBe('transfer-encoding-in-1.0');
  });

  it('never where it keeps to the limits of the setting', () => {
    const { failure } = readRequests(
      [
        bytes(
          `POST / HTTP/1.1\r\nHost: a\r\n${chunked}\r\n1;${'a'.repeat(smallLimits.maxChunkLineBytes - 2)}\r\nx\r\n0\r\n\r\n`,
        ),
      ],
      { limits: smallLimits },
    );
    expect(failure).toBeUndefined();
  });
});
