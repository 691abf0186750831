import { Http2ConnectionError } from './errors.ts';
import type { Http2Handlers } from './handlers.ts';
import { Budget, type Http2Limits } from './limits.ts';
import type { Http2Output } from './output.ts';
import { frameType, greatest31Bit, http2ErrorCode } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { SendSide } from './send-side.ts';
import { encodeSettings, type Http2Settings } from './settings.ts';
import { StreamTable, type ClosedHow } from './stream-table.ts';
import { Http2Stream, type RequestKind, type StreamHost } from './stream.ts';

const { noError, protocolError, frameSizeError, enhanceYourCalm } = http2ErrorCode;

/** How many control frames a frame with content pays for. */
const controlFramesPerUsefulFrame = 4;
/** Streams opened before the server's SETTINGS are known (RFC 9113 section 6.5.2 recommends no less than 100). */
const streamsBeforeSettings = 100;
/** The PING by which a server learns that its first GOAWAY has arrived (section 6.8). */
const drainPing: Buffer = Buffer.from('draining', 'latin1');
/** What a connection is made with. */
export interface Http2ConnectionOptions {
  readonly role: 'client' | 'server';
  readonly settings: Http2Settings;
  readonly limits: Http2Limits;
  readonly handlers: Http2Handlers;
  readonly output: Http2Output;
  /** A clock that never goes back, in milliseconds: `clock.monotonicMs`. Read only when a budget has run out. */
  readonly nowMs: () => number;
  /** The size of the dynamic table of the connection's own `encoder`, in bytes; 0, the default, uses none. */
  readonly encoderTableSize?: number;
}

/**
 * What all frames of a connection work on: its streams, windows, budgets and the order of its end. The receivers beside
 * it change it as frames come, `Http2Connection` and `Http2Stream` as the owner asks.
 */
export class ConnectionState implements StreamHost {
  readonly isServer: boolean;
  readonly settings: Http2Settings;
  readonly limits: Http2Limits;
  readonly handlers: Http2Handlers;
  readonly send: SendSide;
  readonly streams: StreamTable;
  readonly window: ReceiveWindow;
  /** Set when the connection has failed or was destroyed: nothing is read or sent any more. */
  dead = false;
  settingsAcknowledged = false;
  remoteSettingsReceived = false;
  /** Server: the highest stream that the peer opened. */
  lastPeerStreamId = 0;
  /** Client: the next stream's identifier. */
  nextStreamId = 1;
  /** Peer's streams above it are ignored: we said so. */
  sentGoaway = Infinity;
  /** Our streams above it were not processed: the peer said so. */
  receivedGoaway = Infinity;
  readonly #controlFrames: Budget;
  readonly #wastedStreams: Budget;
  readonly #stopReading: () => void;
  #drainPingSent = false;
  #drainedTold = false;

  constructor(options: Http2ConnectionOptions, stopReading: () => void) {
    const { settings, limits, nowMs } = options;
    this.isServer = options.role === 'server';
    this.settings = settings;
    this.limits = limits;
    this.handlers = options.handlers;
    this.send = new SendSide(options.output, options.encoderTableSize ?? 0);
    this.streams = new StreamTable(limits.rememberedStreams);
    this.window = ReceiveWindow.ofConnection(settings.connectionWindowSize);
    this.#controlFrames = new Budget(limits.controlFrameBurst, limits.controlFramesPerSecond, nowMs);
    this.#wastedStreams = new Budget(limits.wastedStreamBurst, limits.wastedStreamsPerSecond, nowMs);
    this.#stopReading = stopReading;
  }

  // ---- the connection's beginning and end

  /** SETTINGS and the connection's window (section 3.4). */
  sendPreface(): void {
    const payload = encodeSettings(this.settings, this.limits.maxHeaderListBytes, this.isServer ? 'server' : 'client');
    this.send.writer.frame(frameType.settings, 0, 0, payload);
    const increment = this.window.open();
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, 0, increment);
  }

  /** Client: whether a stream may be opened, by the peer's SETTINGS and GOAWAY. */
  get canOpenStream(): boolean {
    const limit = this.remoteSettingsReceived ? this.send.remote.maxConcurrentStreams : streamsBeforeSettings;
    return (
      !this.isServer &&
      !this.dead &&
      this.receivedGoaway === Infinity &&
      this.sentGoaway === Infinity &&
      this.streams.size < limit &&
      this.nextStreamId <= greatest31Bit
    );
  }

  /** Client: opens a stream, which {@link canOpenStream} must allow. */
  openStream(headers: Buffer, endStream: boolean, requestKind: RequestKind): Http2Stream {
    const stream = this.makeStream(this.nextStreamId, requestKind, true);
    this.nextStreamId += 2;
    this.send.headers(stream.id, headers, endStream);
    stream.localEnded = endStream;
    return stream;
  }

  get isDraining(): boolean {
    return this.receivedGoaway !== Infinity || this.sentGoaway !== Infinity;
  }

  get isDrained(): boolean {
    return this.streams.size === 0 && (this.receivedGoaway !== Infinity || this.sentGoaway < greatest31Bit);
  }

  /** The final GOAWAY: streams of the peer above the last that came are ignored from here on. */
  goaway(errorCode: number, reason: string): void {
    this.send.writer.goaway(this.lastPeerStreamId, errorCode, reason);
    this.sentGoaway = Math.min(this.sentGoaway, this.lastPeerStreamId);
    this.checkDrained();
  }

  /** Section 6.8: first a GOAWAY that loses no stream which is already under way, then, a round trip later, the last. */
  shutdownGracefully(): void {
    if (this.sentGoaway !== Infinity) return;
    if (!this.isServer) {
      this.goaway(noError, '');
      return;
    }
    this.sentGoaway = greatest31Bit;
    this.#drainPingSent = true;
    this.send.writer.goaway(greatest31Bit, noError, '');
    this.send.writer.frame(frameType.ping, 0, 0, drainPing);
  }

  /** Takes the payload of a PING's ACK; whether it was the PING of {@link shutdownGracefully}. */
  takeDrainPing(payload: Buffer): boolean {
    if (!this.#drainPingSent || !payload.equals(drainPing)) return false;
    this.#drainPingSent = false;
    this.goaway(noError, '');
    return true;
  }

  /** Ends everything; the streams hear of it. */
  destroy(errorCode: number): void {
    if (this.dead) return;
    this.dead = true;
    this.#stopReading();
    for (const stream of this.streams.snapshot()) this.closeReset(stream, 'connection', errorCode);
  }

  /** A connection error (section 5.4.1). */
  fail(error: Http2ConnectionError): void {
    if (this.dead) return;
    this.send.writer.goaway(this.lastPeerStreamId, error.errorCode, error.message);
    this.send.writer.flush();
    this.destroy(error.errorCode);
    this.handlers.onConnectionError(error);
  }

  // ---- called by Http2Stream

  creditStream(stream: Http2Stream, bytes: number): void {
    if (this.dead) return;
    this.creditConnection(bytes);
    this.creditStreamWindow(stream, bytes);
  }

  onLocalEnd(stream: Http2Stream): void {
    this.closeIfDone(stream);
  }

  resetByOwner(stream: Http2Stream, errorCode: number): void {
    this.send.writer.number(frameType.rstStream, stream.id, errorCode);
    this.closeReset(stream, 'owner', errorCode);
  }

  onQueueSent(stream: Http2Stream): void {
    this.handlers.onWritable(stream);
  }

  // ---- streams come and go

  /** A new stream, in the table. */
  makeStream(id: number, requestKind: RequestKind, headersSent: boolean): Http2Stream {
    const receiveWindow = new ReceiveWindow(this.settings.initialWindowSize);
    const stream = new Http2Stream(id, this, this.send, { receiveWindow, requestKind, headersSent });
    this.streams.add(stream);
    return stream;
  }

  /** A stream error that we found (section 5.4.2). */
  streamError(stream: Http2Stream, errorCode: number, reason: string): void {
    if (stream.closed) return;
    stream.resetReason = reason;
    this.send.writer.number(frameType.rstStream, stream.id, errorCode);
    this.closeReset(stream, 'codec', errorCode);
    this.takeWastedStream();
  }

  /** The stream was reset: it is gone, and what nobody will consume any more is given back. */
  closeReset(stream: Http2Stream, by: NonNullable<Http2Stream['resetBy']>, errorCode: number): void {
    if (stream.closed) return;
    stream.closed = true;
    stream.resetBy = by;
    const how: ClosedHow = by === 'peer' ? 'reset-by-peer' : 'reset-by-us';
    this.streams.close(stream.id, how);
    stream.dropQueue();
    const { unconsumed } = stream;
    stream.unconsumed = 0;
    if (unconsumed > 0 && !this.dead) this.creditConnection(unconsumed);
    if (by !== 'owner') this.handlers.onReset(stream, errorCode);
    this.handlers.onStreamClosed(stream);
    this.checkDrained();
  }

  /** Closes the stream if both sides have ended. */
  closeIfDone(stream: Http2Stream): void {
    if (stream.closed || !stream.localEnded || !stream.remoteEnded) return;
    stream.closed = true;
    this.streams.close(stream.id, 'ended');
    this.#wastedStreams.give(1);
    this.handlers.onStreamClosed(stream);
    this.checkDrained();
  }

  /** Tells the owner, once, that a draining connection has no stream left. */
  checkDrained(): void {
    if (this.#drainedTold || this.dead || !this.isDrained) return;
    this.#drainedTold = true;
    this.handlers.onDrained?.();
  }

  // ---- windows and budgets

  /** Bytes that counted against the connection's window are done with. */
  creditConnection(bytes: number): void {
    const increment = this.window.consumed(bytes);
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, 0, increment);
  }

  /** Bytes that counted against the stream's window are done with. */
  creditStreamWindow(stream: Http2Stream, bytes: number): void {
    if (stream.closed || stream.remoteEnded) return;
    const increment = stream.receiveWindow.consumed(bytes);
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, stream.id, increment);
  }

  /** A frame came that carries nothing: see {@link Http2Limits}. */
  takeControlFrame(): void {
    const { usefulFrames } = this.send;
    if (usefulFrames > 0) {
      this.send.usefulFrames = 0;
      this.#controlFrames.give(usefulFrames * controlFramesPerUsefulFrame);
    }
    if (!this.#controlFrames.take()) {
      throw new Http2ConnectionError(enhanceYourCalm, 'too many frames without content');
    }
  }

  /** Server: a stream was of no use: see {@link Http2Limits}. */
  takeWastedStream(): void {
    if (!this.isServer || this.#wastedStreams.take()) return;
    throw new Http2ConnectionError(enhanceYourCalm, 'too many streams are reset or refused');
  }

  // ---- checks

  /** Section 5.1: on this connection only the client opens streams, with odd identifiers. */
  isIdle(streamId: number): boolean {
    if (streamId % 2 === 0) return true;
    return this.isServer ? streamId > this.lastPeerStreamId : streamId >= this.nextStreamId;
  }

  /** Section 5.1: frames other than HEADERS and PRIORITY need a stream that was opened once. */
  requireNotIdle(name: string, streamId: number): void {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, `${name} on stream 0`);
    if (this.isIdle(streamId)) throw new Http2ConnectionError(protocolError, `${name} on an idle stream`);
  }

  /** The frame belongs to the connection: stream 0. */
  requireConnection(name: string, streamId: number): void {
    if (streamId !== 0) throw new Http2ConnectionError(protocolError, `${name} on a stream`);
  }

  /** Section 4.2: the frame has one length only. */
  requireLength(name: string, length: number, wanted: number): void {
    if (length !== wanted) throw new Http2ConnectionError(frameSizeError, `a ${name} frame of ${length} bytes`);
  }
}
