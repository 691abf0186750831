import { describe, expect, it } from '@jest/globals';
import { bytes } from '../../test/http1-events.ts';
import type { HeadEdits, RequestHeadEdits } from './index.ts';
import {
  ByteWriter,
  Http1RequestReader,
  Http1ResponseReader,
  needsUnframedBody,
  writeChunk,
  writeLastChunk,
  writeRequestHead,
  writeResponseHead,
} from './index.ts';

function forward(input: string, edits?: RequestHeadEdits): string {
  const reader = new Http1RequestReader();
  const chunk = bytes(input);
  reader.readHead(chunk, 0, chunk.length);
  expect(reader.failure).toBeUndefined();
  const writer = new ByteWriter(16);
  writeRequestHead(writer, reader.head, edits);
  return writer.take().toString('latin1');
}

function responseReader(input: string): Http1ResponseReader {
  const reader = new Http1ResponseReader();
  reader.expect(false, true);
  const chunk = bytes(input);
  reader.readHead(chunk, 0, chunk.length);
  expect(reader.failure).toBeUndefined();
  return reader;
}

function answer(input: string, edits?: HeadEdits): string {
  const writer = new ByteWriter(16);
  writeResponseHead(writer, responseReader(input).head, edits);
  return writer.take().toString('latin1');
}

const lines = (...all: string[]) => [...all, '', ''].join('\r\n');

describe('a forwarded request head', () => {
  it('is the same bytes where there is nothing to change', () => {
    const input = lines('GET /a?b=c HTTP/1.1', 'Host: cart', 'X-Odd:\t value \t', 'x-odd: again', 'Empty:');
    expect(forward(input)).toBe(input);
  });

  it('loses its hop-by-hop fields wherever they stand (RFC 9110 7.6.1)', () => {
    expect(
      forward(
        lines(
          'GET / HTTP/1.1',
          'Keep-Alive: 5',
          'Host: cart',
          'X-A: 1',
          'X-B: 2',
          'Connection: x-a, keep-alive',
          'X-C: 3',
          'Proxy-Connection: keep-alive',
        ),
      ),
    ).toBe(lines('GET / HTTP/1.1', 'Host: cart', 'X-B: 2', 'X-C: 3'));
  });

  it('keeps Transfer-Encoding, for the body keeps its chunks', () => {
    const input = lines('POST / HTTP/1.1', 'Host: cart', 'Transfer-Encoding: chunked');
    expect(forward(input)).toBe(input);
  });

  it('has plain whitespace in the fields that frame and route, for parsers differ about other', () => {
    expect(forward(lines('POST / HTTP/1.1', 'Host:cart', 'X:\ty', 'Transfer-Encoding: \tchunked\t', 'Z:  z '))).toBe(
      lines('POST / HTTP/1.1', 'Host: cart', 'X:\ty', 'Transfer-Encoding: chunked', 'Z:  z '),
    );
    expect(forward(lines('POST / HTTP/1.1', 'Host: cart', 'Content-Length:\t1 '))).toBe(
      lines('POST / HTTP/1.1', 'Host: cart', 'Content-Length: 1'),
    );
    expect(forward(lines('GET / HTTP/1.1', 'Host:\tcart\t', 'Keep-Alive: 5', 'Expect: x '))).toBe(
      lines('GET / HTTP/1.1', 'Host: cart', 'Expect: x'),
    );
  });

  it('loses named fields, and gets new ones', () => {
    const edits = { dropNames: [bytes('x-a'), bytes('cookie')], append: bytes('x-new: 1\r\nx-newer: 2\r\n') };
    expect(forward(lines('GET / HTTP/1.1', 'X-A: 1', 'Host: cart', 'COOKIE: a', 'X-Ab: 2'), edits)).toBe(
      lines('GET / HTTP/1.1', 'Host: cart', 'X-Ab: 2', 'x-new: 1', 'x-newer: 2'),
    );
  });

  it('gets another target', () => {
    const target = bytes('/v2/x?y');
    expect(forward(lines('PUT /v1/x?y HTTP/1.1', 'Host: cart'), { target })).toBe(
      lines('PUT /v2/x?y HTTP/1.1', 'Host: cart'),
    );
    expect(forward(lines('PUT http://cart/v1 HTTP/1.1', 'Host: cart'), { target })).toBe(
      lines('PUT /v2/x?y HTTP/1.1', 'Host: cart'),
    );
  });

  it('gets another Host, in its place', () => {
    const edits = { host: bytes('cart-v2.shop') };
    expect(forward(lines('GET / HTTP/1.1', 'A: 1', 'HOST: cart', 'B: 2'), edits)).toBe(
      lines('GET / HTTP/1.1', 'A: 1', 'HOST: cart-v2.shop', 'B: 2'),
    );
    expect(forward(lines('GET / HTTP/1.1', 'Keep-Alive: 5', 'Host: cart', 'Keep-Alive: 5'), edits)).toBe(
      lines('GET / HTTP/1.1', 'Host: cart-v2.shop'),
    );
  });

  it.each([
    ['GET http://cart/a?b HTTP/1.1', 'GET /a?b HTTP/1.1'],
    ['GET http://cart HTTP/1.1', 'GET / HTTP/1.1'],
    ['GET http://cart?b HTTP/1.1', 'GET /?b HTTP/1.1'],
    ['GET http://cart/? HTTP/1.1', 'GET /? HTTP/1.1'],
    ['OPTIONS http://cart HTTP/1.1', 'OPTIONS * HTTP/1.1'],
    ['OPTIONS http://cart/ HTTP/1.1', 'OPTIONS / HTTP/1.1'],
    ['OPTIONS * HTTP/1.1', 'OPTIONS * HTTP/1.1'],
    ['OPTIONS * HTTP/1.0', 'OPTIONS * HTTP/1.1'],
    ['GET /a?b HTTP/1.0', 'GET /a?b HTTP/1.1'],
  ])('%s goes out as %s (RFC 9112 3.2)', (came, goes) => {
    expect(forward(lines(came, 'Host: cart'))).toBe(lines(goes, 'Host: cart'));
  });

  it('gets a Host where HTTP/1.0 had none (RFC 9112 3.2)', () => {
    expect(forward('GET / HTTP/1.0\r\n\r\n', { host: bytes('cart:80') })).toBe(
      lines('GET / HTTP/1.1', 'host: cart:80'),
    );
    expect(forward('GET / HTTP/1.0\r\nX: y\r\n\r\n')).toBe(lines('GET / HTTP/1.1', 'X: y', 'host: '));
    expect(forward('GET http://cart:81/ HTTP/1.0\r\n\r\n')).toBe(lines('GET / HTTP/1.1', 'host: cart:81'));
  });

  it('says of the connection what the caller says', () => {
    const input = lines('GET / HTTP/1.0', 'Host: cart', 'Connection: close');
    expect(forward(input)).toBe(lines('GET / HTTP/1.1', 'Host: cart'));
    expect(forward(input, { connection: 'close' })).toBe(lines('GET / HTTP/1.1', 'Host: cart', 'connection: close'));
    expect(forward(input, { connection: 'keep-alive' })).toBe(
      lines('GET / HTTP/1.1', 'Host: cart', 'connection: keep-alive'),
    );
  });

  it('asks for the upgrade that the client asked for', () => {
    const input = lines(
      'GET / HTTP/1.1',
      'Host: cart',
      'Upgrade: websocket',
      'Connection: keep-alive, Upgrade',
      'X: y',
    );
    expect(forward(input)).toBe(
      lines('GET / HTTP/1.1', 'Host: cart', 'X: y', 'connection: upgrade', 'upgrade: websocket'),
    );
  });

  it('says that trailers are accepted where the client did (RFC 9110 10.1.4)', () => {
    const input = lines('GET / HTTP/1.1', 'Host: cart', 'TE: gzip, trailers', 'Connection: TE');
    expect(forward(input)).toBe(lines('GET / HTTP/1.1', 'Host: cart', 'connection: te', 'te: trailers'));
    expect(forward(input, { connection: 'close' })).toBe(
      lines('GET / HTTP/1.1', 'Host: cart', 'connection: close, te', 'te: trailers'),
    );
  });

  it('loses its framing where the body goes out with other framing', () => {
    const edits = { dropFraming: true, append: bytes('content-length: 3\r\n') };
    expect(forward(lines('POST / HTTP/1.1', 'Transfer-Encoding: chunked', 'Host: cart'), edits)).toBe(
      lines('POST / HTTP/1.1', 'Host: cart', 'content-length: 3'),
    );
  });
});

describe('a forwarded response head', () => {
  it('is the same bytes where there is nothing to change', () => {
    const input = lines('HTTP/1.1 200 All good', 'Content-Length: 5', 'X: y ');
    expect(answer(input)).toBe(input);
  });

  it('is HTTP/1.1 without hop-by-hop fields, with edits', () => {
    const edits = { dropNames: [bytes('server')], append: bytes('x-new: 1\r\n'), connection: 'close' } as const;
    const input = lines('HTTP/1.0 200 OK', 'Connection: keep-alive, x-a', 'Server: a', 'X-A: 1', 'Content-Length: 5');
    expect(answer(input, edits)).toBe(lines('HTTP/1.1 200 OK', 'Content-Length: 5', 'connection: close', 'x-new: 1'));
  });

  it('says which protocol is required (426, RFC 9110 15.5.22)', () => {
    const input = lines(
      'HTTP/1.1 426 Upgrade Required',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Content-Length: 0',
    );
    expect(answer(input)).toBe(
      lines('HTTP/1.1 426 Upgrade Required', 'Content-Length: 0', 'connection: upgrade', 'upgrade: websocket'),
    );
  });

  it('does not pass on Upgrade with another status', () => {
    const input = lines('HTTP/1.1 200 OK', 'Upgrade: h2', 'Connection: Upgrade', 'Content-Length: 0');
    expect(answer(input)).toBe(lines('HTTP/1.1 200 OK', 'Content-Length: 0'));
  });

  it('can be written for an HTTP/1.0 client, which does not know chunks (RFC 9112 7.1)', () => {
    const input = lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'X: y');
    const { head } = responseReader(input);
    expect([needsUnframedBody(0, head), needsUnframedBody(1, head)]).toEqual([true, false]);
    expect(answer(input, { dropFraming: true, connection: 'close' })).toBe(
      lines('HTTP/1.1 200 OK', 'X: y', 'connection: close'),
    );
    expect(needsUnframedBody(0, responseReader(lines('HTTP/1.1 200 OK', 'Content-Length: 5')).head)).toBe(false);
    expect(needsUnframedBody(0, responseReader(lines('HTTP/1.1 200 OK')).head)).toBe(false);
  });
});

describe('chunks', () => {
  it('are written as a reader reads them', () => {
    const writer = new ByteWriter();
    writer.writeBytes(bytes('POST / HTTP/1.1\r\nHost: cart\r\nTransfer-Encoding: chunked\r\n\r\n'));
    const payload = bytes('x'.repeat(0x1f_a0b));
    writeChunk(writer, payload, 0, payload.length);
    writeChunk(writer, payload, 5, 5);
    writeChunk(writer, payload, 5, 8);
    writeLastChunk(writer, bytes('grpc-status: 0\r\n'));
    const input = writer.take();
    expect(input.toString('latin1')).toContain('\r\n1fa0b\r\nxxx');
    let length = 0;
    const reader = new Http1RequestReader(undefined, { onPayload: (_buffer, start, end) => (length += end - start) });
    const bodyStart = reader.readHead(input, 0, input.length);
    expect(reader.readBody(input, bodyStart, input.length)).toBe(input.length);
    expect([reader.state, length, reader.trailers?.count]).toEqual(['complete', payload.length + 3, 1]);
  });
});
