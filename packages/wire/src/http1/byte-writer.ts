const SLAB_BYTES = 16 * 1024;
/** Below this a loop is cheaper than the call into the runtime. */
const LOOP_BYTES = 24;

/**
 * A growable output buffer, reused from message to message.
 *
 * What {@link take} gives is never written to again, so it can go to a socket without a copy; the rest of the slab that
 * it lies in serves the next messages.
 */
export class ByteWriter {
  #slab: Buffer;
  #start = 0;
  #end = 0;
  readonly #slabBytes: number;

  constructor(slabBytes = SLAB_BYTES) {
    this.#slabBytes = slabBytes;
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
  }

  /** How many bytes were written since the last `take`. */
  get length(): number {
    return this.#end - this.#start;
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeRange(bytes, 0, bytes.length);
  }

  /** Appends `from[start..end)`. */
  writeRange(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#end + length > this.#slab.length) this.#grow(length);
    const slab = this.#slab;
    let at = this.#end;
    if (length < LOOP_BYTES) {
      for (let i = start; i < end; i++) slab[at++] = from[i] as number;
    } else if (from instanceof Buffer) {
      from.copy(slab, at, start, end);
    } else {
      slab.set(from.subarray(start, end), at);
    }
    this.#end += length;
  }

  writeByte(byte: number): void {
    if (this.#end === this.#slab.length) this.#grow(1);
    this.#slab[this.#end++] = byte;
  }

  /** Appends a whole number in decimal digits. */
  writeDecimal(value: number): void {
    if (value >= 10) this.writeDecimal(Math.floor(value / 10));
    this.writeByte(48 + (value % 10));
  }

  /** Appends a whole number in hexadecimal digits. */
  writeHexadecimal(value: number): void {
    if (value >= 16) this.writeHexadecimal(Math.floor(value / 16));
    const digit = value % 16;
    this.writeByte(digit < 10 ? 48 + digit : 87 + digit);
  }

  /** Gives what was written and begins anew. The caller owns the bytes. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  /** Throws away what was written since the last `take`. */
  discard(): void {
    this.#end = this.#start;
  }

  #grow(more: number): void {
    const length = this.#end - this.#start;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, (length + more) * 2));
    this.#slab.copy(slab, 0, this.#start, this.#end);
    this.#slab = slab;
    this.#start = 0;
    this.#end = length;
  }
}
