import { findHeader } from '@tulle/core';
import { ByteWriter, http2ErrorCode, Http1ResponseReader, writeChunk, writeLastChunk } from '@tulle/wire';
import type { Http1PayloadSink, Http1ReaderState, Http1ResponseHead } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from '../channel.ts';
import type { Deadline, Ticker } from '../tick.ts';
import { connectFailureOf } from './server-failures.ts';
import type { OutgoingRequest, ServerFailure, ServerReceiver, ServerSide } from './sides.ts';

/** Where a connection goes when it is free. */
export interface UpstreamHome {
  readonly ticker: Ticker;
  release(upstream: Upstream): void;
  forget(upstream: Upstream): void;
}

/** Servers close idle connections, some after 5 s (Node, uvicorn) or 2 s: ours must be gone before. */
const idleTimeoutMs = 4_000;
const keepAliveName = Buffer.from('keep-alive');
const timeoutPrefix = 'timeout=';
const maxIdleTimeoutMs = 60_000;
const chunkSlabBytes = 2 * 1024;
/** Payload up to this size is copied beside its chunk line, so that both leave in one write. */
const copiedChunkBytes = 16 * 1024;

/** An HTTP/1.1 connection to an application, through a tunnel or not, that carries request after request. */
export class Upstream implements ServerSide, ChannelOwner, Deadline, Http1PayloadSink {
  tickerSlot = -1;
  /** Its place in its pool; the pool's alone. */
  poolSlot = -1;
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly version = 1;
  opened = false;
  readonly path: string;
  readonly #home: UpstreamHome;
  readonly #reader = new Http1ResponseReader();
  #channel: ByteChannel | undefined;
  #receiver: ServerReceiver | undefined;
  #idleTimeoutMs = idleTimeoutMs;
  /** Whether it has carried a request before: the server may have closed it just now. */
  #reused = false;
  #responseDone = true;
  #requestDone = true;
  #dead = false;
  #chunked = false;
  #payloadOnly = false;
  /** A request's head that waits for the first bytes of its body, which come in the same turn. */
  #heldHead: Buffer | undefined;
  /** Made with the first body that goes out in chunks of ours. */
  #chunks: ByteWriter | undefined;
  /** What is being read, for the payload in it. */
  #chunk: Buffer | undefined;

  /** `path` names the way that its channel takes to the endpoint. */
  constructor(home: UpstreamHome, path: string) {
    this.#home = home;
    this.path = path;
    home.ticker.add(this);
  }

  /** Gives it its channel, which may be open or not. */
  attach(channel: ByteChannel): void {
    this.#channel = channel;
  }

  /** Whether no other request should be begun on it. */
  get retiring(): boolean {
    return this.#channel?.retiring ?? false;
  }

  begin(receiver: ServerReceiver, request: OutgoingRequest, bodyFollows: boolean): void {
    this.#receiver = receiver;
    this.#responseDone = false;
    this.#requestDone = false;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#chunked = request.body === 'chunked';
    this.#payloadOnly = request.payloadOnly;
    this.#reader.sink = request.payloadOnly ? this : undefined;
    this.#reader.expect(request.isHead, request.upgrade);
    const { head } = request;
    if (bodyFollows) this.#heldHead = head;
    else this.#channel?.write(head, 0, head.length);
  }

  send(chunk: Buffer, start: number, end: number): boolean {
    const head = this.#heldHead;
    if (head !== undefined) {
      this.#heldHead = undefined;
      const joined = Buffer.allocUnsafe(head.length + end - start);
      head.copy(joined, 0);
      chunk.copy(joined, head.length, start, end);
      return this.#write(joined, 0, joined.length);
    }
    if (!this.#chunked) return this.#write(chunk, start, end);
    const writer = (this.#chunks ??= new ByteWriter(chunkSlabBytes));
    if (end - start <= copiedChunkBytes) {
      writeChunk(writer, chunk, start, end);
      return this.#writeTaken(writer);
    }
    writer.writeHexadecimal(end - start);
    writer.writeBytes(lineEnd);
    this.#writeTaken(writer);
    this.#write(chunk, start, end);
    return this.#write(lineEnd, 0, lineEnd.length);
  }

  #write(chunk: Buffer, start: number, end: number): boolean {
    return this.#channel?.write(chunk, start, end) ?? true;
  }

  #writeTaken(writer: ByteWriter): boolean {
    const bytes = writer.take();
    return this.#write(bytes, 0, bytes.length);
  }

  end(trailers: Buffer | undefined): void {
    if (this.#chunked && !this.#requestDone) {
      const writer = (this.#chunks ??= new ByteWriter(chunkSlabBytes));
      writeLastChunk(writer, trailers);
      this.#writeTaken(writer);
    }
    this.#requestDone = true;
    if (this.#responseDone) this.#release();
  }

  onPayload(_buffer: Uint8Array, start: number, end: number): void {
    // The bytes belong to the chunk at hand.
    this.#receiver?.onResponseBody(this.#chunk as Buffer, start, end);
  }

  pause(): void {
    this.#channel?.pause();
  }

  resume(): void {
    this.#channel?.resume();
  }

  reset(): void {
    this.#receiver = undefined;
    this.#die();
    this.#channel?.reset();
  }

  detach(): ByteChannel | undefined {
    this.#receiver = undefined;
    this.#die();
    this.#channel?.resume();
    return this.#channel;
  }

  onOpen(): void {
    this.opened = true;
    this.#receiver?.onServerOpen();
  }

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const reader = this.#reader;
    let at = start;
    while (at < end) {
      const receiver = this.#receiver;
      if (receiver === undefined || this.#responseDone) {
        // Bytes that nobody asked for: the connection is not to be trusted any more.
        this.reset();
        receiver?.onServerFailure('bad-response', http2ErrorCode.internalError);
        return;
      }
      if (reader.state === 'head') {
        at = reader.readHead(chunk, at, end);
        if (reader.state === 'head') return;
        if (reader.state === 'failed') return this.#fail('bad-response');
        const { head } = reader;
        if (!this.#reused && !head.interim) this.#readKeepAlive(head);
        receiver.onResponseHead(head, !head.upgrade && this.#stateIs('complete'));
        // The receiver may have had enough of this response, to try again elsewhere.
        if (this.#receiver !== receiver) return;
        if (head.interim) {
          reader.next();
          continue;
        }
        if (head.upgrade) {
          receiver.onUpgraded(chunk, at, end);
          return;
        }
      } else {
        this.#chunk = chunk;
        const next = reader.readBody(chunk, at, end);
        if (this.#stateIs('failed')) return this.#fail('bad-response');
        if (!this.#payloadOnly) receiver.onResponseBody(chunk, at, next);
        at = next;
      }
      if (reader.state === 'complete') this.#complete(receiver);
    }
    this.#receiver?.onResponsePause();
  }

  /** Reads the state anew: the compiler does not know that a method of the reader changes it. */
  #stateIs(state: Http1ReaderState): boolean {
    return this.#reader.state === state;
  }

  onEnd(): void {
    const receiver = this.#receiver;
    const end = this.#reader.end();
    if (receiver === undefined || this.#responseDone) this.#retire();
    else if (end === 'complete') {
      this.#complete(receiver);
      this.#retire();
    } else this.#fail('truncated');
  }

  onWritable(): void {
    this.#receiver?.onServerWritable();
  }

  onClosed(_channel: ByteChannel, failure: ChannelFailure | undefined): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#die();
    if (receiver === undefined || this.#responseDone) return;
    receiver.onServerFailure(this.#failureOf(failure ?? 'truncated'), http2ErrorCode.internalError);
  }

  /** It idled too long. */
  onDeadline(): void {
    this.#retire();
  }

  #complete(receiver: ServerReceiver): void {
    const { keepAlive } = this.#reader.head;
    this.#responseDone = true;
    this.#reused = true;
    if (!keepAlive) this.#dead = true;
    const { trailers } = this.#reader;
    if (this.#payloadOnly && trailers !== undefined) receiver.onResponseTrailers(trailers);
    if (this.#requestDone) this.#receiver = undefined;
    receiver.onResponseEnd();
    if (this.#requestDone) this.#release();
  }

  #release(): void {
    if (this.#receiver !== undefined && this.#responseDone) this.#receiver = undefined;
    if (this.#dead || this.#channel === undefined) {
      this.#retire();
      return;
    }
    this.#chunk = undefined;
    this.#reader.next();
    // Whoever had it may have paused it at the end: its window would stay closed, and in time the tunnel's.
    this.#channel.resume();
    this.deadlineMs = this.#home.ticker.nowMs + this.#idleTimeoutMs;
    this.#home.release(this);
  }

  /** Ends the connection in good order. */
  #retire(): void {
    this.#die();
    this.#receiver = undefined;
    this.#channel?.end();
  }

  #fail(failure: 'bad-response' | 'truncated'): void {
    const receiver = this.#receiver;
    this.reset();
    receiver?.onServerFailure(this.#failureOf(failure), http2ErrorCode.internalError);
  }

  #failureOf(failure: ChannelFailure | 'bad-response' | 'truncated'): ServerFailure {
    if (failure === 'bad-response' || failure === 'policy-denied') return failure;
    const isClosed = failure === 'reset' || failure === 'truncated' || failure === 'tunnel-closed';
    if (this.#reused && isClosed) return 'stale';
    return this.opened ? 'reset' : connectFailureOf(failure);
  }

  #die(): void {
    this.#dead = true;
    this.#heldHead = undefined;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#home.ticker.remove(this);
    this.#home.forget(this);
  }

  /** `Keep-Alive: timeout=N` says when the server will close; a second less is ours. */
  #readKeepAlive(head: Http1ResponseHead): void {
    const { headers } = head;
    const index = findHeader(headers, keepAliveName);
    if (index < 0) return;
    const text = Buffer.from(headers.buffer.buffer, headers.buffer.byteOffset, headers.buffer.length).toString(
      'latin1',
      headers.ranges[index * 4 + 2],
      headers.ranges[index * 4 + 3],
    );
    const at = text.indexOf(timeoutPrefix);
    const seconds = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + timeoutPrefix.length), 10);
    if (seconds >= 1) this.#idleTimeoutMs = Math.min(maxIdleTimeoutMs, seconds * 1_000 - 900);
  }
}

const lineEnd: Buffer = Buffer.from('\r\n');
