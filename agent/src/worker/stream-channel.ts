import type { Http2Stream } from '@tulle/wire';
import { http2ErrorCode } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import { nobody } from './channel.ts';
import type { Deadline, Ticker } from './tick.ts';

/** How many bytes are kept for a stream that is not open yet before its writer is asked to wait. */
const maxBytesBeforeOpen = 64 * 1024;

/** The connection that carries streams. */
export interface StreamCarrier {
  /** Whether it takes no new streams and ends with the last one. */
  readonly retiring: boolean;
  /** A stream that was begun then, on the worker's monotonic clock, was not answered in its time. */
  unanswered(sinceMs: number): void;
}

/**
 * A channel over one CONNECT stream of a tunnel. Pausing it withholds the stream's window, so that the other end stops
 * when the window (4 MiB) is used up; what is on its way is still delivered.
 */
export class StreamChannel implements ByteChannel, Deadline {
  tickerSlot = -1;
  owner: ChannelOwner;
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #carrier: StreamCarrier | undefined;
  #stream: Http2Stream | undefined;
  #open = false;
  #closed = false;
  #paused = false;
  #unreturnedBytes = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #endKept = false;
  /** While the other end's answer is awaited. */
  #awaited: { readonly ticker: Ticker; readonly sinceMs: number } | undefined;
  /** Withdraws a stream that waits for its connection; set by the one that makes it wait. */
  onWithdrawn: (() => void) | undefined;

  /** `carrier` is the tunnel, where this end opened it and decides what it is used for. */
  constructor(owner: ChannelOwner, carrier?: StreamCarrier) {
    this.owner = owner;
    this.#carrier = carrier;
  }

  get retiring(): boolean {
    return this.#carrier?.retiring ?? false;
  }

  /** Gives the channel its stream; the other end has not answered yet. */
  attach(stream: Http2Stream): void {
    this.#stream = stream;
    this.onWithdrawn = undefined;
    stream.user = this;
  }

  /** The other end has so long to answer; else the channel fails as `connect-timeout`. */
  awaitAnswer(ticker: Ticker, timeoutMs: number): void {
    if (this.#closed || this.#open) return;
    // Not the ticker's time: where this turn of the event loop is a long one, that is long ago.
    const sinceMs = performance.now();
    this.#awaited = { ticker, sinceMs };
    this.deadlineMs = sinceMs + timeoutMs;
    ticker.add(this);
  }

  #awaitNoMore(): void {
    this.#awaited?.ticker.remove(this);
    this.#awaited = undefined;
  }

  onDeadline(): void {
    const awaited = this.#awaited;
    if (awaited === undefined) return;
    this.#carrier?.unanswered(awaited.sinceMs);
    this.closed('connect-timeout');
    this.#stream?.reset(http2ErrorCode.cancel);
  }

  /** The stream carries bytes from now on. */
  opened(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#closed) return;
    this.#awaitNoMore();
    this.#open = true;
    for (const chunk of this.#kept) stream.write(chunk, 0, chunk.length);
    this.#kept = [];
    if (this.#endKept) stream.end();
    this.owner.onOpen(this);
    if (this.#keptBytes >= maxBytesBeforeOpen) this.owner.onWritable(this);
    this.#keptBytes = 0;
  }

  write(chunk: Buffer, start: number, end: number): boolean {
    if (this.#open) return (this.#stream as Http2Stream).write(chunk, start, end);
    this.#kept.push(chunk.subarray(start, end));
    this.#keptBytes += end - start;
    return this.#keptBytes < maxBytesBeforeOpen;
  }

  end(): void {
    if (this.#open) this.#stream?.end();
    else this.#endKept = true;
  }

  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#awaitNoMore();
    this.owner = nobody;
    this.#kept = [];
    this.onWithdrawn?.();
    this.#returnWindow();
    this.#stream?.reset(http2ErrorCode.cancel);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#returnWindow();
  }

  /** Bytes came on the stream. */
  received(chunk: Buffer, start: number, end: number): void {
    this.#unreturnedBytes += end - start;
    this.owner.onData(this, chunk, start, end);
    if (!this.#paused) this.#returnWindow();
  }

  /** The other end will send no more. */
  receivedEnd(): void {
    this.owner.onEnd(this);
  }

  writable(): void {
    this.owner.onWritable(this);
  }

  /** The stream is gone, or could not be made. */
  closed(failure: ChannelFailure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#awaitNoMore();
    this.#kept = [];
    const { owner } = this;
    this.owner = nobody;
    owner.onClosed(this, failure);
  }

  #returnWindow(): void {
    if (this.#unreturnedBytes === 0) return;
    const bytes = this.#unreturnedBytes;
    this.#unreturnedBytes = 0;
    this.#stream?.consumed(bytes);
  }
}
