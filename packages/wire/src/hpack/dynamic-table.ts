/**
 * The dynamic table of RFC 7541 section 2.3.2: newest first, evicted from the oldest end.
 *
 * The bytes of all live entries lie in order in one arena; when its end is reached they move to its front, which
 * happens once for each capacity's worth of insertions. Nothing is allocated for an entry.
 */

/** What an entry counts beside its bytes (section 4.1). */
export const entryOverhead = 32;

const fields = 5;

export class DynamicTable {
  /** The size of section 4.1: bytes and {@link entryOverhead} for each entry. */
  size = 0;
  count = 0;
  maxSize: number;
  readonly #capacity: number;
  #arena: Uint8Array = new Uint8Array(0);
  #arenaEnd = 0;
  /** A ring of (start, name length, value length, name hash, pair hash). */
  #ring: Int32Array = new Int32Array(0);
  #mask = 0;
  /** The ring position after the newest entry; grows for ever, masked at use. */
  #head = 0;

  /** `capacity` is the greatest maximum size that will ever be set; no memory is taken before the first insertion. */
  constructor(capacity: number, maxSize: number) {
    this.#capacity = capacity;
    this.maxSize = maxSize;
  }

  /** The bytes that the positions below mean. Changes at an insertion. */
  get bytes(): Uint8Array {
    return this.#arena;
  }

  /** Where entry `index` (0 is the newest) begins with its name. */
  start(index: number): number {
    return this.#ring[this.#slot(index)] as number;
  }

  nameLength(index: number): number {
    return this.#ring[this.#slot(index) + 1] as number;
  }

  valueLength(index: number): number {
    return this.#ring[this.#slot(index) + 2] as number;
  }

  nameHash(index: number): number {
    return this.#ring[this.#slot(index) + 3] as number;
  }

  pairHash(index: number): number {
    return this.#ring[this.#slot(index) + 4] as number;
  }

  #slot(index: number): number {
    return ((this.#head - 1 - index) & this.#mask) * fields;
  }

  /** Changes the maximum size (at most the capacity) and evicts what no longer fits (section 4.3). */
  setMaxSize(maxSize: number): void {
    this.maxSize = maxSize;
    this.#evictTo(maxSize);
  }

  /**
   * Adds an entry whose value follows its name: `source[start..start+nameLength+valueLength)`; the source may not be
   * the table's own bytes. One that is larger than the table empties it and is not an error (section 4.4).
   */
  insert(source: Uint8Array, start: number, nameLength: number, valueLength: number): void {
    const length = nameLength + valueLength;
    const size = length + entryOverhead;
    if (size > this.maxSize) {
      this.#evictTo(0);
      return;
    }
    this.#evictTo(this.maxSize - size);
    if (this.#ring.length === 0) this.#allocate();
    if (this.#arenaEnd + length > this.#arena.length) this.#compact();
    const at = this.#arenaEnd;
    for (let i = 0; i < length; i++) this.#arena[at + i] = source[start + i] as number;
    this.#arenaEnd = at + length;
    const slot = (this.#head & this.#mask) * fields;
    this.#ring[slot] = at;
    this.#ring[slot + 1] = nameLength;
    this.#ring[slot + 2] = valueLength;
    this.#ring[slot + 3] = 0;
    this.#ring[slot + 4] = 0;
    this.#head = (this.#head + 1) & 0x3fffffff;
    this.count++;
    this.size += size;
  }

  /** Sets the newest entry's hashes; only an encoder searches by them. */
  setHashes(nameHash: number, pairHash: number): void {
    const slot = this.#slot(0);
    this.#ring[slot + 3] = nameHash;
    this.#ring[slot + 4] = pairHash;
  }

  #evictTo(size: number): void {
    while (this.size > size) {
      const slot = this.#slot(this.count - 1);
      this.size -= (this.#ring[slot + 1] as number) + (this.#ring[slot + 2] as number) + entryOverhead;
      this.count--;
    }
    if (this.count === 0) this.#arenaEnd = 0;
  }

  #allocate(): void {
    let slots = 1;
    while (slots < this.#capacity / entryOverhead + 1) slots *= 2;
    this.#mask = slots - 1;
    this.#ring = new Int32Array(slots * fields);
    this.#arena = new Uint8Array(this.#capacity * 2);
  }

  #compact(): void {
    const from = this.count === 0 ? this.#arenaEnd : this.start(this.count - 1);
    this.#arena.copyWithin(0, from, this.#arenaEnd);
    this.#arenaEnd -= from;
    for (let index = 0; index < this.count; index++) {
      const slot = this.#slot(index);
      this.#ring[slot] = (this.#ring[slot] as number) - from;
    }
  }
}
