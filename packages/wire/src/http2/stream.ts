import { Http2UsageError } from './errors.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { SendSide, WaitingStream } from './send-side.ts';

/** What a stream asks of its connection. */
export interface StreamHost {
  /** Bytes of the stream were consumed: windows may be opened. */
  creditStream(stream: Http2Stream, bytes: number): void;
  /** Our side ended; the stream may be closed now. */
  onLocalEnd(stream: Http2Stream): void;
  /** The owner resets the stream. */
  resetByOwner(stream: Http2Stream, errorCode: number): void;
  /** All that was queued is sent. */
  onQueueSent(stream: Http2Stream): void;
}

/** What the client asked for: it decides whether content-length counts the bytes that follow (RFC 9110 section 8.6). */
export type RequestKind = 'plain' | 'head' | 'connect';

/** The states of RFC 9113 section 5.1 that a stream with an owner can be in. */
export type Http2StreamState = 'open' | 'half-closed-local' | 'half-closed-remote' | 'closed';

/** A DATA frame this small with more queued behind it is no progress worth a control frame. */
const usefulBytes = 64;

/**
 * One stream. The owner may call any method at any time: on a stream that is closed they do nothing, since the peer may
 * have reset it a moment before.
 */
export class Http2Stream implements WaitingStream {
  readonly id: number;
  /** A slot for the owner's object. */
  user: unknown = undefined;
  /** Who reset the stream: the peer, the codec for the peer's mistake, our owner, or the connection's end. */
  resetBy: 'peer' | 'codec' | 'owner' | 'connection' | undefined = undefined;
  /** What was wrong, in words, when the codec reset the stream. */
  resetReason: string | undefined = undefined;

  // The rest is for the connection and the codec's own parts.
  readonly receiveWindow: ReceiveWindow;
  readonly requestKind: RequestKind;
  remoteEnded = false;
  localEnded = false;
  closed = false;
  /** On a server: a response head was sent. */
  headersSent: boolean;
  /** The request, or the final response, has come. */
  headersReceived = false;
  informationalResponses = 0;
  /** Delivered to the owner and not yet consumed. */
  unconsumed = 0;
  /** Body bytes that content-length promises still; -1 when it does not count. */
  expectedBytes = -1;
  sendWindowBytes: number;
  readonly #send: SendSide;
  readonly #host: StreamHost;
  #queue: QueuedBytes[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  #endQueued = false;
  #queuedTrailers: Buffer | undefined;
  #waiting = false;
  #refused = false;

  constructor(id: number, host: StreamHost, send: SendSide, options: StreamOptions) {
    this.id = id;
    this.#host = host;
    this.#send = send;
    this.receiveWindow = options.receiveWindow;
    this.requestKind = options.requestKind;
    this.headersSent = options.headersSent;
    this.sendWindowBytes = send.remote.initialWindowSize;
  }

  get state(): Http2StreamState {
    if (this.closed) return 'closed';
    if (this.localEnded) return 'half-closed-local';
    return this.remoteEnded ? 'half-closed-remote' : 'open';
  }

  /** How many bytes could be written now without being queued; 0 while anything is queued. */
  get sendWindow(): number {
    if (this.closed || this.#queuedBytes > 0 || this.#send.hasWaiting) return 0;
    return Math.max(0, Math.min(this.sendWindowBytes, this.#send.available));
  }

  /** Bytes that were written and wait for a window. The owner bounds them by heeding `write`'s answer. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Server: sends a response head, 1xx or final, from a block of `HpackEncoder`. */
  sendHeaders(encoded: Buffer, endStream: boolean): void {
    if (this.closed) return;
    this.#requireOpen('sendHeaders');
    this.headersSent = true;
    this.#send.headers(this.id, encoded, endStream);
    if (endStream) this.#endLocal();
    this.#send.writer.commit();
  }

  /** Sends trailers, behind all that is queued, and ends our side. */
  sendTrailers(encoded: Buffer): void {
    if (this.closed) return;
    this.#requireHeaders('sendTrailers');
    if (this.#queuedBytes > 0) {
      this.#queuedTrailers = encoded;
      this.#endQueued = true;
      return;
    }
    this.#send.headers(this.id, encoded, true);
    this.#endLocal();
    this.#send.writer.commit();
  }

  /**
   * Sends `chunk[start..end)`, as far as the windows allow, and queues the rest. The bytes may not change afterwards.
   * Gives false when something is queued: `onWritable` follows when it is sent.
   */
  write(chunk: Buffer, start: number = 0, end: number = chunk.length, endStream: boolean = false): boolean {
    if (this.closed) return true;
    this.#requireHeaders('write');
    let at = start;
    if (this.#queuedBytes === 0 && !this.#send.hasWaiting) {
      while (at < end) {
        const length = this.#frameLength(end - at);
        if (length <= 0) break;
        this.#data(chunk, at, at + length, endStream && at + length === end);
        at += length;
      }
    }
    if (at < end) {
      this.#queue.push({ chunk, start: at, end });
      this.#queuedBytes += end - at;
      this.#endQueued ||= endStream;
      this.#refused = true;
      this.#awaitConnection();
    } else if (endStream) {
      if (start === end) this.#data(chunk, start, end, true);
      this.#endLocal();
    }
    this.#send.writer.commit();
    return this.#queuedBytes === 0;
  }

  /** Ends our side, behind all that is queued. */
  end(): void {
    if (this.closed || this.localEnded || this.#endQueued) return;
    this.#requireHeaders('end');
    if (this.#queuedBytes > 0) {
      this.#endQueued = true;
      return;
    }
    this.#data(noBytes, 0, 0, true);
    this.#endLocal();
    this.#send.writer.commit();
  }

  /** Sends RST_STREAM and forgets what is queued; `onStreamClosed` follows at once. */
  reset(errorCode: number): void {
    if (this.closed) return;
    this.#host.resetByOwner(this, errorCode);
    this.#send.writer.commit();
  }

  /** `bytes` that onData gave are done with: the peer may send as many more. */
  consumed(bytes: number): void {
    const counted = Math.min(bytes, this.unconsumed);
    if (counted <= 0) return;
    this.unconsumed -= counted;
    this.#host.creditStream(this, counted);
    this.#send.writer.commit();
  }

  /** For the connection: the stream's own send window opened or closed by `delta`. */
  changeSendWindow(delta: number): void {
    this.sendWindowBytes += delta;
    if (delta > 0 && this.#queuedBytes > 0) this.#awaitConnection();
  }

  /** For the connection: drops what is queued, the stream is closed. */
  dropQueue(): void {
    this.#queue = [];
    this.#queueHead = 0;
    this.#queuedBytes = 0;
    this.#endQueued = false;
    this.#queuedTrailers = undefined;
    if (this.#waiting) this.#send.forget(this);
    this.#waiting = false;
  }

  sendQueuedFrame(): boolean {
    const next = this.#queue[this.#queueHead];
    if (next === undefined) {
      this.#waiting = false;
      return false;
    }
    const length = this.#frameLength(next.end - next.start);
    if (length <= 0) {
      // Only this stream's window is closed: its WINDOW_UPDATE puts it in line again.
      this.#waiting = false;
      return false;
    }
    const { chunk, start } = next;
    next.start += length;
    this.#queuedBytes -= length;
    if (next.start === next.end) this.#dropHead();
    const isLast = this.#queuedBytes === 0;
    this.#data(chunk, start, start + length, isLast && this.#endQueued && this.#queuedTrailers === undefined);
    if (!isLast) return true;
    this.#waiting = false;
    this.#queueSent();
    return false;
  }

  #queueSent(): void {
    if (this.#endQueued) {
      if (this.#queuedTrailers !== undefined) this.#send.headers(this.id, this.#queuedTrailers, true);
      this.#queuedTrailers = undefined;
      this.#endLocal();
    } else if (this.#refused) {
      this.#refused = false;
      this.#host.onQueueSent(this);
    }
  }

  #dropHead(): void {
    this.#queueHead++;
    if (this.#queueHead * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#queueHead);
    this.#queueHead = 0;
  }

  #awaitConnection(): void {
    if (this.#waiting || this.sendWindowBytes <= 0) return;
    this.#waiting = true;
    this.#send.wait(this);
    this.#send.serve();
  }

  #frameLength(wished: number): number {
    return Math.min(wished, this.sendWindowBytes, this.#send.available, this.#send.remote.maxFrameSize);
  }

  #data(chunk: Buffer, start: number, end: number, endStream: boolean): void {
    const length = end - start;
    this.sendWindowBytes -= length;
    this.#send.window -= length;
    if (length >= usefulBytes || this.#queuedBytes === 0) this.#send.usefulFrames++;
    this.#send.writer.data(this.id, endStream, chunk, start, end);
  }

  #endLocal(): void {
    this.localEnded = true;
    this.#host.onLocalEnd(this);
  }

  #requireOpen(method: string): void {
    if (this.localEnded || this.#endQueued) {
      throw new Http2UsageError(`${method} on stream ${this.id}, whose sending side has ended`);
    }
  }

  #requireHeaders(method: string): void {
    this.#requireOpen(method);
    if (!this.headersSent) throw new Http2UsageError(`${method} on stream ${this.id} before sendHeaders`);
  }
}

/** What a stream is made with. */
export interface StreamOptions {
  readonly receiveWindow: ReceiveWindow;
  readonly requestKind: RequestKind;
  readonly headersSent: boolean;
}

interface QueuedBytes {
  readonly chunk: Buffer;
  start: number;
  readonly end: number;
}

const noBytes = Buffer.alloc(0);
