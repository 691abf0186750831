import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Reading } from '../../test/http1-events.ts';
import { bytes, comparable, cut, readRequests, readResponses } from '../../test/http1-events.ts';

const characterOf = (characters: string) => fc.constantFrom(...characters.split(''));
const token = fc.string({ unit: characterOf('abcXYZ09-.!~'), minLength: 1, maxLength: 12 });
const value = fc.string({ unit: characterOf('abc ,;="\t\xe4:/?'), maxLength: 30 });
const optionalSpace = fc.constantFrom('', ' ', '\t', '  ');
const fieldLine = fc
  .tuple(token, optionalSpace, value, optionalSpace)
  .map(([name, before, text, after]) => `X-${name}:${before}${text}${after}\r\n`);
const codecLine = fc.constantFrom(
  'Connection: close\r\n',
  'Connection: keep-alive, x-a\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Keep-Alive: timeout=5\r\n',
  'TE: trailers\r\n',
  'Expect: 100-continue\r\n',
  'X-A: b\r\n',
);
const fieldLines = fc.array(fc.oneof(fieldLine, codecLine), { maxLength: 8 }).map((all) => all.join(''));

const chunk = fc
  .tuple(
    fc.constantFrom('', ';a', ';a=b', ';a="b\\"c"'),
    fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }),
  )
  .map(([extension, data]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`);
const body = fc.oneof(
  fc.constant('\r\n'),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((data) => `Content-Length: ${data.length}\r\n\r\n${data}`),
  fc
    .tuple(fc.array(chunk, { maxLength: 4 }), fc.constantFrom('', 'Grpc-Status: 0\r\n', 'a: b\r\nc:\r\n'))
    .map(([chunks, trailers]) => `Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n${trailers}\r\n`),
);

const path = fc.string({ unit: characterOf('abc/.%20?&=*'), maxLength: 40 }).map((rest) => `/${rest}`);
const request = fc
  .tuple(
    fc.constantFrom('', '\r\n', '\r\n\r\n'),
    fc.constantFrom('GET', 'POST', 'OPTIONS', 'PURGE'),
    fc.oneof(
      path,
      path.map((rest) => `http://cart${rest}`),
      fc.constantFrom('http://cart', 'http://cart?a'),
    ),
    fieldLines,
    body,
  )
  .map(
    ([before, method, target, fields, rest]) =>
      `${before}${method} ${target} HTTP/1.1\r\nHost: cart\r\n${fields}${rest}`,
  );
const response = fc
  .tuple(fc.constantFrom('100 Continue', '200 OK', '204 No Content', '304 ', '503'), fieldLines, body)
  .map(([status, fields, rest]) => `HTTP/1.1 ${status}\r\n${fields}${rest}`);

const mutation = fc.record({
  at: fc.nat(2000),
  kind: fc.constantFrom('replace', 'insert', 'remove'),
  text: fc.oneof(
    fc.constantFrom('\r', '\n', ' ', '\0', ':', ',', ';', '0', 'f', '\t', '#', '\xe4', '\r\n', '\r\n\r\n'),
    codecLine,
  ),
});

/** Changes a text in places, as an attacker would. */
function mutate(text: string, mutations: readonly { at: number; kind: string; text: string }[]): string {
  let result = text;
  for (const { at, kind, text: inserted } of mutations) {
    const place = at % (result.length + 1);
    const removed = kind === 'insert' ? 0 : inserted.length;
    result = result.slice(0, place) + (kind === 'remove' ? '' : inserted) + result.slice(place + removed);
  }
  return result;
}

const places = fc.array(fc.nat(2000), { maxLength: 12 });
/** Ends whatever line and head is open, so that every reading comes to a decision. */
const ending = '\r\n\r\n';

/** Whether one reading is the other, given that neither may depend on how the input was cut. */
function expectSame(
  read: (pieces: readonly Buffer[], reuseChunks: boolean) => Reading,
  input: Buffer,
  at: number[],
): void {
  const wanted = comparable(read([input], false));
  expect(comparable(read(cut(input, at), true))).toEqual(wanted);
  expect(
    comparable(
      read(
        Array.from(input, (_, i) => input.subarray(i, i + 1)),
        false,
      ),
    ),
  ).toEqual(wanted);
}

describe('how the input was cut', () => {
  it('makes no difference to requests', () => {
    const requests = fc.array(request, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(requests, places, (all, at) => {
        const input = bytes(all.join(''));
        const reading = readRequests([input]);
        expect([reading.failure, reading.messages.length, reading.end]).toEqual([undefined, all.length, 'complete']);
        expectSame((pieces, reuseChunks) => readRequests(pieces, { reuseChunks }), input, at);
      }),
      { numRuns: 300 },
    );
  });

  it('makes no difference to broken requests', () => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 3 }), mutations, places, (all, changes, at) => {
        const input = bytes(mutate(all.join(''), changes) + ending);
        expectSame((pieces, reuseChunks) => readRequests(pieces, { reuseChunks }), input, at);
      }),
      { numRuns: 1500 },
    );
  });

  it('makes no difference to responses, sound or broken', () => {
    const methods = ['GET', 'HEAD', 'GET', 'UPGRADE'];
    fc.assert(
      fc.property(
        fc.array(response, { minLength: 1, maxLength: 3 }),
        fc.array(mutation, { maxLength: 3 }),
        places,
        (all, changes, at) => {
          const input = bytes(mutate(all.join(''), changes) + ending);
          expectSame((pieces, reuseChunks) => readResponses(pieces, { reuseChunks, methods }), input, at);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a request that was forwarded', () => {
  it('is read by the next hop as the same request, with nothing of this hop in it', () => {
    const mutations = fc.array(mutation, { maxLength: 2 });
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 3 }), mutations, (all, changes) => {
        const sent = readRequests([bytes(mutate(all.join(''), changes))]).messages.filter(({ complete }) => complete);
        const received = readRequests([bytes(sent.map(({ forwarded, raw }) => forwarded + raw).join(''))]);
        expect(received.failure).toBeUndefined();
        expect(received.messages).toHaveLength(sent.length);
        received.messages.forEach((message, i) => {
          const original = sent[i];
          expect(message.payload).toBe(original?.payload);
          expect(message.trailers).toEqual(original?.trailers);
          for (const same of ['method', 'path', 'query', 'bodyKind', 'contentLength', 'upgrade', 'acceptsTrailers']) {
            expect([same, message.head[same]]).toEqual([same, original?.head[same]]);
          }
          const again = message.head['hopByHop'] as string[];
          expect(again.filter((name) => !['connection', 'upgrade', 'te'].includes(name))).toEqual([]);
        });
      }),
      { numRuns: 1000 },
    );
  });
});
