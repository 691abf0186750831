import type { HeaderBlock } from '@tulle/core';
import type { HeaderEdits } from '@tulle/routing';
import {
  Http2Headers,
  methodCode,
  needsUnframedBody,
  writeChunk,
  writeLastChunk,
  writeResponseHead,
} from '@tulle/wire';
import type { ByteWriter, Http1RequestHead, Http1ResponseHead } from '@tulle/wire';
import type { ByteChannel } from '../channel.ts';
import type { TurnFlusher, TurnOutput } from '../turn-flusher.ts';
import { ResponseEdits } from './edits.ts';
import { writeHttp2Response } from './from-http2.ts';
import type { Http1ResponseFraming } from './from-http2.ts';
import type { ResponseHead, ResponseRest, ResponseWriter } from './sides.ts';
import { encodeTrailers } from './trailers.ts';
import { fieldText, websocketAccept, websocketKeyName } from './websocket.ts';
import type { WorkerContext } from '../worker-context.ts';

/** Up to this size a body that came with its head leaves in the same write. */
const joinedBodyBytes = 16 * 1024;
const maxJoinedBytes = 64 * 1024;
const lineEnd: Buffer = Buffer.from('\r\n');

/**
 * Writes responses to an HTTP/1.1 client, in whatever version they come.
 *
 * What an HTTP/1.1 server sends comes in one piece for this client alone: it is gathered in the worker's writer and
 * leaves with {@link send}. What an HTTP/2 server sends is mixed with what it sends to others: it is queued, and leaves
 * at the end of the turn.
 */
export class Http1Responder implements ResponseWriter, TurnOutput {
  scheduled = false;
  /** Whether the connection ends with the response under way. */
  closeAfter = false;
  readonly #request: Http1RequestHead;
  readonly #channel: ByteChannel;
  readonly #context: WorkerContext;
  readonly #writer: ByteWriter;
  readonly #flusher: TurnFlusher;
  readonly #onFull: () => void;
  readonly #edits = new ResponseEdits();
  #queues = false;
  #chunked = false;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #trailers: Buffer | undefined;

  /**
   * `request` is the head that the connection's reader fills. `onFull`: the client takes no more for now; said by what
   * leaves later than the call that brought it.
   */
  constructor(request: Http1RequestHead, channel: ByteChannel, context: WorkerContext, onFull: () => void) {
    this.#request = request;
    this.#context = context;
    this.#writer = context.writer;
    this.#flusher = context.flusher;
    this.#channel = channel;
    this.#onFull = onFull;
  }

  head(head: ResponseHead, edits: HeaderEdits | undefined, rest: ResponseRest): void {
    const request = this.#request;
    this.#queues = head instanceof Http2Headers;
    this.#chunked = false;
    if (head.status < 200 && rest !== 'switched' && request.versionMinor === 0) return;
    if (head instanceof Http2Headers) this.#http2Head(head, edits, rest);
    else this.#http1Head(head, edits);
  }

  #http1Head(head: Http1ResponseHead, headerEdits: HeaderEdits | undefined): void {
    const request = this.#request;
    if (head.interim) {
      writeResponseHead(this.#writer, head);
      this.send();
      return;
    }
    const unframed = needsUnframedBody(request.versionMinor, head);
    if (!request.keepAlive || head.bodyKind === 'until-close' || unframed) this.closeAfter = true;
    const edits = this.#edits;
    edits.dropNames = headerEdits?.dropNames;
    edits.append = headerEdits?.append;
    edits.dropFraming = unframed;
    edits.connection = this.closeAfter ? 'close' : request.versionMinor === 0 ? 'keep-alive' : undefined;
    writeResponseHead(this.#writer, head, edits);
  }

  #http2Head(headers: Http2Headers, edits: HeaderEdits | undefined, rest: ResponseRest): void {
    const request = this.#request;
    const { status } = headers;
    let body: Http1ResponseFraming['body'] = 'none';
    let accept: string | undefined;
    if (rest === 'switched') accept = websocketAccept(fieldText(request.headers, websocketKeyName) ?? '');
    else if (status >= 200) body = bodyOf(request, headers, rest);
    if (status >= 200 && (!request.keepAlive || body === 'until-close')) this.closeAfter = true;
    this.#chunked = body === 'chunked';
    const keepAlive = request.versionMinor === 0 ? 'keep-alive' : undefined;
    const connection = status < 200 ? undefined : this.closeAfter ? 'close' : keepAlive;
    writeHttp2Response(this.#writer, headers, edits, { body, connection, websocketAccept: accept });
    this.#enqueueTaken();
  }

  /** A part of the body; gives false where the client takes no more for now. */
  body(chunk: Buffer, start: number, end: number): boolean {
    if (this.#queues) {
      this.#queueBody(chunk, start, end);
      return true;
    }
    const writer = this.#writer;
    if (writer.length > 0) {
      if (end - start <= joinedBodyBytes) {
        writer.writeRange(chunk, start, end);
        return true;
      }
      this.send();
    }
    return this.#channel.write(chunk, start, end);
  }

  #queueBody(chunk: Buffer, start: number, end: number): void {
    if (!this.#chunked) {
      this.#enqueue(chunk.subarray(start, end));
      return;
    }
    const writer = this.#writer;
    if (end - start <= joinedBodyBytes) writeChunk(writer, chunk, start, end);
    else {
      writer.writeHexadecimal(end - start);
      writer.writeBytes(lineEnd);
      this.#enqueueTaken();
      this.#enqueue(chunk.subarray(start, end));
      writer.writeBytes(lineEnd);
    }
    this.#enqueueTaken();
  }

  trailers(fields: HeaderBlock): void {
    if (this.#chunked) this.#trailers = encodeTrailers(this.#context, 1, fields);
  }

  /** The body is at its end; all of the response leaves. */
  end(): void {
    if (this.#chunked) {
      writeLastChunk(this.#writer, this.#trailers);
      this.#trailers = undefined;
      this.#chunked = false;
      this.#enqueueTaken();
    }
    this.send();
  }

  /** Sends what was gathered. */
  send(): void {
    if (this.#queue.length > 0) this.flush();
    if (this.#queues || this.#writer.length === 0) return;
    const bytes = this.#writer.take();
    if (!this.#channel.write(bytes, 0, bytes.length)) this.#onFull();
  }

  /** Sends an answer of the mesh's, behind what was gathered. */
  answer(bytes: Buffer): void {
    this.send();
    this.#channel.write(bytes, 0, bytes.length);
  }

  /** Throws away what has not left yet. */
  discard(): void {
    if (!this.#queues) this.#writer.discard();
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #enqueueTaken(): void {
    this.#enqueue(this.#writer.take());
  }

  #enqueue(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#flusher.schedule(this);
  }

  /** Sends what is queued: at the end of the turn. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    let takesMore = true;
    if (queue.length === 1 || bytes <= maxJoinedBytes) {
      const joined = queue.length === 1 ? (queue[0] as Buffer) : Buffer.concat(queue, bytes);
      takesMore = this.#channel.write(joined, 0, joined.length);
    } else for (const chunk of queue) takesMore = this.#channel.write(chunk, 0, chunk.length);
    if (!takesMore) this.#onFull();
  }
}

/** How the body of a response from HTTP/2 goes out. */
function bodyOf(
  request: Http1RequestHead,
  { status, contentLength }: Http2Headers,
  rest: ResponseRest,
): Http1ResponseFraming['body'] {
  if (status === 204) return 'none';
  if (status === 304 || request.method === methodCode.HEAD) return contentLength >= 0 ? 'length' : 'none';
  if (rest === 'nothing') return 'empty';
  if (contentLength >= 0) return 'length';
  return request.versionMinor === 1 ? 'chunked' : 'until-close';
}
