import type { HeaderBlock } from '@tulle/core';

const initialBytes = 2048;
const initialFields = 32;
/** A buffer that one large block made grow past this is not kept. */
const keptBytes = 16 * 1024;

/**
 * The buffer that header blocks are decoded to, one after the other: a {@link HeaderBlock} that is valid until the
 * next block is decoded to it.
 */
export class HeaderScratch implements HeaderBlock {
  buffer: Buffer = Buffer.alloc(0);
  count = 0;
  ranges: Int32Array = new Int32Array(0);
  /** How many bytes of the buffer hold decoded fields. */
  used = 0;
  /** `neverIndexed[i]` is 1 when field `i` came as "never indexed": it must be sent on so (RFC 7541 section 6.2.3). */
  neverIndexed: Uint8Array = new Uint8Array(0);

  /** Forgets the fields. */
  reset(): void {
    this.count = 0;
    this.used = 0;
    if (this.buffer.length > keptBytes) this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Makes sure that the buffer has `length` bytes in all, and keeps what it holds. */
  ensure(length: number): void {
    if (length <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(initialBytes, this.buffer.length * 2, length));
    this.buffer.copy(larger, 0, 0, this.buffer.length);
    this.buffer = larger;
  }

  /** Adds the field whose name ends and whose value begins at `nameEnd`. The bytes are there already. */
  push(nameStart: number, nameEnd: number, valueEnd: number): void {
    const at = this.count * 4;
    if (at === this.ranges.length) this.#growFields();
    this.ranges[at] = nameStart;
    this.ranges[at + 1] = nameEnd;
    this.ranges[at + 2] = nameEnd;
    this.ranges[at + 3] = valueEnd;
    this.neverIndexed[this.count] = 0;
    this.count++;
    this.used = valueEnd;
  }

  #growFields(): void {
    const fields = Math.max(initialFields, this.count * 2);
    const ranges = new Int32Array(fields * 4);
    ranges.set(this.ranges);
    this.ranges = ranges;
    const neverIndexed = new Uint8Array(fields);
    neverIndexed.set(this.neverIndexed);
    this.neverIndexed = neverIndexed;
  }
}
