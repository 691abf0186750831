import { HpackDecoder, HpackError } from '../hpack/index.ts';
import { Http2ConnectionError } from './errors.ts';
import { FrameReader, frameTreatment, type FrameSink, type FrameTreatment } from './frame-reader.ts';
import type { Http2Handlers } from './handlers.ts';
import { HeaderAssembler, tooLarge } from './header-assembler.ts';
import { Budget, type Http2Limits } from './limits.ts';
import { Http2Headers } from './message-fields.ts';
import { defaultWindowSize, frameFlag, frameType, greatest31Bit, http2ErrorCode } from './protocol.ts';
import type { Http2Output } from './output.ts';
import { ReceiveWindow } from './receive-window.ts';
import { SendSide } from './send-side.ts';
import { encodeSettings, readUint32, type Http2Settings } from './settings.ts';
import { StreamTable, type ClosedHow } from './stream-table.ts';
import { Http2Stream, type RequestKind, type StreamHost } from './stream.ts';

const {
  noError,
  protocolError,
  flowControlError,
  streamClosed,
  frameSizeError,
  refusedStream,
  compressionError,
  enhanceYourCalm,
} = http2ErrorCode;

/** How many control frames a frame with content pays for. */
const controlFramesPerUsefulFrame = 4;
/** GOAWAY's debug data is not used: more than this is not read. */
const longestGoaway = 16 * 1024;
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

/** The protocol itself: frames in, calls to the owner's handlers out. `Http2Connection` is its public face. */
export class ConnectionCore implements FrameSink, StreamHost {
  readonly send: SendSide;
  readonly streams: StreamTable;
  readonly isServer: boolean;
  readonly #settings: Http2Settings;
  readonly #limits: Http2Limits;
  readonly #handlers: Http2Handlers;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #headers = new Http2Headers();
  readonly #block: HeaderAssembler;
  readonly #window: ReceiveWindow;
  readonly #controlFrames: Budget;
  readonly #wastedStreams: Budget;
  /** Set when the connection has failed or was destroyed: nothing is read or sent any more. */
  dead = false;
  settingsAcknowledged = false;
  remoteSettingsReceived = false;
  /** Server: the highest stream that the peer opened. */
  #lastPeerStreamId = 0;
  /** Client: the next stream's identifier. */
  #nextStreamId = 1;
  /** Streams above it are ignored (we said so) or were never processed (the peer said so). */
  #sentGoaway = Infinity;
  #receivedGoaway = Infinity;
  #drainPingSent = false;
  #drainedTold = false;
  // The frame at hand.
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #length = 0;
  #dataStream: Http2Stream | undefined;

  constructor(options: Http2ConnectionOptions) {
    const { settings, limits } = options;
    this.isServer = options.role === 'server';
    this.#settings = settings;
    this.#limits = limits;
    this.#handlers = options.handlers;
    this.send = new SendSide(options.output, options.encoderTableSize ?? 0);
    this.streams = new StreamTable(limits.rememberedStreams);
    this.#reader = new FrameReader(this);
    this.#block = new HeaderAssembler(limits);
    this.#decoder = new HpackDecoder({
      maxTableSize: settings.headerTableSize,
      maxListBytes: limits.maxHeaderListBytes,
      maxFields: limits.maxHeaderFields,
    });
    this.#window = ReceiveWindow.ofConnection(settings.connectionWindowSize);
    this.#controlFrames = new Budget(limits.controlFrameBurst, limits.controlFramesPerSecond, options.nowMs);
    this.#wastedStreams = new Budget(limits.wastedStreamBurst, limits.wastedStreamsPerSecond, options.nowMs);
  }

  // ---- called by Http2Connection

  /** SETTINGS and the connection's window (section 3.4). */
  sendPreface(): void {
    const payload = encodeSettings(
      this.#settings,
      this.#limits.maxHeaderListBytes,
      this.isServer ? 'server' : 'client',
    );
    this.send.writer.frame(frameType.settings, 0, 0, payload);
    const increment = this.#window.open();
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, 0, increment);
  }

  /** Reads bytes behind the preface. */
  read(chunk: Buffer, start: number, end: number): void {
    try {
      this.#reader.read(chunk, start, end);
    } catch (error) {
      if (!(error instanceof Http2ConnectionError)) throw error;
      this.fail(error);
    }
  }

  get canOpenStream(): boolean {
    const limit = this.remoteSettingsReceived ? this.send.remote.maxConcurrentStreams : streamsBeforeSettings;
    return (
      !this.isServer &&
      !this.dead &&
      this.#receivedGoaway === Infinity &&
      this.#sentGoaway === Infinity &&
      this.streams.size < limit &&
      this.#nextStreamId <= greatest31Bit
    );
  }

  openStream(headers: Buffer, endStream: boolean, requestKind: RequestKind): Http2Stream {
    const stream = this.#makeStream(this.#nextStreamId, requestKind, true);
    this.#nextStreamId += 2;
    this.send.headers(stream.id, headers, endStream);
    stream.localEnded = endStream;
    return stream;
  }

  get isDraining(): boolean {
    return this.#receivedGoaway !== Infinity || this.#sentGoaway !== Infinity;
  }

  get isDrained(): boolean {
    return this.streams.size === 0 && (this.#receivedGoaway !== Infinity || this.#sentGoaway < greatest31Bit);
  }

  /** The final GOAWAY: streams of the peer above the last that came are ignored from here on. */
  goaway(errorCode: number, reason: string): void {
    this.send.writer.goaway(this.#lastPeerStreamId, errorCode, reason);
    this.#sentGoaway = Math.min(this.#sentGoaway, this.#lastPeerStreamId);
    this.#checkDrained();
  }

  /** Section 6.8: first a GOAWAY that loses no stream which is already under way, then, a round trip later, the last. */
  shutdownGracefully(): void {
    if (this.#sentGoaway !== Infinity) return;
    if (!this.isServer) {
      this.goaway(noError, '');
      return;
    }
    this.#sentGoaway = greatest31Bit;
    this.#drainPingSent = true;
    this.send.writer.goaway(greatest31Bit, noError, '');
    this.send.writer.frame(frameType.ping, 0, 0, drainPing);
  }

  /** Ends everything; the streams hear of it. */
  destroy(errorCode: number): void {
    if (this.dead) return;
    this.dead = true;
    this.#reader.stop();
    for (const stream of this.streams.snapshot()) this.#closeReset(stream, 'connection', errorCode);
  }

  /** A connection error (section 5.4.1). */
  fail(error: Http2ConnectionError): void {
    if (this.dead) return;
    this.send.writer.goaway(this.#lastPeerStreamId, error.errorCode, error.message);
    this.send.writer.flush();
    this.destroy(error.errorCode);
    this.#handlers.onConnectionError(error);
  }

  // ---- called by FrameReader

  onFrameHeader(type: number, flags: number, streamId: number, length: number): FrameTreatment {
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#length = length;
    if (length > this.#settings.maxFrameSize) {
      throw new Http2ConnectionError(frameSizeError, `a frame of ${length} bytes is larger than announced`);
    }
    // Section 4.3: nothing may come between the frames of a header block.
    if (this.#block.streamId !== 0 && (type !== frameType.continuation || streamId !== this.#block.streamId)) {
      throw new Http2ConnectionError(protocolError, 'a header block is interrupted by another frame');
    }
    if (!this.remoteSettingsReceived && (type !== frameType.settings || (flags & frameFlag.ack) !== 0)) {
      throw new Http2ConnectionError(protocolError, 'the first frame is not SETTINGS');
    }
    switch (type) {
      case frameType.data:
        return this.#onDataHeader(streamId, length);
      case frameType.headers:
        this.#checkHeadersStream(streamId);
        // The padding and priority fields are no part of the block.
        if (length > this.#limits.maxHeaderBlockBytes + 261) throw tooLarge();
        return frameTreatment.whole;
      case frameType.continuation:
        if (this.#block.streamId === 0) throw new Http2ConnectionError(protocolError, 'CONTINUATION without HEADERS');
        if (length > this.#limits.maxHeaderBlockBytes) throw tooLarge();
        return frameTreatment.whole;
      case frameType.priority:
        return this.#onPriorityHeader(streamId, length);
      case frameType.rstStream:
        this.#requireLength('RST_STREAM', length, 4);
        this.#requireNotIdle('RST_STREAM', streamId);
        return frameTreatment.whole;
      case frameType.settings:
        return this.#onSettingsHeader(streamId, length);
      case frameType.pushPromise:
        // A client cannot push, and we always announce ENABLE_PUSH 0 (sections 6.6, 8.4).
        throw new Http2ConnectionError(protocolError, 'PUSH_PROMISE, which is not allowed');
      case frameType.ping:
        this.#takeControlFrame();
        this.#requireConnection('PING', streamId);
        this.#requireLength('PING', length, 8);
        return frameTreatment.whole;
      case frameType.goaway:
        this.#takeControlFrame();
        this.#requireConnection('GOAWAY', streamId);
        if (length < 8) throw new Http2ConnectionError(frameSizeError, `a GOAWAY frame of ${length} bytes`);
        if (length > longestGoaway) throw new Http2ConnectionError(enhanceYourCalm, 'a GOAWAY frame is too long');
        return frameTreatment.whole;
      case frameType.windowUpdate:
        this.#takeControlFrame();
        this.#requireLength('WINDOW_UPDATE', length, 4);
        if (streamId !== 0) this.#requireNotIdle('WINDOW_UPDATE', streamId);
        return frameTreatment.whole;
      default:
        // Section 4.1: unknown types are ignored.
        this.#takeControlFrame();
        return frameTreatment.skip;
    }
  }

  onPayload(payload: Buffer, start: number, end: number): void {
    switch (this.#type) {
      case frameType.headers:
        if (this.#block.onHeaders(this.#streamId, this.#flags, payload, { start, end })) this.#onBlock();
        return;
      case frameType.continuation:
        if (this.#block.onContinuation(this.#flags, payload, start, end)) this.#onBlock();
        return;
      case frameType.priority:
        if (readUint32(payload, start) % 0x8000_0000 === this.#streamId) {
          this.#errorOnAnyStream(protocolError, 'a stream depends on itself');
        }
        return;
      case frameType.rstStream:
        this.#onRstStream(readUint32(payload, start));
        return;
      case frameType.settings:
        this.#onSettings(payload, start, end);
        return;
      case frameType.ping:
        this.#onPing(payload, start, end);
        return;
      case frameType.goaway:
        this.#onGoaway(readUint32(payload, start) % 0x8000_0000, readUint32(payload, start + 4));
        return;
      case frameType.windowUpdate:
        this.#onWindowUpdate(readUint32(payload, start) % 0x8000_0000);
        return;
      default:
    }
  }

  // ---- DATA (section 6.1)

  #onDataHeader(streamId: number, length: number): FrameTreatment {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'DATA on stream 0');
    this.#window.available -= length;
    if (this.#window.available < 0) {
      throw new Http2ConnectionError(flowControlError, "the connection's window is exceeded");
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.#onStrayData(streamId, length);
      return frameTreatment.skip;
    }
    stream.receiveWindow.available -= length;
    if (stream.remoteEnded) this.#streamError(stream, streamClosed, 'DATA behind END_STREAM');
    else if (!stream.headersReceived) this.#streamError(stream, protocolError, 'DATA before the response head');
    else if (stream.receiveWindow.available < -this.#unacknowledgedSlack()) {
      this.#streamError(stream, flowControlError, "the stream's window is exceeded");
    } else {
      this.#dataStream = stream;
      return frameTreatment.stream;
    }
    this.#creditConnection(length);
    return frameTreatment.skip;
  }

  /** Until our SETTINGS are acknowledged the peer may go by the RFC's window (section 6.9.3). */
  #unacknowledgedSlack(): number {
    return this.settingsAcknowledged ? 0 : Math.max(0, defaultWindowSize - this.#settings.initialWindowSize);
  }

  /** DATA for a stream that is gone (section 5.1, "closed"). */
  #onStrayData(streamId: number, length: number): void {
    this.#requireNotIdle('DATA', streamId);
    switch (this.streams.howClosed(streamId)) {
      case 'ended':
        throw new Http2ConnectionError(streamClosed, 'DATA on a stream that has ended');
      case 'reset-by-us':
        // Was under way when we reset it.
        if (length === 0) this.#takeControlFrame();
        break;
      case 'reset-by-peer':
      case 'forgotten':
      case 'never-opened':
        this.#takeControlFrame();
        this.send.writer.number(frameType.rstStream, streamId, streamClosed);
        break;
    }
    this.#creditConnection(length);
  }

  onDataBytes(chunk: Buffer, start: number, end: number): void {
    const stream = this.#dataStream as Http2Stream;
    let until = end;
    if (!stream.closed) {
      if (stream.expectedBytes >= 0) {
        until = Math.min(end, start + stream.expectedBytes);
        stream.expectedBytes -= until - start;
      }
      stream.unconsumed += until - start;
      if (until > start) this.#handlers.onData(stream, chunk, start, until);
      if (until < end) this.#streamError(stream, protocolError, 'more DATA than content-length says');
    } else until = start;
    if (until < end) this.#creditConnection(end - until);
  }

  onDataEnd(padding: number): void {
    const stream = this.#dataStream as Http2Stream;
    this.#dataStream = undefined;
    const endStream = (this.#flags & frameFlag.endStream) !== 0;
    if (this.#length > padding) this.send.usefulFrames++;
    else if (!endStream) this.#takeControlFrame();
    if (padding > 0) {
      // Nobody consumes padding.
      this.#creditConnection(padding);
      this.#creditStreamWindow(stream, padding);
    }
    if (!endStream || stream.closed) return;
    if (stream.expectedBytes > 0) {
      this.#streamError(stream, protocolError, 'less DATA than content-length says');
      return;
    }
    stream.remoteEnded = true;
    this.#handlers.onEnd(stream);
    this.#closeIfDone(stream);
  }

  // ---- HEADERS and CONTINUATION (sections 6.2, 6.10, 8.1)

  #checkHeadersStream(streamId: number): void {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'HEADERS on stream 0');
    if (!this.isServer) this.#requireNotIdle('HEADERS', streamId);
    else if (streamId % 2 === 0) throw new Http2ConnectionError(protocolError, 'a client opens an even stream');
  }

  #onBlock(): void {
    const block = this.#block;
    const streamId = this.#streamId;
    let fits: boolean;
    try {
      if (block.end - block.start > this.#limits.maxHeaderBlockBytes) throw tooLarge();
      fits = this.#decoder.decode(block.block, block.start, block.end, this.#headers);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new Http2ConnectionError(compressionError, error.message, { cause: error });
    }
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#onFurtherHeaders(stream, fits);
    else if (this.isServer && streamId > this.#lastPeerStreamId) this.#onRequest(streamId, fits);
    else this.#onStrayHeaders(streamId);
  }

  #onRequest(streamId: number, fits: boolean): void {
    const headers = this.#headers;
    const { endStream, dependsOnItself } = this.#block;
    this.#lastPeerStreamId = streamId;
    if (streamId > this.#sentGoaway) {
      // Section 6.8: ignored; the client knows from our GOAWAY.
      this.streams.close(streamId, 'reset-by-us');
      return;
    }
    if (this.streams.size >= this.#settings.maxConcurrentStreams) return this.#refuse(streamId, refusedStream);
    let wrong = dependsOnItself ? 'a stream depends on itself' : undefined;
    if (fits) wrong ??= headers.checkRequest(this.#settings.enableConnectProtocol);
    else if (this.#handlers.onHeadersTooLarge === undefined) return this.#refuse(streamId, enhanceYourCalm);
    const isTunnel = headers.isConnect && headers.protocol < 0;
    if (endStream && headers.contentLength > 0 && !isTunnel) wrong ??= 'content-length without content';
    if (wrong !== undefined) return this.#refuse(streamId, protocolError);
    this.send.usefulFrames++;
    const stream = this.#makeStream(streamId, isTunnel ? 'connect' : headers.isHead ? 'head' : 'plain', false);
    stream.headersReceived = true;
    stream.remoteEnded = endStream;
    if (!isTunnel) stream.expectedBytes = headers.contentLength;
    if (fits) this.#handlers.onHeaders(stream, headers, endStream);
    else {
      stream.expectedBytes = -1;
      this.#handlers.onHeadersTooLarge?.(stream, endStream);
    }
    this.#closeIfDone(stream);
  }

  /** A request that the owner never hears of. */
  #refuse(streamId: number, errorCode: number): void {
    this.send.writer.number(frameType.rstStream, streamId, errorCode);
    this.streams.close(streamId, 'reset-by-us');
    this.#takeWastedStream();
  }

  #onFurtherHeaders(stream: Http2Stream, fits: boolean): void {
    const { endStream, dependsOnItself } = this.#block;
    this.send.usefulFrames++;
    if (stream.remoteEnded) this.#streamError(stream, streamClosed, 'HEADERS behind END_STREAM');
    else if (dependsOnItself) this.#streamError(stream, protocolError, 'a stream depends on itself');
    else if (!fits) this.#streamError(stream, enhanceYourCalm, 'a header list is larger than the limit');
    else if (!stream.headersReceived) this.#onResponse(stream, endStream);
    else this.#onTrailers(stream, endStream);
  }

  #onResponse(stream: Http2Stream, endStream: boolean): void {
    const headers = this.#headers;
    const wrong = headers.checkResponse();
    if (wrong !== undefined) return this.#streamError(stream, protocolError, wrong);
    if (headers.status < 200) {
      stream.informationalResponses++;
      if (endStream) this.#streamError(stream, protocolError, 'END_STREAM on an informational response');
      else if (stream.informationalResponses > this.#limits.maxInformationalResponses) {
        this.#streamError(stream, enhanceYourCalm, 'too many informational responses');
      } else this.#handlers.onHeaders(stream, headers, false);
      return;
    }
    stream.headersReceived = true;
    stream.expectedBytes = expectedBytes(stream.requestKind, headers);
    if (endStream && stream.expectedBytes > 0) {
      return this.#streamError(stream, protocolError, 'content-length without content');
    }
    stream.remoteEnded = endStream;
    this.#handlers.onHeaders(stream, headers, endStream);
    this.#closeIfDone(stream);
  }

  #onTrailers(stream: Http2Stream, endStream: boolean): void {
    const wrong = this.#headers.checkTrailers();
    if (!endStream) this.#streamError(stream, protocolError, 'trailers without END_STREAM');
    else if (stream.requestKind === 'connect') this.#streamError(stream, protocolError, 'HEADERS inside a tunnel');
    else if (wrong !== undefined) this.#streamError(stream, protocolError, wrong);
    else if (stream.expectedBytes > 0) this.#streamError(stream, protocolError, 'less DATA than content-length says');
    else {
      stream.remoteEnded = true;
      this.#handlers.onTrailers(stream, this.#headers);
      this.#closeIfDone(stream);
    }
  }

  /** HEADERS for a stream that is gone; the block has been decoded, as it must be. */
  #onStrayHeaders(streamId: number): void {
    this.#takeControlFrame();
    switch (this.streams.howClosed(streamId)) {
      case 'ended':
        throw new Http2ConnectionError(streamClosed, 'HEADERS on a stream that has ended');
      case 'never-opened':
        // Section 5.1.1: identifiers only grow.
        throw new Http2ConnectionError(protocolError, 'a stream is opened below a higher one');
      case 'reset-by-us':
        break;
      case 'reset-by-peer':
      case 'forgotten':
        this.send.writer.number(frameType.rstStream, streamId, streamClosed);
        break;
    }
  }

  // ---- PRIORITY (section 6.3), which is checked and otherwise ignored

  #onPriorityHeader(streamId: number, length: number): FrameTreatment {
    this.#takeControlFrame();
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'PRIORITY on stream 0');
    if (length === 5) return frameTreatment.whole;
    this.#errorOnAnyStream(frameSizeError, `a PRIORITY frame of ${length} bytes`);
    return frameTreatment.skip;
  }

  /** A stream error on a stream in whatever state: an idle one cannot be reset (section 6.4). */
  #errorOnAnyStream(errorCode: number, reason: string): void {
    const stream = this.streams.get(this.#streamId);
    if (stream !== undefined) this.#streamError(stream, errorCode, reason);
    else if (this.#isIdle(this.#streamId)) throw new Http2ConnectionError(errorCode, reason);
  }

  // ---- RST_STREAM (section 6.4)

  #onRstStream(errorCode: number): void {
    const stream = this.streams.get(this.#streamId);
    if (stream === undefined) {
      this.#takeControlFrame();
      return;
    }
    const wasted = this.isServer && !stream.headersSent;
    this.#closeReset(stream, 'peer', errorCode);
    if (wasted) this.#takeWastedStream();
  }

  // ---- SETTINGS (section 6.5)

  #onSettingsHeader(streamId: number, length: number): FrameTreatment {
    this.#takeControlFrame();
    this.#requireConnection('SETTINGS', streamId);
    if ((this.#flags & frameFlag.ack) !== 0) this.#requireLength('SETTINGS with ACK', length, 0);
    if (length > this.#limits.maxSettingsEntries * 6) {
      throw new Http2ConnectionError(enhanceYourCalm, 'a SETTINGS frame has too many settings');
    }
    return frameTreatment.whole;
  }

  #onSettings(payload: Buffer, start: number, end: number): void {
    if ((this.#flags & frameFlag.ack) !== 0) {
      if (this.settingsAcknowledged) return;
      this.settingsAcknowledged = true;
      this.#decoder.onSettingsAcknowledged();
      return;
    }
    const { remote } = this.send;
    const windowBefore = remote.initialWindowSize;
    remote.apply(payload, start, end, !this.isServer);
    this.remoteSettingsReceived = true;
    this.send.encoder.setPeerTableSize(remote.headerTableSize);
    this.send.writer.frame(frameType.settings, frameFlag.ack, 0, noBytes);
    const delta = remote.initialWindowSize - windowBefore;
    if (delta !== 0) {
      for (const stream of this.streams.snapshot()) {
        // Section 6.9.2: the change applies to open streams and may make windows negative.
        if (stream.sendWindowBytes + delta > greatest31Bit) {
          throw new Http2ConnectionError(flowControlError, "SETTINGS make a stream's window too large");
        }
        stream.changeSendWindow(delta);
      }
    }
    this.#handlers.onRemoteSettings();
  }

  // ---- PING (section 6.7)

  #onPing(payload: Buffer, start: number, end: number): void {
    if ((this.#flags & frameFlag.ack) === 0) {
      this.send.writer.frame(frameType.ping, frameFlag.ack, 0, payload.subarray(start, end));
      return;
    }
    const echoed = Buffer.from(payload.subarray(start, end));
    if (this.#drainPingSent && echoed.equals(drainPing)) {
      this.#drainPingSent = false;
      this.goaway(noError, '');
    } else this.#handlers.onPingAck(echoed);
  }

  // ---- GOAWAY (section 6.8)

  #onGoaway(lastStreamId: number, errorCode: number): void {
    if (lastStreamId > this.#receivedGoaway) {
      throw new Http2ConnectionError(protocolError, 'a GOAWAY names a higher stream than the one before');
    }
    this.#receivedGoaway = lastStreamId;
    this.#handlers.onGoaway(lastStreamId, errorCode);
    if (!this.isServer) {
      for (const stream of this.streams.snapshot()) {
        if (stream.id > lastStreamId && !stream.closed) this.#closeReset(stream, 'peer', refusedStream);
      }
    }
    this.#checkDrained();
  }

  // ---- WINDOW_UPDATE (section 6.9)

  #onWindowUpdate(increment: number): void {
    if (this.#streamId === 0) {
      if (increment === 0) throw new Http2ConnectionError(protocolError, 'WINDOW_UPDATE by 0');
      if (!this.send.open(increment)) {
        throw new Http2ConnectionError(flowControlError, "WINDOW_UPDATE makes the connection's window too large");
      }
      return;
    }
    const stream = this.streams.get(this.#streamId);
    if (stream === undefined) return;
    if (increment === 0) this.#streamError(stream, protocolError, 'WINDOW_UPDATE by 0');
    else if (stream.sendWindowBytes + increment > greatest31Bit) {
      this.#streamError(stream, flowControlError, "WINDOW_UPDATE makes the stream's window too large");
    } else stream.changeSendWindow(increment);
  }

  // ---- called by Http2Stream

  creditStream(stream: Http2Stream, bytes: number): void {
    if (this.dead) return;
    this.#creditConnection(bytes);
    this.#creditStreamWindow(stream, bytes);
  }

  onLocalEnd(stream: Http2Stream): void {
    this.#closeIfDone(stream);
  }

  resetByOwner(stream: Http2Stream, errorCode: number): void {
    this.send.writer.number(frameType.rstStream, stream.id, errorCode);
    this.#closeReset(stream, 'owner', errorCode);
  }

  onQueueSent(stream: Http2Stream): void {
    this.#handlers.onWritable(stream);
  }

  // ---- streams come and go

  #makeStream(id: number, requestKind: RequestKind, headersSent: boolean): Http2Stream {
    const receiveWindow = new ReceiveWindow(this.#settings.initialWindowSize);
    const stream = new Http2Stream(id, this, this.send, { receiveWindow, requestKind, headersSent });
    this.streams.add(stream);
    return stream;
  }

  /** A stream error that we found (section 5.4.2). */
  #streamError(stream: Http2Stream, errorCode: number, reason: string): void {
    if (stream.closed) return;
    stream.resetReason = reason;
    this.send.writer.number(frameType.rstStream, stream.id, errorCode);
    this.#closeReset(stream, 'codec', errorCode);
    this.#takeWastedStream();
  }

  #closeReset(stream: Http2Stream, by: NonNullable<Http2Stream['resetBy']>, errorCode: number): void {
    if (stream.closed) return;
    stream.closed = true;
    stream.resetBy = by;
    const how: ClosedHow = by === 'peer' ? 'reset-by-peer' : 'reset-by-us';
    this.streams.close(stream.id, how);
    stream.dropQueue();
    const { unconsumed } = stream;
    stream.unconsumed = 0;
    if (unconsumed > 0 && !this.dead) this.#creditConnection(unconsumed);
    if (by !== 'owner') this.#handlers.onReset(stream, errorCode);
    this.#handlers.onStreamClosed(stream);
    this.#checkDrained();
  }

  #closeIfDone(stream: Http2Stream): void {
    if (stream.closed || !stream.localEnded || !stream.remoteEnded) return;
    stream.closed = true;
    this.streams.close(stream.id, 'ended');
    this.#wastedStreams.give(1);
    this.#handlers.onStreamClosed(stream);
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#drainedTold || this.dead || !this.isDrained) return;
    this.#drainedTold = true;
    this.#handlers.onDrained?.();
  }

  // ---- windows and budgets

  #creditConnection(bytes: number): void {
    const increment = this.#window.consumed(bytes);
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, 0, increment);
  }

  #creditStreamWindow(stream: Http2Stream, bytes: number): void {
    if (stream.closed || stream.remoteEnded) return;
    const increment = stream.receiveWindow.consumed(bytes);
    if (increment > 0) this.send.writer.number(frameType.windowUpdate, stream.id, increment);
  }

  #takeControlFrame(): void {
    const { usefulFrames } = this.send;
    if (usefulFrames > 0) {
      this.send.usefulFrames = 0;
      this.#controlFrames.give(usefulFrames * controlFramesPerUsefulFrame);
    }
    if (!this.#controlFrames.take()) {
      throw new Http2ConnectionError(enhanceYourCalm, 'too many frames without content');
    }
  }

  #takeWastedStream(): void {
    if (!this.isServer || this.#wastedStreams.take()) return;
    throw new Http2ConnectionError(enhanceYourCalm, 'too many streams are reset or refused');
  }

  // ---- checks

  /** Section 5.1: on this connection only the client opens streams, with odd identifiers. */
  #isIdle(streamId: number): boolean {
    if (streamId % 2 === 0) return true;
    return this.isServer ? streamId > this.#lastPeerStreamId : streamId >= this.#nextStreamId;
  }

  #requireNotIdle(name: string, streamId: number): void {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, `${name} on stream 0`);
    if (this.#isIdle(streamId)) throw new Http2ConnectionError(protocolError, `${name} on an idle stream`);
  }

  #requireConnection(name: string, streamId: number): void {
    if (streamId !== 0) throw new Http2ConnectionError(protocolError, `${name} on a stream`);
  }

  #requireLength(name: string, length: number, wanted: number): void {
    if (length !== wanted) throw new Http2ConnectionError(frameSizeError, `a ${name} frame of ${length} bytes`);
  }
}

/** How many body bytes a response promises; -1 when nothing says (section 8.1.1; RFC 9110 section 8.6). */
function expectedBytes(requestKind: RequestKind, headers: Http2Headers): number {
  if (requestKind === 'head' || headers.status === 204 || headers.status === 304) return 0;
  if (requestKind === 'connect' && headers.status < 300) return -1;
  return headers.contentLength;
}

const noBytes = Buffer.alloc(0);
