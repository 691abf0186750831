import { CodedError } from '@tulle/core';
import { DynamicTable, entryOverhead } from './dynamic-table.ts';
import type { HeaderScratch } from './header-scratch.ts';
import { huffmanDecode, huffmanDecodedBound } from './huffman.ts';
import { staticBytes, staticEntryCount, staticRanges } from './static-table.ts';

/** The size of the dynamic table before any SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2). */
export const defaultHeaderTableSize = 4096;

/** A header block that cannot be decoded. The connection's compression state is lost: COMPRESSION_ERROR. */
export class HpackError extends CodedError {
  constructor(message: string) {
    super('HPACK_DECODING', message);
    this.name = 'HpackError';
  }
}

/** The bounds of {@link HpackDecoder}. */
export interface HpackDecoderOptions {
  /** What is announced as SETTINGS_HEADER_TABLE_SIZE, in bytes. */
  readonly maxTableSize: number;
  /** The greatest list: names, values and 32 for each field (SETTINGS_MAX_HEADER_LIST_SIZE), in bytes. */
  readonly maxListBytes: number;
  readonly maxFields: number;
}

/** Integers above this are refused: nothing that is bounded by the limits here needs more than four further bytes. */
const maxContinuationShift = 21;

/**
 * Decodes header blocks of one direction of a connection (RFC 7541). The work for a block is bounded by its own length
 * and by the list's limit: what an index would expand beyond it is not copied.
 */
export class HpackDecoder {
  readonly #maxListBytes: number;
  readonly #maxFields: number;
  readonly #table: DynamicTable;
  readonly #announcedTableSize: number;
  #tableSizeLimit: number;
  #sizeUpdateDue = false;
  // The block that is being decoded.
  #block: Uint8Array = staticBytes;
  #at = 0;
  #end = 0;

  constructor(options: HpackDecoderOptions) {
    this.#maxListBytes = options.maxListBytes;
    this.#maxFields = options.maxFields;
    this.#announcedTableSize = options.maxTableSize;
    // Until our SETTINGS are acknowledged the peer goes by the default, or by what it has just read.
    this.#tableSizeLimit = Math.max(defaultHeaderTableSize, options.maxTableSize);
    this.#table = new DynamicTable(this.#tableSizeLimit, defaultHeaderTableSize);
  }

  /** The size of the dynamic table as it is now, in the sense of RFC 7541 section 4.1. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** The peer has acknowledged the announced table size: from here on it must keep to it. */
  onSettingsAcknowledged(): void {
    this.#tableSizeLimit = this.#announcedTableSize;
    // RFC 9113 section 4.3.1: after a reduction the next block must begin with a size update.
    this.#sizeUpdateDue = this.#table.maxSize > this.#tableSizeLimit;
  }

  /**
   * Decodes one whole header block, `block[start..end)`, to `into`. Gives false when the list exceeds a limit: the
   * compression state is right then, but not all fields are in `into`.
   *
   * @throws HpackError when the block is not valid; the decoder must not be used any more.
   */
  decode(block: Uint8Array, start: number, end: number, into: HeaderScratch): boolean {
    into.reset();
    this.#block = block;
    this.#at = start;
    this.#end = end;
    let listBytes = 0;
    let fits = true;
    this.#readSizeUpdates();
    while (this.#at < end) {
      const first = block[this.#at] as number;
      const nameStart = into.used;
      let nameEnd: number;
      let valueEnd: number;
      if ((first & 0x80) !== 0) {
        const index = this.#readInteger(0x7f);
        const length = this.#entryLength(index);
        listBytes += length + entryOverhead;
        fits &&= listBytes <= this.#maxListBytes && into.count < this.#maxFields;
        if (!fits) continue;
        into.ensure(nameStart + length);
        nameEnd = this.#copyName(index, into.buffer, nameStart);
        valueEnd = this.#copyValue(index, into.buffer, nameEnd);
      } else if ((first & 0xe0) === 0x20) {
        // Section 4.2: only at the beginning of a block.
        throw new HpackError('a dynamic table size update stands between header fields');
      } else {
        const index = this.#readInteger((first & 0x40) === 0 ? 0x0f : 0x3f);
        if (index === 0) nameEnd = this.#readString(into, nameStart);
        else {
          into.ensure(nameStart + this.#entryLength(index));
          nameEnd = this.#copyName(index, into.buffer, nameStart);
        }
        valueEnd = this.#readString(into, nameEnd);
        if ((first & 0x40) !== 0) {
          this.#table.insert(into.buffer, nameStart, nameEnd - nameStart, valueEnd - nameEnd);
        }
        listBytes += valueEnd - nameStart + entryOverhead;
        fits &&= listBytes <= this.#maxListBytes && into.count < this.#maxFields;
        if (!fits) continue;
      }
      into.push(nameStart, nameEnd, valueEnd);
      if ((first & 0xf0) === 0x10) into.neverIndexed[into.count - 1] = 1;
    }
    return fits;
  }

  #readSizeUpdates(): void {
    // Section 4.2: two at most make sense, the smallest and the final size.
    for (let count = 0; this.#at < this.#end && ((this.#block[this.#at] as number) & 0xe0) === 0x20; count++) {
      if (count === 2) throw new HpackError('more than two dynamic table size updates begin a header block');
      const size = this.#readInteger(0x1f);
      if (size > this.#tableSizeLimit) {
        throw new HpackError(`the dynamic table size update to ${size} exceeds the limit of ${this.#tableSizeLimit}`);
      }
      this.#table.setMaxSize(size);
      this.#sizeUpdateDue = false;
    }
    if (this.#sizeUpdateDue) throw new HpackError('the dynamic table size update that our SETTINGS ask for is missing');
  }

  /** Section 5.1; `mask` is the prefix, all ones. */
  #readInteger(mask: number): number {
    let value = (this.#block[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= this.#end) throw new HpackError('the header block ends inside an integer');
      if (shift > maxContinuationShift) throw new HpackError('an integer is too large');
      const byte = this.#block[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  /** Reads a string literal (section 5.2) to `into.buffer` from `at` on; gives its end. */
  #readString(into: HeaderScratch, at: number): number {
    if (this.#at >= this.#end) throw new HpackError('the header block ends before a string');
    const coded = ((this.#block[this.#at] as number) & 0x80) !== 0;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    if (length > this.#end - start) throw new HpackError('the header block ends inside a string');
    this.#at = start + length;
    if (coded) {
      into.ensure(at + huffmanDecodedBound(length));
      const end = huffmanDecode(this.#block, start, start + length, into.buffer, at);
      if (end < 0) throw new HpackError('a Huffman-coded string is not valid');
      return end;
    }
    into.ensure(at + length);
    copyBytes(this.#block, start, start + length, into.buffer, at);
    return at + length;
  }

  #entryLength(index: number): number {
    if (index === 0) throw new HpackError('index 0 is not used');
    if (index <= staticEntryCount) {
      return (staticRanges[index * 3 + 2] as number) - (staticRanges[index * 3] as number);
    }
    const entry = index - staticEntryCount - 1;
    if (entry >= this.#table.count) throw new HpackError(`index ${index} is beyond the dynamic table`);
    return this.#table.nameLength(entry) + this.#table.valueLength(entry);
  }

  #copyName(index: number, target: Uint8Array, at: number): number {
    if (index <= staticEntryCount) {
      const start = staticRanges[index * 3] as number;
      return copyBytes(staticBytes, start, staticRanges[index * 3 + 1] as number, target, at);
    }
    const entry = index - staticEntryCount - 1;
    const start = this.#table.start(entry);
    return copyBytes(this.#table.bytes, start, start + this.#table.nameLength(entry), target, at);
  }

  #copyValue(index: number, target: Uint8Array, at: number): number {
    if (index <= staticEntryCount) {
      const start = staticRanges[index * 3 + 1] as number;
      return copyBytes(staticBytes, start, staticRanges[index * 3 + 2] as number, target, at);
    }
    const entry = index - staticEntryCount - 1;
    const start = this.#table.start(entry) + this.#table.nameLength(entry);
    return copyBytes(this.#table.bytes, start, start + this.#table.valueLength(entry), target, at);
  }
}

/** Names and values are short: a loop is faster than a view and a native call. */
function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start > 256) {
    target.set(source.subarray(start, end), at);
    return at + end - start;
  }
  let out = at;
  for (let i = start; i < end; i++) target[out++] = source[i] as number;
  return out;
}
