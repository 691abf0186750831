import { comparable, cut, everySplit, readRequests, readResponses } from '../test/http1-events.ts';
import type { Feeding, Reading } from '../test/http1-events.ts';
import { detectHttp1 } from '../src/http1/index.ts';
import type { FuzzTarget } from './target.ts';

const words = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0\r\n\r\n',
  'ffffffffffffffff',
  'HTTP/1.1',
  'HTTP/1.0',
  'Host: a\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'TE: trailers\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'http://',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
].map((text) => Buffer.from(text));

/** Ends whatever line and head is open, so that every reading comes to a decision. */
const ending = Buffer.from('\r\n\r\n');

type Read = (pieces: readonly Buffer[], feeding?: Feeding) => Reading;

/** However the input is cut, and whether or not its chunks are used again: the reading is the same. */
function sameHoweverCut(read: Read, input: Buffer, cuts: readonly (readonly Buffer[])[]): Reading {
  const whole = read([input]);
  const wanted = JSON.stringify(comparable(whole));
  for (const [i, pieces] of cuts.entries()) {
    const reading = JSON.stringify(comparable(read(pieces, { reuseChunks: i % 2 === 1 })));
    if (reading !== wanted)
      throw new Error(`cut at ${pieces.map((piece) => piece.length).join(' ')}: ${reading} not ${wanted}`);
  }
  return whole;
}

/** What is forwarded of each whole request must itself be one request, as strict as ours, with the same body. */
function forwardsOne(reading: Reading): void {
  for (const message of reading.messages) {
    if (!message.complete) continue;
    const again = readRequests([Buffer.from(message.forwarded + message.raw, 'latin1')]);
    const [only] = again.messages;
    // An HTTP/1.0 request needs no Host, and is forwarded as HTTP/1.1 without one.
    if (again.failure?.rule === 'host-missing' && message.head['versionMinor'] === 0) continue;
    if (again.failure !== undefined && again.failure.code === 'header-too-large') continue;
    if (again.messages.length !== 1 || only?.payload !== message.payload || again.end === 'truncated') {
      throw new Error(`forwarded as ${JSON.stringify(message.forwarded + message.raw)}: ${JSON.stringify(again)}`);
    }
  }
}

const signature = ({ messages, failure, end }: Reading): string => {
  const head = messages.at(-1)?.head;
  return JSON.stringify([failure?.rule, end, messages.length, head?.['bodyKind'], head?.['targetForm']]);
};

export const http1Targets: readonly FuzzTarget[] = [
  {
    name: 'http1-request',
    corpus: 'http1/requests',
    words,
    run(mutated, places) {
      const input = Buffer.concat([mutated, ending]);
      const whole = sameHoweverCut(readRequests, input, [cut(input, places), cut(input, places)]);
      forwardsOne(whole);
      return signature(whole);
    },
    replay: (input) => void sameHoweverCut(readRequests, input, [...everySplit(input)]),
  },
  {
    name: 'http1-response',
    corpus: 'http1/responses',
    words,
    run(mutated, places) {
      const input = Buffer.concat([mutated, ending]);
      const methods = [['GET'], ['HEAD', 'GET'], ['UPGRADE']][input.length % 3] as string[];
      const read: Read = (pieces, feeding = {}) => readResponses(pieces, { ...feeding, methods });
      return signature(sameHoweverCut(read, input, [cut(input, places), cut(input, places)]));
    },
    replay: (input) => void sameHoweverCut(readResponses, input, [...everySplit(input)]),
  },
  {
    name: 'detect',
    corpus: 'http1/requests',
    words,
    run: (input) => decidesOnce(input),
    replay: (input) => void decidesOnce(input),
  },
];

/** A decision comes within 40 bytes, and more bytes never change it. */
function decidesOnce(input: Buffer): string {
  let decided: string | undefined;
  for (let end = 0; end <= Math.min(input.length, 64); end++) {
    const now = detectHttp1(input, 0, end);
    if (decided !== undefined && now !== decided) throw new Error(`${decided}, and after ${end} bytes ${now}`);
    if (now !== 'need-more') decided = now;
    else if (end >= 41) throw new Error(`undecided after ${end} bytes`);
  }
  return decided ?? 'need-more';
}
