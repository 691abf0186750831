import { describe, expect, it } from '@jest/globals';
import type { HeaderField, Http2Stream } from '@tulle/wire';
import {
  ByteWriter,
  defaultHttp1Limits,
  encodeHeaderList,
  HpackDecoder,
  HpackEncoder,
  Http1RequestReader,
  Http1ResponseReader,
  Http2Headers,
  Http2RequestHead,
} from '@tulle/wire';
import fc from 'fast-check';
import { inputsOf } from '../../../../packages/wire/fuzz/corpus.ts';
import { http1Targets } from '../../../../packages/wire/fuzz/http1-targets.ts';
import { Dice, mutate } from '../../../../packages/wire/fuzz/mutate.ts';
import { fieldsOf, readRequests, readResponses } from '../../../../packages/wire/test/http1-events.ts';
import { frame, getHeaders, rawClient, rawServer } from '../../../../packages/wire/test/http2-ends.ts';
import { encodeHttp1Request, encodeHttp1Response } from '../http2/from-http1.ts';
import { writeHttp2Request, writeHttp2Response } from './from-http2.ts';
import { encodeTrailers } from './trailers.ts';

const key = 'AAAAAAAAAAAAAAAAAAAAAA==';
const runs = 3_000;

/** Bytes that end or split something in HTTP/1.1, and their neighbours. */
const oddBytes = [0, 1, 9, 10, 13, 32, 34, 35, 37, 44, 58, 59, 64, 92, 95, 124, 127, 128, 160, 255];
const odd = fc.constantFrom(...oddBytes).map((byte) => String.fromCharCode(byte));
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b.c', '1', '/', '?', '*', 'x=y') },
  { weight: 2, arbitrary: odd },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\r\n',
      '\r\n\r\n',
      ' HTTP/1.1\r\n',
      'GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n',
      '0\r\n\r\n',
    ),
  },
);
const text = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''));
const fieldName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('x-a', 'cookie', 'te', 'host', 'expect', 'trailer', 'date', 'accept') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'content-length',
      'transfer-encoding',
      'connection',
      'upgrade',
      'keep-alive',
      'proxy-connection',
      'http2-settings',
      'sec-websocket-key',
      'x_a',
    ),
  },
  { weight: 1, arbitrary: text },
);
const fieldValue = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('', '0', '3', 'trailers', 'chunked', 'close', 'websocket', 'h', 'a=b', '100-continue'),
  },
  { weight: 1, arbitrary: text },
);
const fields = fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 5 });
const mostly = <T>(usual: readonly T[], rest: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: rest });

const requestHead = fc
  .tuple(
    mostly(['GET', 'POST', 'HEAD', 'OPTIONS', 'CONNECT'], text),
    mostly(['http', 'https'], text),
    mostly(['h', 'cart.shop:80', '[::1]'], text),
    mostly(['/', '/a?b=c', '*', '//h/', '/%0d%0a'], text),
    fc.constantFrom(undefined, undefined, 'websocket', 'other'),
    fields,
  )
  .map(([method, scheme, authority, path, protocol, rest]): HeaderField[] => [
    [':method', method],
    [':scheme', scheme],
    [':authority', authority],
    [':path', path],
    ...(protocol === undefined ? [] : ([[':protocol', protocol]] as HeaderField[])),
    ...rest,
  ]);

/** Gives `take` a head as HTTP/2 has read it, when it is one; gives whether it was. */
function asRequest(head: readonly HeaderField[], ended: boolean, take: (headers: Http2Headers) => void): boolean {
  const server = rawServer({ settings: { enableConnectProtocol: true } });
  let taken = false;
  server.recorder.onRequest = (_stream: Http2Stream, headers) => {
    taken = true;
    take(headers);
  };
  server.connection.receive(frame(1, ended ? 5 : 4, 1, encodeHeaderList(head)));
  return taken;
}

function asResponse(head: readonly HeaderField[], ended: boolean, take: (headers: Http2Headers) => void): boolean {
  const client = rawClient();
  client.connection.openStream(getHeaders, true);
  let taken = false;
  client.recorder.onRequest = (_stream: Http2Stream, headers) => {
    taken = true;
    take(headers);
  };
  client.connection.receive(frame(1, ended ? 5 : 4, 1, encodeHeaderList(head)));
  return taken;
}

describe('a request that came in HTTP/2', () => {
  it('is exactly one request in HTTP/1.1, by rules as strict as ours, with the body it had', () => {
    let written = 0;
    fc.assert(
      fc.property(requestHead, fc.boolean(), (list, ended) => {
        asRequest(list, ended, (headers) => {
          const isWebSocket = headers.protocol >= 0 && headers.valueText(headers.protocol) === 'websocket';
          if (headers.isConnect && !isWebSocket) return;
          const writer = new ByteWriter(64);
          const facts = { ended, websocketKey: isWebSocket ? key : undefined };
          if (!writeHttp2Request(writer, new Http2RequestHead(headers), undefined, facts)) return;
          const head = writer.take().toString('latin1');
          const length = isWebSocket ? 0 : Math.max(0, headers.contentLength);
          if (length > 1_000) return;
          const chunked = !ended && headers.contentLength < 0 && !isWebSocket;
          const payload = chunked ? 'body' : 'x'.repeat(length);
          const body = chunked ? '4\r\nbody\r\n0\r\n\r\n' : payload;
          const { messages, failure, end } = readRequests([Buffer.from(head + body, 'latin1')], {
            limits: defaultHttp1Limits,
          });
          expect([list, failure, messages.length, end]).toEqual([list, undefined, 1, 'complete']);
          const [message] = messages;
          expect(message?.payload).toBe(payload);
          expect(message?.head['method']).toBe(isWebSocket ? 'GET' : headers.valueText(headers.method));
          expect(message?.head['target']).toBe(headers.valueText(headers.path));
          expect(message?.head['upgrade']).toBe(isWebSocket ? 'websocket' : undefined);
          written += 1;
        });
      }),
      { numRuns: runs },
    );
    expect(written).toBeGreaterThan(runs / 50);
  });

  it('has trailers that are no more than trailers in HTTP/1.1', () => {
    let written = 0;
    fc.assert(
      fc.property(fields, (list) => {
        const server = rawServer();
        const context = { encoder: new HpackEncoder() };
        server.recorder.onTrailers = (_stream, headers) => {
          const bytes = encodeTrailers(context, 1, headers).toString('latin1');
          const request = `POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${bytes}\r\n`;
          const { messages, failure, end } = readRequests([Buffer.from(request, 'latin1')], {
            limits: defaultHttp1Limits,
          });
          expect([list, failure, messages.length, end]).toEqual([list, undefined, 1, 'complete']);
          written += 1;
        };
        const post = encodeHeaderList([
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/'],
        ]);
        server.connection.receive(Buffer.concat([frame(1, 4, 1, post), frame(1, 5, 1, encodeHeaderList(list))]));
      }),
      { numRuns: runs },
    );
    expect(written).toBeGreaterThan(runs / 50);
  });
});

describe('a response that came in HTTP/2', () => {
  const responseHead = fc
    .tuple(mostly(['200', '204', '304', '404', '103', '100'], text), fields)
    .map(([status, rest]): HeaderField[] => [[':status', status], ...rest]);

  it('is exactly one response in HTTP/1.1', () => {
    let written = 0;
    fc.assert(
      fc.property(responseHead, fc.constantFrom('chunked', 'empty', 'length'), (list, body) => {
        asResponse(list, body === 'empty', (headers) => {
          if (headers.status < 200 || headers.status === 204 || headers.status === 304) return;
          if (body === 'length' && (headers.contentLength < 0 || headers.contentLength > 1_000)) return;
          const writer = new ByteWriter(64);
          writeHttp2Response(writer, headers, undefined, { body, connection: undefined, websocketAccept: undefined });
          const payload = { chunked: 'body', empty: '', length: 'x'.repeat(Math.max(0, headers.contentLength)) }[body];
          const framed = body === 'chunked' ? '4\r\nbody\r\n0\r\n\r\n' : payload;
          const bytes = Buffer.from(writer.take().toString('latin1') + framed, 'latin1');
          const { messages, failure, end } = readResponses([bytes]);
          expect([list, failure, messages.length, end]).toEqual([list, undefined, 1, 'complete']);
          expect(messages[0]?.payload).toBe(payload);
          written += 1;
        });
      }),
      { numRuns: runs },
    );
    expect(written).toBeGreaterThan(runs / 50);
  });
});

/** Changed inputs of the corpus, and those of it. */
function* hostile(target: (typeof http1Targets)[number]): Generator<Buffer> {
  const inputs = inputsOf(target);
  yield* inputs;
  const dice = new Dice(9_113);
  for (let i = 0; i < runs; i++)
    yield mutate(dice, dice.of(inputs), { others: inputs, words: target.words, maxBytes: 2_048 });
}

function decoded(block: Buffer): Http2Headers {
  const headers = new Http2Headers();
  new HpackDecoder({ maxTableSize: 4_096, maxListBytes: 1 << 20, maxFields: 1_000 }).decode(
    block,
    0,
    block.length,
    headers,
  );
  return headers;
}

const targetNamed = (name: string): (typeof http1Targets)[number] => {
  const target = http1Targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`there is no parser ${name}`);
  return target;
};

describe('what came in HTTP/1.1', () => {
  it('and was accepted as a request is a sound request in HTTP/2', () => {
    let written = 0;
    for (const input of hostile(targetNamed('http1-request'))) {
      const reader = new Http1RequestReader();
      reader.readHead(input, 0, input.length);
      if (reader.state === 'head' || reader.state === 'failed') continue;
      const { head } = reader;
      const websocket = head.upgrade;
      const authority = head.authorityEnd > head.authorityStart ? undefined : Buffer.from('cart.shop');
      const block = encodeHttp1Request(new HpackEncoder(), head, undefined, { websocket, authority });
      const headers = decoded(Buffer.from(block));
      expect([input.toString('latin1'), headers.checkRequest(true)]).toEqual([input.toString('latin1'), undefined]);
      if (head.bodyKind === 'length') expect(headers.contentLength).toBe(head.contentLength);
      else expect(headers.contentLength).toBe(-1);
      written += 1;
    }
    expect(written).toBeGreaterThan(runs / 20);
  });

  it('and was accepted as a response is a sound response in HTTP/2, its trailers are sound trailers', () => {
    let written = 0;
    let trailersSeen = 0;
    for (const input of hostile(targetNamed('http1-response'))) {
      const reader = new Http1ResponseReader();
      reader.expect(false, false);
      const at = reader.readHead(input, 0, input.length);
      if (reader.state === 'head' || reader.state === 'failed') continue;
      const block = encodeHttp1Response(new HpackEncoder(), reader.head, undefined, false);
      const headers = decoded(Buffer.from(block));
      expect([input.toString('latin1'), headers.checkResponse()]).toEqual([input.toString('latin1'), undefined]);
      written += 1;
      reader.readBody(input, at, input.length);
      const { trailers } = reader;
      if (trailers === undefined) continue;
      const encoded = decoded(encodeTrailers({ encoder: new HpackEncoder() }, 2, trailers));
      expect([fieldsOf(trailers), encoded.checkTrailers()]).toEqual([fieldsOf(trailers), undefined]);
      trailersSeen += 1;
    }
    expect(written).toBeGreaterThan(runs / 20);
    expect(trailersSeen).toBeGreaterThan(0);
  });
});
