import type { HpackDecoder } from '../hpack/index.ts';
import type { ConnectionState } from './connection-state.ts';
import { Http2ConnectionError } from './errors.ts';
import { frameTreatment, type FrameTreatment } from './frame-reader.ts';
import { frameFlag, frameType, greatest31Bit, http2ErrorCode } from './protocol.ts';
import { read31Bits, readUint32 } from './settings.ts';

const { protocolError, flowControlError, frameSizeError, refusedStream, enhanceYourCalm } = http2ErrorCode;

/** GOAWAY's debug data is not used: more than this is not read. */
const longestGoaway = 16 * 1024;

/** Frames that manage the connection and its streams (RFC 9113 sections 6.3 to 6.9). */
export class ControlReceiver {
  readonly #state: ConnectionState;
  readonly #decoder: HpackDecoder;
  // The frame at hand.
  #type = 0;
  #flags = 0;
  #streamId = 0;

  constructor(state: ConnectionState, decoder: HpackDecoder) {
    this.#state = state;
    this.#decoder = decoder;
  }

  /** Checks a frame's header, before its payload is read. */
  onHeader(type: number, flags: number, streamId: number, length: number): FrameTreatment {
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    const state = this.#state;
    if (type !== frameType.rstStream) state.takeControlFrame();
    switch (type) {
      case frameType.priority:
        return this.#onPriorityHeader(streamId, length);
      case frameType.rstStream:
        state.requireLength('RST_STREAM', length, 4);
        state.requireNotIdle('RST_STREAM', streamId);
        return frameTreatment.whole;
      case frameType.settings:
        return this.#onSettingsHeader(streamId, length);
      case frameType.pushPromise:
        // A client cannot push, and we always announce ENABLE_PUSH 0 (sections 6.6, 8.4).
        throw new Http2ConnectionError(protocolError, 'PUSH_PROMISE, which is not allowed');
      case frameType.ping:
        state.requireConnection('PING', streamId);
        state.requireLength('PING', length, 8);
        return frameTreatment.whole;
      case frameType.goaway:
        state.requireConnection('GOAWAY', streamId);
        if (length < 8) throw new Http2ConnectionError(frameSizeError, `a GOAWAY frame of ${length} bytes`);
        if (length > longestGoaway) throw new Http2ConnectionError(enhanceYourCalm, 'a GOAWAY frame is too long');
        return frameTreatment.whole;
      case frameType.windowUpdate:
        state.requireLength('WINDOW_UPDATE', length, 4);
        if (streamId !== 0) state.requireNotIdle('WINDOW_UPDATE', streamId);
        return frameTreatment.whole;
      default:
        // Section 4.1: unknown types are ignored.
        return frameTreatment.skip;
    }
  }

  /** Takes the payload of the frame whose header came last. */
  onPayload(payload: Buffer, start: number, end: number): void {
    switch (this.#type) {
      case frameType.priority:
        if (read31Bits(payload, start) === this.#streamId) {
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
        this.#onGoaway(read31Bits(payload, start), readUint32(payload, start + 4));
        return;
      case frameType.windowUpdate:
        this.#onWindowUpdate(read31Bits(payload, start));
        return;
      default:
    }
  }

  // ---- PRIORITY (section 6.3), which is checked and otherwise ignored

  #onPriorityHeader(streamId: number, length: number): FrameTreatment {
    if (streamId === 0) throw new Http2ConnectionError(protocolError, 'PRIORITY on stream 0');
    if (length === 5) return frameTreatment.whole;
    this.#errorOnAnyStream(frameSizeError, `a PRIORITY frame of ${length} bytes`);
    return frameTreatment.skip;
  }

  /** A stream error; a stream that is not open cannot be reset (section 6.4), so that the connection fails instead. */
  #errorOnAnyStream(errorCode: number, reason: string): void {
    const stream = this.#state.streams.get(this.#streamId);
    if (stream === undefined) throw new Http2ConnectionError(errorCode, reason);
    this.#state.streamError(stream, errorCode, reason);
  }

  // ---- RST_STREAM (section 6.4)

  #onRstStream(errorCode: number): void {
    const stream = this.#state.streams.get(this.#streamId);
    if (stream === undefined) {
      this.#state.takeControlFrame();
      return;
    }
    const wasted = this.#state.isServer && !stream.headersSent;
    this.#state.closeReset(stream, 'peer', errorCode);
    if (wasted) this.#state.takeWastedStream();
  }

  // ---- SETTINGS (section 6.5)

  #onSettingsHeader(streamId: number, length: number): FrameTreatment {
    this.#state.requireConnection('SETTINGS', streamId);
    if ((this.#flags & frameFlag.ack) !== 0) this.#state.requireLength('SETTINGS with ACK', length, 0);
    if (length > this.#state.limits.maxSettingsEntries * 6) {
      throw new Http2ConnectionError(enhanceYourCalm, 'a SETTINGS frame has too many settings');
    }
    return frameTreatment.whole;
  }

  #onSettings(payload: Buffer, start: number, end: number): void {
    if ((this.#flags & frameFlag.ack) !== 0) {
      if (this.#state.settingsAcknowledged) return;
      this.#state.settingsAcknowledged = true;
      this.#decoder.onSettingsAcknowledged();
      return;
    }
    const { remote } = this.#state.send;
    const windowBefore = remote.initialWindowSize;
    remote.apply(payload, start, end, !this.#state.isServer);
    this.#state.remoteSettingsReceived = true;
    this.#state.send.encoder.setPeerTableSize(remote.headerTableSize);
    this.#state.send.writer.frame(frameType.settings, frameFlag.ack, 0, noBytes);
    const delta = remote.initialWindowSize - windowBefore;
    if (delta !== 0) {
      for (const stream of this.#state.streams.snapshot()) {
        // Section 6.9.2: the change applies to open streams and may make windows negative.
        if (stream.sendWindowBytes + delta > greatest31Bit) {
          throw new Http2ConnectionError(flowControlError, "SETTINGS make a stream's window too large");
        }
        stream.changeSendWindow(delta);
      }
    }
    this.#state.handlers.onRemoteSettings();
  }

  // ---- PING (section 6.7)

  #onPing(payload: Buffer, start: number, end: number): void {
    if ((this.#flags & frameFlag.ack) === 0) {
      this.#state.send.writer.frame(frameType.ping, frameFlag.ack, 0, payload.subarray(start, end));
      return;
    }
    const echoed = Buffer.from(payload.subarray(start, end));
    if (!this.#state.takeDrainPing(echoed)) this.#state.handlers.onPingAck(echoed);
  }

  // ---- GOAWAY (section 6.8)

  #onGoaway(lastStreamId: number, errorCode: number): void {
    if (lastStreamId > this.#state.receivedGoaway) {
      throw new Http2ConnectionError(protocolError, 'a GOAWAY names a higher stream than the one before');
    }
    this.#state.receivedGoaway = lastStreamId;
    this.#state.handlers.onGoaway(lastStreamId, errorCode);
    if (!this.#state.isServer) {
      for (const stream of this.#state.streams.snapshot()) {
        if (stream.id > lastStreamId && !stream.closed) this.#state.closeReset(stream, 'peer', refusedStream);
      }
    }
    this.#state.checkDrained();
  }

  // ---- WINDOW_UPDATE (section 6.9)

  #onWindowUpdate(increment: number): void {
    if (this.#streamId === 0) {
      if (increment === 0) throw new Http2ConnectionError(protocolError, 'WINDOW_UPDATE by 0');
      if (!this.#state.send.open(increment)) {
        throw new Http2ConnectionError(flowControlError, "WINDOW_UPDATE makes the connection's window too large");
      }
      return;
    }
    const stream = this.#state.streams.get(this.#streamId);
    if (stream === undefined) return;
    if (increment === 0) this.#state.streamError(stream, protocolError, 'WINDOW_UPDATE by 0');
    else if (stream.sendWindowBytes + increment > greatest31Bit) {
      this.#state.streamError(stream, flowControlError, "WINDOW_UPDATE makes the stream's window too large");
    } else stream.changeSendWindow(increment);
  }
}

const noBytes = Buffer.alloc(0);
