import { describe, expect, it } from '@jest/globals';
import type { MessageEvent, Reading } from '../../test/http1-events.ts';
import { bytes, comparable, describeRequest, everySplit, readRequests, smallLimits } from '../../test/http1-events.ts';
import type { Http1Rule } from './index.ts';
import { defaultHttp1Limits, Http1RequestReader, methodCode } from './index.ts';

/** Reads `input` cut in every way, and gives what came of it, which must be one and the same. */
function readEveryWay(input: string): Reading {
  const whole = readRequests([bytes(input)]);
  for (const pieces of everySplit(bytes(input))) {
    expect(comparable(readRequests(pieces))).toEqual(comparable(whole));
    expect(comparable(readRequests(pieces, { reuseChunks: true }))).toEqual(comparable(whole));
  }
  return whole;
}

/** The one request of an input. */
function one(input: string): MessageEvent {
  const { messages, failure, end } = readEveryWay(input);
  expect([failure, end, messages.length]).toEqual([undefined, 'complete', 1]);
  return messages[0] as MessageEvent;
}

function get(fields: string, line = 'GET / HTTP/1.1'): MessageEvent {
  return one(`${line}\r\nHost: cart\r\n${fields}\r\n`);
}

describe('the request line', () => {
  it('gives method, path, query and authority of an origin form (RFC 9112 3.2.1)', () => {
    expect(one('GET /a/b?c=d?e HTTP/1.1\r\nHost: cart:8080\r\n\r\n').head).toMatchObject({
      method: 'GET',
      methodCode: methodCode.GET,
      form: 'origin',
      target: '/a/b?c=d?e',
      path: '/a/b',
      query: 'c=d?e',
      authority: 'cart:8080',
      versionMinor: 1,
      hasHost: true,
    });
  });

  it('tells an empty query from none', () => {
    expect(get('', 'GET /a? HTTP/1.1').head).toMatchObject({ path: '/a', query: '' });
    expect(get('', 'GET /a HTTP/1.1').head).toMatchObject({ path: '/a', query: undefined });
  });

  it('gives path and authority of an absolute form (RFC 9112 3.2.2)', () => {
    const { head } = one('PUT hTTp://Cart:80/x?y HTTP/1.1\r\nHost: cart\r\n\r\n');
    expect(head).toMatchObject({ form: 'absolute', path: '/x', query: 'y', authority: 'Cart:80' });
  });

  it('reads an absolute form without a path as /, and as * for OPTIONS (RFC 9112 3.2.4)', () => {
    const ending = 'HTTP/1.1\r\nHost: cart\r\n\r\n';
    expect(one(`GET http://cart ${ending}`).head).toMatchObject({ path: '/', query: undefined });
    expect(one(`GET http://cart?a ${ending}`).head).toMatchObject({ path: '/', query: 'a' });
    expect(one(`OPTIONS http://cart ${ending}`).head).toMatchObject({ path: '', query: undefined });
    expect(one(`OPTIONS http://cart?a ${ending}`).head).toMatchObject({ path: '/', query: 'a' });
  });

  it('takes * for OPTIONS (RFC 9112 3.2.4)', () => {
    expect(get('', 'OPTIONS * HTTP/1.1').head).toMatchObject({ form: 'asterisk', path: '', target: '*' });
  });

  it.each(Object.entries(methodCode).filter(([name]) => name !== 'other' && name !== 'CONNECT'))(
    'knows %s, case-sensitively (RFC 9110 9.1)',
    (name, code) => {
      expect(get('', `${name} / HTTP/1.1`).head).toMatchObject({ method: name, methodCode: code });
      const lower = name.toLowerCase();
      expect(get('', `${lower} / HTTP/1.1`).head).toMatchObject({ method: lower, methodCode: methodCode.other });
    },
  );

  it('takes HTTP/1.0 without Host (RFC 9112 3.2)', () => {
    expect(one('GET / HTTP/1.0\r\n\r\n').head).toMatchObject({ versionMinor: 0, hasHost: false, authority: '' });
  });

  it('is refused with 414 when it is too long, and sooner than it ends (RFC 9112 3)', () => {
    const { failure } = readEveryWay(`GET /${'a'.repeat(smallLimits.maxRequestLineBytes)}`);
    expect(failure).toMatchObject({ code: 'uri-too-long', status: 414, rule: 'request-line-too-long' });
  });

  it('is refused at once where the first bytes can not be HTTP', () => {
    const reader = new Http1RequestReader();
    reader.readHead(bytes('\x16'), 0, 1);
    expect(reader.state).toBe('failed');
    expect(reader.failure).toMatchObject({ code: 'not-http', status: 400, rule: 'method-syntax' });
  });
});

describe('keepAlive (RFC 9112 9.3)', () => {
  it.each([
    ['1.1', '', true],
    ['1.1', 'Connection: close\r\n', false],
    ['1.1', 'Connection: x, CLOSE\r\nx: y\r\n', false],
    ['1.1', 'Connection: x\r\nConnection: close\r\n', false],
    ['1.1', 'Connection: closed\r\n', true],
    ['1.0', '', false],
    ['1.0', 'Connection: Keep-Alive\r\n', true],
    ['1.0', 'Connection: keep-alive, close\r\n', false],
  ])('HTTP/%s with %j is %s', (version, fields, wanted) => {
    expect(get(fields, `GET / HTTP/${version}`).head).toMatchObject({ keepAlive: wanted });
  });
});

describe('hop-by-hop fields (RFC 9110 7.6.1)', () => {
  it('are the known ones and those that Connection names, in any case', () => {
    const fields =
      'X-A: 1\r\nConnection: x-a, keep-alive\r\nKeep-Alive: 5\r\nx-B: 2\r\nProxy-Connection: x\r\nTE: gzip\r\n' +
      'Upgrade: x\r\nconnection: X-b\r\nX-C: 3\r\nX-a: 4\r\n';
    expect(get(fields).head['hopByHop']).toEqual([
      'X-A',
      'Connection',
      'Keep-Alive',
      'x-B',
      'Proxy-Connection',
      'TE',
      'Upgrade',
      'connection',
      'X-a',
    ]);
  });

  it('do not stay flagged for the next request', () => {
    const { messages } = readEveryWay(
      'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: X-A\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n',
    );
    expect(messages.map(({ head }) => head['hopByHop'])).toEqual([['X-A', 'Connection'], []]);
  });
});

describe('upgrade (RFC 9110 7.8)', () => {
  const asked = 'Connection: Upgrade\r\nUpgrade: websocket, other/1\r\n';
  it('is what Connection names and Upgrade says', () => {
    expect(get(asked).head).toMatchObject({ upgrade: 'websocket, other/1' });
  });

  it.each([
    ['Connection does not name it', 'Upgrade: websocket\r\n', '1.1'],
    ['there is no Upgrade field', 'Connection: upgrade\r\n', '1.1'],
    ['the field is empty', 'Connection: upgrade\r\nUpgrade:\r\n', '1.1'],
    ['there are two fields', `${asked}Upgrade: b\r\n`, '1.1'],
    ['the request is HTTP/1.0', asked, '1.0'],
    ['h2c is asked for (RFC 9113 3.1)', 'Connection: upgrade\r\nUpgrade: a, H2C\r\n', '1.1'],
  ])('is ignored where %s', (_case, fields, version) => {
    const { head, forwarded } = get(fields, `GET / HTTP/${version}`);
    expect(head).toMatchObject({ upgrade: undefined });
    expect(forwarded.toLowerCase()).not.toContain('upgrade');
  });

  it('is not ignored because the request before had two fields', () => {
    const request = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
    const { messages } = readEveryWay(request(`${asked}Upgrade: b\r\n`) + request(asked));
    expect(messages).toMatchObject([{ head: { upgrade: undefined } }, { head: { upgrade: 'websocket, other/1' } }]);
  });

  it('is ignored where the request has a body', () => {
    const { head } = one(`POST / HTTP/1.1\r\nHost: a\r\n${asked}Content-Length: 1\r\n\r\nx`);
    expect(head).toMatchObject({ upgrade: undefined });
  });
});

describe('Expect (RFC 9110 10.1.1)', () => {
  it.each([
    ['1.1', 'Expect: 100-Continue\r\n', 'hi', true],
    ['1.1', 'Expect: other\r\n', 'hi', false],
    ['1.1', '', 'hi', false],
    ['1.0', 'Expect: 100-continue\r\n', 'hi', false],
    ['1.1', 'Expect: 100-continue\r\n', '', false],
  ])('HTTP/%s with %j and the body %j: %s', (version, fields, body, wanted) => {
    const { head } = one(`POST / HTTP/${version}\r\nHost: a\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`);
    expect(head).toMatchObject({ expectContinue: wanted });
  });
});

describe('TE (RFC 9110 10.1.4)', () => {
  it.each([
    ['TE: trailers\r\n', true],
    ['TE: gzip;q=0.5, TRAILERS\r\n', true],
    ['TE: gzip\r\nTE: trailers\r\n', true],
    ['TE: gzip, trailersx\r\n', false],
    ['TE:\r\n', false],
    ['', false],
  ])('%j accepts trailers: %s', (fields, wanted) => {
    expect(get(fields).head).toMatchObject({ acceptsTrailers: wanted });
  });
});

/** One or more inputs for each rule of the strictness list, with the section that forbids it. */
const refused: [section: string, what: string, rule: Http1Rule, status: number, input: string][] = [
  ['RFC 9112 2.2', 'a bare LF', 'bare-lf', 400, 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n'],
  ['RFC 9112 2.2', 'a bare CR', 'bare-cr', 400, 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n'],
  ['RFC 9112 2.2', 'empty lines without end', 'empty-lines', 400, '\r\n'.repeat(9)],
  ['RFC 9112 3', 'two spaces', 'target-syntax', 400, 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 9112 3.1', 'no method', 'method-syntax', 400, ' / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 9110 9.3.6', 'CONNECT', 'connect-refused', 400, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'],
  ['RFC 9112 3.2', 'a fragment', 'target-character', 400, 'GET /#x HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 9112 3.2', 'a space in the target', 'version-syntax', 400, 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 9112 3.2', 'a byte from 0x80 in the target', 'target-character', 400, 'GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 9112 2.3', 'HTTP/0.9', 'version-syntax', 400, 'GET /\r\nHost: a\r\n\r\n'],
  ['RFC 9110 15.6.6', 'HTTP/2.0', 'version-unsupported', 505, 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['RFC 9110 15.6.6', 'HTTP/1.2', 'version-unsupported', 505, 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
  ['RFC 9112 5.2', 'a folded line', 'obs-fold', 400, 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
  ['RFC 9112 5.1', 'a space before the colon', 'space-before-colon', 400, 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['RFC 9112 5', 'a field without a name', 'empty-name', 400, 'GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n'],
  ['RFC 9110 5.1', 'an odd name', 'name-character', 400, 'GET / HTTP/1.1\r\nHost: a\r\nx(y): b\r\n\r\n'],
  ['RFC 9110 5.5', 'NUL in a value', 'value-character', 400, 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
  ['a setting', 'an underscore in a name', 'underscore-in-name', 400, 'GET / HTTP/1.1\r\nHost: a\r\nx_y: b\r\n\r\n'],
  ['RFC 9112 3.2', 'no Host', 'host-missing', 400, 'GET / HTTP/1.1\r\n\r\n'],
  ['RFC 9112 3.2', 'two Hosts', 'host-repeated', 400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
  ['RFC 9110 7.2', 'a malformed Host', 'host-syntax', 400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  ['RFC 9112 3.2.2', 'two authorities', 'host-differs', 400, 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['RFC 6585 5', 'a large head', 'head-too-large', 431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(2048)}\r\n\r\n`],
  ['RFC 6585 5', 'many fields', 'too-many-fields', 431, `GET / HTTP/1.1\r\nHost: a\r\n${'a:b\r\n'.repeat(100)}\r\n`],
];

describe('a request is refused', () => {
  it.each(refused)('%s: %s', (_section, _what, rule, status, input) => {
    const { failure, messages, end } = readEveryWay(input);
    expect([failure?.rule, failure?.status, messages, end]).toEqual([rule, status, [], 'truncated']);
    expect(failure?.message).toMatch(/^(line \d+|head): /);
  });

  it('with the number of the line where it is at fault', () => {
    expect(readEveryWay('GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n').failure?.message).toMatch(/^line 3: whitespace/);
  });

  it('and nothing of the connection is read after that', () => {
    const reader = new Http1RequestReader();
    const input = bytes('GET /#\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    reader.readHead(input, 0, input.length);
    reader.next();
    expect(reader.readHead(input, 10, input.length)).toBe(10);
    expect(reader.readBody(input, 10, input.length)).toBe(10);
    expect(reader.state).toBe('failed');
  });
});

describe('the reader', () => {
  it('takes underscores in names where the limits allow them', () => {
    const input = bytes('GET / HTTP/1.1\r\nHost: a\r\nx_y: b\r\n\r\n');
    const { messages } = readRequests([input], { limits: { ...smallLimits, allowUnderscores: true } });
    expect(messages[0]?.head['fields']).toEqual([
      ['Host', 'a'],
      ['x_y', 'b'],
    ]);
  });

  it('trims whitespace around values and keeps it inside, and keeps obs-text (RFC 9110 5.5)', () => {
    expect(get('X: \t a \t b\xe4 \t\r\nY:\r\nZ: \t \r\n').head['fields']).toEqual([
      ['Host', 'cart'],
      ['X', 'a \t b\xe4'],
      ['Y', ''],
      ['Z', ''],
    ]);
  });

  it('points into the chunk when the head is whole in it, and copies nothing', () => {
    const reader = new Http1RequestReader();
    const chunk = bytes('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(reader.readHead(chunk, 0, chunk.length)).toBe(chunk.length);
    expect(reader.head.headers.buffer).toBe(chunk);
  });

  it('gives up the chunk when it owns the head', () => {
    const reader = new Http1RequestReader();
    const chunk = bytes('\r\nPOST /p?q HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
    const bodyStart = reader.readHead(chunk, 0, chunk.length);
    const before = describeRequest(reader.head);
    reader.ownHead();
    reader.ownHead();
    chunk.fill(0, 0, bodyStart);
    expect(describeRequest(reader.head)).toEqual(before);
    expect(reader.readBody(chunk, bodyStart, chunk.length)).toBe(chunk.length);
    expect(reader.state).toBe('complete');
  });

  it('lets go of the chunk with next()', () => {
    const reader = new Http1RequestReader();
    const chunk = bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    reader.readHead(chunk, 0, chunk.length);
    reader.next();
    expect(reader.head.headers.buffer).toHaveLength(0);
  });

  it('does not leave a message before its end', () => {
    const reader = new Http1RequestReader();
    const chunk = bytes('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx');
    const bodyStart = reader.readHead(chunk, 0, chunk.length);
    reader.readBody(chunk, bodyStart, chunk.length);
    reader.next();
    expect([reader.state, reader.end()]).toEqual(['body', 'truncated']);
  });

  it('tells a connection that ended between requests from one that ended in one', () => {
    expect(readRequests([]).end).toBe('idle');
    expect(readRequests([bytes('\r\n')]).end).toBe('idle');
    expect(readRequests([bytes('G')]).end).toBe('truncated');
    expect(readRequests([bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]).end).toBe('complete');
    expect(readRequests([bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET')]).end).toBe('truncated');
    expect(readRequests([bytes('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n')]).end).toBe(
      'truncated',
    );
  });

  it('does not wait for another byte of a head that can not end within the limit', () => {
    const input = bytes('GET / HTTP/1.1\r\nHost: a\r\n'.padEnd(smallLimits.maxHeadBytes, 'x'));
    for (const place of [0, 1, 500]) {
      const reader = new Http1RequestReader(smallLimits);
      reader.readHead(input, 0, place);
      reader.readHead(input, place, input.length - 1);
      expect(reader.state).toBe('head');
      reader.readHead(input, input.length - 1, input.length);
      expect(reader.failure?.rule).toBe('head-too-large');
    }
    const whole = new Http1RequestReader(smallLimits);
    whole.readHead(input, 0, input.length);
    expect(whole.failure?.rule).toBe('head-too-large');
  });

  it('takes a head of exactly the default limit, and none larger, however it comes', () => {
    const start = 'GET / HTTP/1.1\r\nHost: a\r\nX: ';
    const { maxHeadBytes } = defaultHttp1Limits;
    for (const [size, rule] of [
      [maxHeadBytes, undefined],
      [maxHeadBytes + 1, 'head-too-large'],
    ] as const) {
      const input = bytes(`${start}${'y'.repeat(size - start.length - 4)}\r\n\r\n`);
      expect(input).toHaveLength(size);
      const bytewise = Array.from(input, (_, at) => input.subarray(at, at + 1));
      for (const pieces of [[input], bytewise]) {
        expect(readRequests(pieces, { limits: defaultHttp1Limits }).failure?.rule).toBe(rule);
      }
    }
  });
});
