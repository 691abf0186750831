import { HpackDecoder } from '../hpack/index.ts';
import type { ConnectionState } from './connection-state.ts';
import { ControlReceiver } from './control-receiver.ts';
import { DataReceiver } from './data-receiver.ts';
import { Http2ConnectionError } from './errors.ts';
import { frameTreatment, type FrameSink, type FrameTreatment } from './frame-reader.ts';
import { HeaderAssembler, tooLarge } from './header-assembler.ts';
import { HeaderReceiver } from './header-receiver.ts';
import { frameFlag, frameType, http2ErrorCode } from './protocol.ts';

const { protocolError, frameSizeError } = http2ErrorCode;

/** Checks what holds for all frames and gives each to the receiver of its kind. */
export class FrameDispatcher implements FrameSink {
  readonly #state: ConnectionState;
  readonly #block: HeaderAssembler;
  readonly #data: DataReceiver;
  readonly #headers: HeaderReceiver;
  readonly #control: ControlReceiver;
  // The frame at hand.
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #length = 0;

  constructor(state: ConnectionState) {
    const { settings, limits } = state;
    const decoder = new HpackDecoder({
      maxTableSize: settings.headerTableSize,
      maxListBytes: limits.maxHeaderListBytes,
      maxFields: limits.maxHeaderFields,
    });
    this.#state = state;
    this.#block = new HeaderAssembler(limits);
    this.#data = new DataReceiver(state);
    this.#headers = new HeaderReceiver(state, decoder, this.#block);
    this.#control = new ControlReceiver(state, decoder);
  }

  /** The stream whose CONTINUATION must come next, or 0. */
  get openHeaderBlock(): number {
    return this.#block.streamId;
  }

  onFrameHeader(type: number, flags: number, streamId: number, length: number): FrameTreatment {
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#length = length;
    if (length > this.#state.settings.maxFrameSize) {
      throw new Http2ConnectionError(frameSizeError, `a frame of ${length} bytes is larger than announced`);
    }
    // Section 4.3: nothing may come between the frames of a header block.
    if (this.#block.streamId !== 0 && (type !== frameType.continuation || streamId !== this.#block.streamId)) {
      throw new Http2ConnectionError(protocolError, 'a header block is interrupted by another frame');
    }
    // Section 3.4: both sides begin with SETTINGS.
    if (!this.#state.remoteSettingsReceived && (type !== frameType.settings || (flags & frameFlag.ack) !== 0)) {
      throw new Http2ConnectionError(protocolError, 'the first frame is not SETTINGS');
    }
    switch (type) {
      case frameType.data:
        return this.#data.onHeader(streamId, length, (flags & frameFlag.padded) !== 0);
      case frameType.headers:
        this.#headers.checkHeader(streamId, length);
        return frameTreatment.whole;
      case frameType.continuation:
        if (this.#block.streamId === 0) throw new Http2ConnectionError(protocolError, 'CONTINUATION without HEADERS');
        if (length > this.#state.limits.maxHeaderBlockBytes) throw tooLarge();
        return frameTreatment.whole;
      default:
        return this.#control.onHeader(type, flags, streamId, length);
    }
  }

  onDataBytes(chunk: Buffer, start: number, end: number): void {
    this.#data.onBytes(chunk, start, end);
  }

  onDataEnd(padding: number): void {
    this.#data.onEnd(this.#length, padding, (this.#flags & frameFlag.endStream) !== 0);
  }

  onPayload(payload: Buffer, start: number, end: number): void {
    switch (this.#type) {
      case frameType.headers:
        if (this.#block.onHeaders(this.#streamId, this.#flags, payload, { start, end })) {
          this.#headers.onBlock(this.#streamId);
        }
        return;
      case frameType.continuation:
        if (this.#block.onContinuation(this.#flags, payload, start, end)) this.#headers.onBlock(this.#streamId);
        return;
      default:
        this.#control.onPayload(payload, start, end);
    }
  }
}
