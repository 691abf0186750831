import type { Http2Output } from './output.ts';
import { frameFlag, frameHeaderLength, frameType } from './protocol.ts';

/** Payloads up to this many bytes are copied behind their frame header; larger ones go out as buffers of their own. */
const copiedBytes = 4096;
const smallestSlab = 4096;
const largestSlab = 64 * 1024;
/** Below this a loop is faster than a native copy. */
const loopedBytes = 32;

/**
 * Writes frames. Small ones gather in a slab that is handed out piece by piece and never written to twice, so that
 * nothing is copied again and the owner may keep what it got.
 */
export class FrameWriter {
  readonly #output: Http2Output;
  readonly #gathers: boolean;
  #slab: Buffer = Buffer.alloc(0);
  #flushed = 0;
  #used = 0;
  #slabSize = smallestSlab;
  #held = 0;
  #asked = false;

  constructor(output: Http2Output) {
    this.#output = output;
    this.#gathers = output.wantsFlush !== undefined;
  }

  /** Begins a call in whose course nothing is flushed; {@link release} ends it. */
  hold(): void {
    this.#held++;
  }

  release(): void {
    this.#held--;
    this.commit();
  }

  /** What was written is complete: it is flushed, or the owner is asked to flush. */
  commit(): void {
    if (this.#held > 0 || this.#used === this.#flushed) return;
    if (!this.#gathers) this.flush();
    else if (!this.#asked) {
      this.#asked = true;
      this.#output.wantsFlush?.();
    }
  }

  /** Hands out all that was gathered. */
  flush(): void {
    this.#asked = false;
    this.#emit();
  }

  /** A frame header with nothing behind it yet; `payloadLength` bytes must be written next. */
  header(payloadLength: number, type: number, flags: number, streamId: number): void {
    this.#frame(payloadLength, 0, type, flags, streamId);
  }

  /** A DATA frame. A large payload is not copied: its buffer may not change any more. */
  data(streamId: number, endStream: boolean, chunk: Buffer, start: number, end: number): void {
    const length = end - start;
    const flags = endStream ? frameFlag.endStream : 0;
    if (length > copiedBytes) {
      this.#frame(length, 0, frameType.data, flags, streamId);
      this.#emit();
      this.#output.write(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
      return;
    }
    this.#frame(length, length, frameType.data, flags, streamId);
    this.#copy(chunk, start, end);
  }

  /** Any other frame with a payload. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.#frame(payload.length, payload.length, type, flags, streamId);
    this.#copy(payload, 0, payload.length);
  }

  /** A frame whose payload is one 32-bit number: RST_STREAM or WINDOW_UPDATE. */
  number(type: number, streamId: number, value: number): void {
    this.#frame(4, 4, type, 0, streamId);
    this.#uint32(value);
  }

  /** A GOAWAY frame (section 6.8) with a reason for people. */
  goaway(lastStreamId: number, errorCode: number, reason: string): void {
    const length = 8 + reason.length;
    this.#frame(length, length, frameType.goaway, 0, 0);
    this.#uint32(lastStreamId);
    this.#uint32(errorCode);
    this.#slab.write(reason, this.#used, reason.length, 'latin1');
    this.#used += reason.length;
  }

  /** Bytes of a payload whose header went out by {@link header}, or that have none: the preface. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#copy(bytes, start, end);
  }

  #frame(length: number, room: number, type: number, flags: number, streamId: number): void {
    if (this.#used + frameHeaderLength + room > this.#slab.length) this.#reserve(frameHeaderLength + room);
    const slab = this.#slab;
    const at = this.#used;
    slab[at] = length >> 16;
    slab[at + 1] = length >> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >> 24;
    slab[at + 6] = streamId >> 16;
    slab[at + 7] = streamId >> 8;
    slab[at + 8] = streamId;
    this.#used = at + frameHeaderLength;
  }

  #uint32(value: number): void {
    const slab = this.#slab;
    slab[this.#used] = value >>> 24;
    slab[this.#used + 1] = value >>> 16;
    slab[this.#used + 2] = value >>> 8;
    slab[this.#used + 3] = value;
    this.#used += 4;
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= loopedBytes) {
      const slab = this.#slab;
      const at = this.#used;
      for (let i = 0; i < length; i++) slab[at + i] = bytes[start + i] as number;
    } else if (bytes instanceof Buffer) bytes.copy(this.#slab, this.#used, start, end);
    else this.#slab.set(bytes.subarray(start, end), this.#used);
    this.#used += length;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#slab.length) return;
    this.#emit();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytes, this.#slabSize));
    // A connection that sends much gets larger slabs; one that is quiet stays small.
    this.#slabSize = Math.min(largestSlab, this.#slabSize * 2);
    this.#flushed = 0;
    this.#used = 0;
  }

  #emit(): void {
    if (this.#used === this.#flushed) return;
    const bytes = this.#slab.subarray(this.#flushed, this.#used);
    this.#flushed = this.#used;
    this.#output.write(bytes);
  }
}
