import type { HeaderBlock } from '@tulle/core';
import { DynamicTable, entryOverhead } from './dynamic-table.ts';
import { defaultHeaderTableSize } from './decoder.ts';
import { huffmanEncode, huffmanEncodedLength } from './huffman.ts';
import { findStaticName, findStaticValue, hashBytes, hashSeed, staticEntryCount } from './static-table.ts';

/**
 * How a field may be sent: `auto` may enter the dynamic table; `literal` never does; `never` says so on the wire, too,
 * so that no intermediary indexes it either (RFC 7541 section 6.2.3).
 */
export type FieldIndexing = 'auto' | 'literal' | 'never';

/** A field as strings of bytes (latin1), for lists that are encoded once. */
export type HeaderField = readonly [name: string, value: string, indexing?: FieldIndexing];

/** What {@link HpackEncoder} does beyond literals and the static table. */
export interface HpackEncoderOptions {
  /**
   * The dynamic table's size in bytes; 0, the default, encodes without state: blocks may then be made once, sent on any
   * connection and in any order.
   */
  readonly tableSize?: number;
  /** Huffman-code a string where that is shorter; true by default. */
  readonly huffman?: boolean;
}

/** Secrets: guessing one by the size of compressed blocks must not work (RFC 7541 section 7.1). */
const sensitiveNames: readonly string[] = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie'];
/** These change with nearly each message: indexing them would only push out better entries. */
const volatileNames: readonly string[] = [
  ':path',
  'age',
  'content-length',
  'etag',
  'if-modified-since',
  'if-none-match',
  'location',
];

const indexingByStaticName: readonly (FieldIndexing | undefined)[] = buildIndexing();

function buildIndexing(): (FieldIndexing | undefined)[] {
  const rules = Array.from<FieldIndexing | undefined>({ length: staticEntryCount + 1 });
  const set = (name: string, indexing: FieldIndexing) => {
    const bytes = Buffer.from(name, 'latin1');
    rules[findStaticName(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length))] = indexing;
  };
  for (const name of sensitiveNames) set(name, 'never');
  for (const name of volatileNames) set(name, 'literal');
  return rules;
}

/** Encodes a constant list once, without state: the result may be sent on any connection, any number of times. */
export function encodeHeaderList(fields: Iterable<HeaderField>): Buffer {
  const encoder = new HpackEncoder();
  encoder.begin();
  for (const [name, value, indexing] of fields) encoder.add(name, value, indexing);
  return Buffer.from(encoder.finish());
}

/**
 * Encodes header blocks (RFC 7541): `begin`, any number of `add…`, `finish`. Names are written in lower case.
 * Authorization, cookies and the like are always sent as never indexed.
 *
 * With a dynamic table it belongs to one direction of one connection, its blocks must be sent in the order in which
 * they were encoded, and the bytes of {@link takeTableSizeUpdate} must precede the next block; `Http2Connection` sees
 * to that for its own `encoder`.
 */
export class HpackEncoder {
  readonly #table: DynamicTable | undefined;
  readonly #wishedTableSize: number;
  readonly #huffman: boolean;
  #out: Buffer = Buffer.allocUnsafeSlow(256);
  #length = 0;
  /** Name and value of the field at hand, the name in lower case. */
  #field: Buffer = Buffer.allocUnsafeSlow(256);
  /** The size that the next block must announce, or -1; and the smallest size since the last announcement. */
  #updateTo = -1;
  #smallestSize = Infinity;
  #announcedZero = false;

  constructor(options: HpackEncoderOptions = {}) {
    this.#wishedTableSize = options.tableSize ?? 0;
    this.#huffman = options.huffman ?? true;
    if (this.#wishedTableSize > 0) {
      this.#table = new DynamicTable(this.#wishedTableSize, Math.min(this.#wishedTableSize, defaultHeaderTableSize));
      // The peer's table has the default size: say so when ours is smaller.
      if (this.#wishedTableSize < defaultHeaderTableSize) this.#updateTo = this.#wishedTableSize;
    }
  }

  /** Begins a block and drops what was not finished. */
  begin(): void {
    this.#length = 0;
  }

  /** Adds a field from strings of bytes (latin1). For constant lists and tests: it copies both. */
  add(name: string, value: string, indexing: FieldIndexing = 'auto'): void {
    this.#ensureField(name.length + value.length);
    this.#field.write(name, 0, name.length, 'latin1');
    this.#field.write(value, name.length, value.length, 'latin1');
    this.addRange(this.#field, 0, name.length, name.length, name.length + value.length, indexing);
  }

  /** Adds the field with its name at `buffer[nameStart..nameEnd)` and its value at `[valueStart..valueEnd)`. */
  // oxlint-disable-next-line max-params -- ranges of one buffer are how header blocks are passed everywhere
  addRange(
    buffer: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    indexing: FieldIndexing = 'auto',
  ): void {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    this.#ensureField(nameLength + valueLength);
    this.#ensureOut(nameLength + valueLength + 24);
    const field = this.#field;
    let nameHash = hashSeed;
    for (let i = 0; i < nameLength; i++) {
      let byte = buffer[nameStart + i] as number;
      if (byte >= 65 && byte <= 90) byte |= 32;
      field[i] = byte;
      nameHash = Math.imul(nameHash ^ byte, 0x01000193);
    }
    if (field !== buffer || nameLength !== valueStart) {
      for (let i = 0; i < valueLength; i++) field[nameLength + i] = buffer[valueStart + i] as number;
    }
    this.#encodeField(nameLength, nameLength + valueLength, nameHash, indexing);
  }

  /** Adds a name and a value that lie in buffers of their own. */
  addBytes(name: Uint8Array, value: Uint8Array, indexing: FieldIndexing = 'auto'): void {
    this.#ensureField(name.length + value.length);
    this.#field.set(name, 0);
    this.#field.set(value, name.length);
    this.addRange(this.#field, 0, name.length, name.length, name.length + value.length, indexing);
  }

  /** Adds field `index` of a block. */
  addField(block: HeaderBlock, index: number, indexing: FieldIndexing = 'auto'): void {
    const { ranges } = block;
    const at = index * 4;
    this.addRange(
      block.buffer,
      ranges[at] as number,
      ranges[at + 1] as number,
      ranges[at + 2] as number,
      ranges[at + 3] as number,
      indexing,
    );
  }

  /** The block's bytes: valid until the next `begin`. */
  finish(): Buffer {
    return this.#out.subarray(0, this.#length);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE: our table will not be larger, and the next block must say so. */
  setPeerTableSize(peerSize: number): void {
    const table = this.#table;
    if (table === undefined) {
      // RFC 9113 section 4.3.1: a reduction must be answered by an update, even by who has no table: to 0, once.
      if (peerSize >= defaultHeaderTableSize || this.#announcedZero) return;
      this.#announcedZero = true;
      this.#updateTo = 0;
      return;
    }
    const size = Math.min(this.#wishedTableSize, peerSize);
    if (size === table.maxSize) return;
    table.setMaxSize(size);
    this.#smallestSize = Math.min(this.#smallestSize, size);
    this.#updateTo = size;
  }

  /**
   * The size updates (RFC 7541 section 6.3) that must precede the next block on the wire, or undefined. What was given
   * once is not given again.
   */
  takeTableSizeUpdate(): Buffer | undefined {
    if (this.#updateTo < 0) return undefined;
    const scratch = Buffer.allocUnsafe(16);
    let length = 0;
    if (this.#smallestSize < this.#updateTo) {
      length = writeInteger(scratch, length, 0x20, 0x1f, this.#smallestSize);
    }
    length = writeInteger(scratch, length, 0x20, 0x1f, this.#updateTo);
    this.#updateTo = -1;
    this.#smallestSize = Infinity;
    return scratch.subarray(0, length);
  }

  /** Encodes the field at hand: the name is `#field[0..nameLength)`, the value follows up to `length`. */
  #encodeField(nameLength: number, length: number, nameHash: number, wished: FieldIndexing): void {
    const field = this.#field;
    const staticName = findStaticName(field, 0, nameLength, nameHash);
    const rule = indexingByStaticName[staticName];
    const indexing = wished === 'never' || rule === 'never' ? 'never' : (rule ?? wished);
    if (indexing !== 'never' && staticName !== 0) {
      const whole = findStaticValue(staticName, field, nameLength, length);
      if (whole !== 0) {
        this.#length = writeInteger(this.#out, this.#length, 0x80, 0x7f, whole);
        return;
      }
    }
    const table = this.#table;
    if (table === undefined || indexing === 'never') {
      this.#writeLiteral(indexing === 'never' ? 0x10 : 0, 0x0f, staticName, nameLength, length);
      return;
    }
    const pairHash = hashBytes(field, nameLength, length, nameHash);
    let name = staticName;
    for (let i = 0; i < table.count; i++) {
      if (table.pairHash(i) === pairHash && this.#equalsEntry(table, i, nameLength, length)) {
        this.#length = writeInteger(this.#out, this.#length, 0x80, 0x7f, staticEntryCount + 1 + i);
        return;
      }
      if (name === 0 && table.nameHash(i) === nameHash && this.#equalsEntry(table, i, nameLength, -1)) {
        name = staticEntryCount + 1 + i;
      }
    }
    // A large entry would push out most of the others.
    if (indexing === 'literal' || length + entryOverhead > (table.maxSize * 3) / 4) {
      this.#writeLiteral(0, 0x0f, name, nameLength, length);
      return;
    }
    this.#writeLiteral(0x40, 0x3f, name, nameLength, length);
    table.insert(field, 0, nameLength, length - nameLength);
    table.setHashes(nameHash, pairHash);
  }

  #equalsEntry(table: DynamicTable, index: number, nameLength: number, length: number): boolean {
    if (table.nameLength(index) !== nameLength) return false;
    if (length >= 0 && table.valueLength(index) !== length - nameLength) return false;
    const start = table.start(index);
    const compared = length >= 0 ? length : nameLength;
    for (let i = 0; i < compared; i++) if (table.bytes[start + i] !== this.#field[i]) return false;
    return true;
  }

  #writeLiteral(pattern: number, mask: number, name: number, nameLength: number, length: number): void {
    this.#length = writeInteger(this.#out, this.#length, pattern, mask, name);
    if (name === 0) this.#writeString(0, nameLength);
    this.#writeString(nameLength, length);
  }

  #writeString(start: number, end: number): void {
    const out = this.#out;
    const plain = end - start;
    const coded = this.#huffman ? huffmanEncodedLength(this.#field, start, end) : plain;
    if (coded < plain) {
      this.#length = writeInteger(out, this.#length, 0x80, 0x7f, coded);
      this.#length = huffmanEncode(this.#field, start, end, out, this.#length);
      return;
    }
    let at = writeInteger(out, this.#length, 0, 0x7f, plain);
    for (let i = start; i < end; i++) out[at++] = this.#field[i] as number;
    this.#length = at;
  }

  #ensureField(length: number): void {
    if (length <= this.#field.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#field.length * 2));
    this.#field.copy(larger);
    this.#field = larger;
  }

  #ensureOut(more: number): void {
    if (this.#length + more <= this.#out.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + more, this.#out.length * 2));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}

/** Writes an integer behind a pattern (section 5.1); `mask` is the prefix, all ones. Gives the end. */
function writeInteger(out: Uint8Array, at: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | mask;
  let rest = value - mask;
  while (rest >= 128) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}
