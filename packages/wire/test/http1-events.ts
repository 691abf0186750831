import type { HeaderBlock } from '@tulle/core';
import type { Http1Failure, Http1Limits, Http1RequestHead, Http1ResponseHead } from '../src/http1/index.ts';
import {
  ByteWriter,
  defaultHttp1Limits,
  Http1RequestReader,
  Http1ResponseReader,
  writeRequestHead,
  writeResponseHead,
} from '../src/http1/index.ts';

/** Limits that tests can reach with short inputs. */
export const smallLimits: Http1Limits = {
  ...defaultHttp1Limits,
  maxHeadBytes: 2048,
  maxRequestLineBytes: 512,
  maxChunkLineBytes: 128,
  maxChunkExtensionBytes: 256,
  maxTrailerBytes: 256,
  maxTrailers: 4,
};

/** One message as a reader saw it; everything as text of one character a byte. */
export interface MessageEvent {
  readonly head: Readonly<Record<string, unknown>>;
  /** The head as it would be forwarded. */
  readonly forwarded: string;
  /** The body as it came, with its framing. */
  raw: string;
  payload: string;
  trailers: string[][];
  complete: boolean;
}

/** What a reader made of an input. */
export interface Reading {
  readonly messages: MessageEvent[];
  readonly failure: Http1Failure | undefined;
  readonly end: 'idle' | 'complete' | 'truncated';
}

/** How a test feeds a reader. */
export interface Feeding {
  readonly limits?: Http1Limits;
  /** Copy each head out of its chunk, and overwrite every chunk once it was read. */
  readonly reuseChunks?: boolean;
  /** For responses: the methods of the requests that they answer; HEAD, UPGRADE or anything else. GET by default. */
  readonly methods?: readonly string[];
}

/** Bytes of a string of one character a byte. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function text(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer.subarray(start, end)).toString('latin1');
}

/** The fields of a block as pairs of strings. */
export function fieldsOf(block: HeaderBlock): string[][] {
  const { buffer, ranges } = block;
  return Array.from({ length: block.count }, (_, i) => {
    const [nameStart = 0, nameEnd = 0, valueStart = 0, valueEnd = 0] = ranges.subarray(i * 4, i * 4 + 4);
    return [text(buffer, nameStart, nameEnd), text(buffer, valueStart, valueEnd)];
  });
}

function hopByHopOf(head: Http1RequestHead | Http1ResponseHead): string[] {
  return fieldsOf(head.headers).flatMap(([name = ''], i) => (head.headers.flags[i] === 1 ? [name] : []));
}

/** Everything a request head says, as values that can be compared. */
export function describeRequest(head: Http1RequestHead): Record<string, unknown> {
  const { buffer } = head.headers;
  return {
    method: text(buffer, head.methodStart, head.methodEnd),
    methodCode: head.method,
    form: head.targetForm,
    target: text(buffer, head.targetStart, head.targetEnd),
    path: text(buffer, head.pathStart, head.pathEnd),
    query: head.queryStart === -1 && head.queryEnd === -1 ? undefined : text(buffer, head.queryStart, head.queryEnd),
    authority: text(buffer, head.authorityStart, head.authorityEnd),
    versionMinor: head.versionMinor,
    hasHost: head.hasHost,
    bodyKind: head.bodyKind,
    contentLength: head.contentLength,
    keepAlive: head.keepAlive,
    expectContinue: head.expectContinue,
    upgrade: head.upgrade ? text(buffer, head.upgradeStart, head.upgradeEnd) : undefined,
    acceptsTrailers: head.acceptsTrailers,
    fields: fieldsOf(head.headers),
    hopByHop: hopByHopOf(head),
  };
}

/** Everything a response head says, as values that can be compared. */
export function describeResponse(head: Http1ResponseHead): Record<string, unknown> {
  const { buffer } = head.headers;
  return {
    status: head.status,
    reason: text(buffer, head.reasonStart, head.reasonEnd),
    versionMinor: head.versionMinor,
    interim: head.interim,
    bodyKind: head.bodyKind,
    contentLength: head.contentLength,
    keepAlive: head.keepAlive,
    upgrade: head.upgrade,
    upgradeTo: text(buffer, head.upgradeStart, head.upgradeEnd),
    fields: fieldsOf(head.headers),
    hopByHop: hopByHopOf(head),
  };
}

/** The two directions behind one face. */
interface Direction {
  readonly reader: Http1RequestReader | Http1ResponseReader;
  describe(): Record<string, unknown>;
  write(writer: ByteWriter): void;
  /** Called before each message. */
  begin(): void;
}

function requestDirection(limits: Http1Limits): Direction {
  const reader = new Http1RequestReader(limits);
  return {
    reader,
    describe: () => describeRequest(reader.head),
    write: (writer) => writeRequestHead(writer, reader.head),
    begin: () => undefined,
  };
}

function responseDirection(limits: Http1Limits, methods: readonly string[]): Direction {
  const reader = new Http1ResponseReader(limits);
  let answered = 0;
  reader.expect(methods[0] === 'HEAD', methods[0] === 'UPGRADE');
  return {
    reader,
    describe: () => describeResponse(reader.head),
    write: (writer) => writeResponseHead(writer, reader.head),
    begin: () => {
      if (reader.head.interim) return;
      const method = methods[++answered];
      reader.expect(method === 'HEAD', method === 'UPGRADE');
    },
  };
}

/** Reads requests that arrive in `pieces`. */
export function readRequests(pieces: readonly Buffer[], feeding: Feeding = {}): Reading {
  return feed(requestDirection(feeding.limits ?? smallLimits), pieces, feeding.reuseChunks === true);
}

/** Reads responses that arrive in `pieces`. */
export function readResponses(pieces: readonly Buffer[], feeding: Feeding = {}): Reading {
  const direction = responseDirection(feeding.limits ?? smallLimits, feeding.methods ?? []);
  return feed(direction, pieces, feeding.reuseChunks === true);
}

const PADDING = 3;

function feed(direction: Direction, pieces: readonly Buffer[], reuseChunks: boolean): Reading {
  const { reader } = direction;
  const messages: MessageEvent[] = [];
  const writer = new ByteWriter(64);
  reader.sink = {
    onPayload(buffer, start, end) {
      const message = messages.at(-1);
      if (message === undefined || end <= start) throw new Error('payload before a head, or none');
      message.payload += text(buffer, start, end);
    },
  };
  for (const piece of pieces) {
    // Bytes around the piece that would be read as something else if a range were off.
    const chunk = Buffer.concat([bytes('\n\r:'), piece, bytes('\r\n0')]);
    const end = PADDING + piece.length;
    let at = PADDING;
    while (at < end && reader.state !== 'failed') {
      if (reader.state === 'complete') {
        reader.next();
        direction.begin();
      }
      if (reader.state === 'head') {
        at = reader.readHead(chunk, at, end);
        if (isPastHead(reader)) {
          direction.write(writer);
          messages.push({
            head: direction.describe(),
            forwarded: writer.take().toString('latin1'),
            raw: '',
            payload: '',
            trailers: [],
            complete: false,
          });
          if (reuseChunks) reader.ownHead();
        }
      } else {
        const next = reader.readBody(chunk, at, end);
        const message = messages.at(-1);
        if (message !== undefined) message.raw += text(chunk, at, next);
        at = isFailed(reader) ? end : next;
      }
      finishMessage(direction, messages.at(-1));
    }
    if (reuseChunks) chunk.fill(0xff);
  }
  const ended = reader.end();
  finishMessage(direction, messages.at(-1));
  return { messages, failure: reader.failure, end: ended };
}

// Separate functions, so that the compiler does not think that the state is still what it was.
function isPastHead(reader: Direction['reader']): boolean {
  return reader.state === 'body' || reader.state === 'complete';
}

function isFailed(reader: Direction['reader']): boolean {
  return reader.state === 'failed';
}

function finishMessage(direction: Direction, message: MessageEvent | undefined): void {
  const { reader } = direction;
  if (message === undefined || message.complete || reader.state !== 'complete') return;
  message.complete = true;
  message.trailers = reader.trailers === undefined ? [] : fieldsOf(reader.trailers);
  if (JSON.stringify(direction.describe()) !== JSON.stringify(message.head))
    throw new Error('the head changed under the body');
}

/**
 * The same reading in a form that may not depend on how the input was cut: of a message that was refused in its body,
 * how much was passed on before is left out.
 */
export function comparable(reading: Reading): unknown {
  return {
    ...reading,
    messages: reading.messages.map((message) => ({ ...message, raw: message.complete ? message.raw : undefined })),
  };
}

/** `input` as one piece, cut in two at every place, and byte by byte. */
export function* everySplit(input: Buffer): Generator<Buffer[]> {
  yield [input];
  for (let at = 1; at < input.length; at++) yield [input.subarray(0, at), input.subarray(at)];
  yield Array.from(input, (_, at) => input.subarray(at, at + 1));
}

/** `input` cut at some places. */
export function cut(input: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places)].filter((place) => place > 0 && place < input.length).sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => input.subarray(from, sorted[i] ?? input.length));
}
