import { Http2ConnectionError } from './errors.ts';
import { frameFlag, frameHeaderLength, frameType, http2ErrorCode } from './protocol.ts';

/** How a frame is read, decided from its header. */
export const frameTreatment = {
  /** DATA: given on as it comes. */
  stream: 0,
  /** The whole payload at once. */
  whole: 1,
  /** Passed over. */
  skip: 2,
} as const;
export type FrameTreatment = (typeof frameTreatment)[keyof typeof frameTreatment];

/** What {@link FrameReader} finds. */
export interface FrameSink {
  /** A frame's header. The length is not yet checked against anything. */
  onFrameHeader(type: number, flags: number, streamId: number, length: number): FrameTreatment;
  /** Bytes of the streamed frame, without its padding. */
  onDataBytes(chunk: Buffer, start: number, end: number): void;
  /** The streamed frame is complete; `padding` bytes of it were padding, the length byte counted. */
  onDataEnd(padding: number): void;
  /** The whole payload of the frame whose header came last, `payload[start..end)`. */
  onPayload(payload: Buffer, start: number, end: number): void;
}

const inHeader = 0;
const inPadLength = 1;
const inData = 2;
const inPadding = 3;
const inWhole = 4;
const inSkipped = 5;
const stopped = 6;

/**
 * Cuts a stream of bytes into frames (RFC 9113 section 4.1), in place: only a frame that must be seen whole and is
 * divided between two chunks is copied, and every byte of it once.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  #state: number = inHeader;
  readonly #header: Buffer = Buffer.alloc(frameHeaderLength);
  #headerBytes = 0;
  /** Payload bytes of the frame at hand that have not come yet, padding included. */
  #remaining = 0;
  #padding = 0;
  #padded = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Reads nothing more. */
  stop(): void {
    this.#state = stopped;
    this.#partial = undefined;
  }

  /**
   * Reads `chunk[start..end)`.
   *
   * @throws Http2ConnectionError for padding that is not valid, and what the sink throws; nothing may be read then
   */
  read(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case inHeader:
          if (this.#headerBytes === 0 && end - at >= frameHeaderLength) {
            at = this.#begin(chunk, at, at + frameHeaderLength, end);
          } else {
            while (at < end && this.#headerBytes < frameHeaderLength) {
              this.#header[this.#headerBytes++] = chunk[at++] as number;
            }
            if (this.#headerBytes < frameHeaderLength) return;
            this.#headerBytes = 0;
            at = this.#begin(this.#header, 0, at, end, chunk);
          }
          break;
        case inPadLength:
          this.#padding = chunk[at++] as number;
          this.#padded = this.#padding + 1;
          this.#remaining--;
          if (this.#padding > this.#remaining) throw badPadding();
          this.#state = inData;
          this.#endOfData();
          break;
        case inData: {
          const length = Math.min(this.#remaining - this.#padding, end - at);
          this.#remaining -= length;
          at += length;
          this.#sink.onDataBytes(chunk, at - length, at);
          this.#endOfData();
          break;
        }
        case inPadding: {
          const length = Math.min(this.#remaining, end - at);
          at += length;
          this.#remaining -= length;
          if (this.#remaining === 0) this.#finishData();
          break;
        }
        case inWhole:
          at = this.#gather(chunk, at, end);
          break;
        case inSkipped: {
          const length = Math.min(this.#remaining, end - at);
          at += length;
          this.#remaining -= length;
          if (this.#remaining === 0) this.#state = inHeader;
          break;
        }
        default:
          return;
      }
    }
  }

  /** Begins the frame with its header at `bytes[from..]`; its payload begins at `chunk[at]`. Gives where to go on. */
  #begin(bytes: Buffer, from: number, at: number, end: number, chunk: Buffer = bytes): number {
    const length = ((bytes[from] as number) << 16) | ((bytes[from + 1] as number) << 8) | (bytes[from + 2] as number);
    const type = bytes[from + 3] as number;
    const flags = bytes[from + 4] as number;
    const streamId =
      (((bytes[from + 5] as number) & 127) << 24) |
      ((bytes[from + 6] as number) << 16) |
      ((bytes[from + 7] as number) << 8) |
      (bytes[from + 8] as number);
    const treatment = this.#sink.onFrameHeader(type, flags, streamId, length);
    if (this.#state === stopped) return at;
    switch (treatment) {
      case frameTreatment.stream:
        this.#remaining = length;
        this.#padding = 0;
        this.#padded = 0;
        if (type === frameType.data && (flags & frameFlag.padded) !== 0) {
          // Section 6.1: the length byte must be there.
          if (length === 0) throw badPadding();
          this.#state = inPadLength;
          return at;
        }
        this.#state = inData;
        if (length === 0) this.#finishData();
        return at;
      case frameTreatment.whole:
        if (end - at >= length) {
          this.#sink.onPayload(chunk, at, at + length);
          return at + length;
        }
        this.#partial = Buffer.allocUnsafe(length);
        this.#partialBytes = 0;
        this.#state = inWhole;
        return at;
      case frameTreatment.skip:
        break;
    }
    this.#remaining = length;
    if (length > 0) this.#state = inSkipped;
    return at;
  }

  #gather(chunk: Buffer, at: number, end: number): number {
    const partial = this.#partial as Buffer;
    const length = Math.min(partial.length - this.#partialBytes, end - at);
    chunk.copy(partial, this.#partialBytes, at, at + length);
    this.#partialBytes += length;
    if (this.#partialBytes === partial.length) {
      this.#partial = undefined;
      this.#state = inHeader;
      this.#sink.onPayload(partial, 0, partial.length);
    }
    return at + length;
  }

  #endOfData(): void {
    if (this.#state !== inData || this.#remaining > this.#padding) return;
    if (this.#remaining > 0) this.#state = inPadding;
    else this.#finishData();
  }

  #finishData(): void {
    this.#state = inHeader;
    this.#sink.onDataEnd(this.#padded);
  }
}

/** Section 6.1: padding that is as long as the frame or longer ends the connection. */
function badPadding(): Http2ConnectionError {
  return new Http2ConnectionError(http2ErrorCode.protocolError, 'a DATA frame is shorter than its padding');
}
