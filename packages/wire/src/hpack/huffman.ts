/**
 * The Huffman code of RFC 7541 appendix B. The code is canonical: the lengths alone define it.
 * Decoding goes by half bytes through a state table, so that no bit is looked at alone.
 */

/** The code length in bits of each of the 256 byte values; EOS, the last symbol, has 30. */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const eosSymbol = 256;

const lengthOf: Uint8Array = Uint8Array.from(codeLengths);
const codeOf: Uint32Array = buildCodes();

function buildCodes(): Uint32Array {
  const codes = new Uint32Array(codeLengths.length);
  const order = codeLengths.map((_, symbol) => symbol);
  order.sort((a, b) => (lengthOf[a] as number) - (lengthOf[b] as number) || a - b);
  let code = 0;
  let length = lengthOf[order[0] as number] as number;
  for (const symbol of order) {
    const next = lengthOf[symbol] as number;
    code <<= next - length;
    length = next;
    codes[symbol] = code++;
  }
  return codes;
}

// One transition: the next state in the low 8 bits, these flags above, the emitted byte from bit 16 on.
const emits = 1 << 8;
const fails = 1 << 9;
const mayEnd = 1 << 10;

/** `transitions[state * 16 + half byte]`. State 0 is the root; the others are the inner nodes of the code's tree. */
const transitions: Int32Array = buildTransitions();

function buildTransitions(): Int32Array {
  // children[2 * node + bit]: an inner node's number, or -1 - symbol for a leaf.
  const children: number[] = [0, 0];
  for (let symbol = 0; symbol < codeLengths.length; symbol++) {
    let node = 0;
    for (let bit = (lengthOf[symbol] as number) - 1; bit >= 0; bit--) {
      const slot = 2 * node + (((codeOf[symbol] as number) >>> bit) & 1);
      if (bit === 0) children[slot] = -1 - symbol;
      else {
        if (children[slot] === 0) {
          children[slot] = children.length / 2;
          children.push(0, 0);
        }
        node = children[slot] as number;
      }
    }
  }
  const table = new Int32Array((children.length / 2) * 16);
  const endable = new Set<number>([0]);
  // Section 5.2: padding is at most 7 bits, all of them the beginning of EOS, that is, ones.
  for (let depth = 1, node = children[1] as number; depth <= 7; depth++, node = children[2 * node + 1] as number) {
    endable.add(node);
  }
  for (let state = 0; state < children.length / 2; state++) {
    for (let half = 0; half < 16; half++) {
      let node = state;
      let entry = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const child = children[2 * node + ((half >> bit) & 1)] as number;
        if (child >= 0) node = child;
        else {
          const symbol = -1 - child;
          // Section 5.2: a string that contains EOS is a decoding error.
          if (symbol === eosSymbol) entry |= fails;
          else entry |= emits | (symbol << 16);
          node = 0;
        }
      }
      table[state * 16 + half] = entry | node | (endable.has(node) ? mayEnd : 0);
    }
  }
  return table;
}

/** How many bytes `length` encoded bytes may become at most: the shortest code has 5 bits. */
export function huffmanDecodedBound(length: number): number {
  return ((length * 8) / 5) | 0;
}

/**
 * Decodes `source[start..end)` to `target` from `at` on, where {@link huffmanDecodedBound} bytes must be free.
 * Gives the end of what was written, or -1 when the padding is wrong or EOS occurs (section 5.2).
 */
export function huffmanDecode(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let entry = mayEnd;
  let out = at;
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    entry = transitions[((entry & 255) << 4) | (byte >> 4)] as number;
    if ((entry & emits) !== 0) target[out++] = entry >> 16;
    if ((entry & fails) !== 0) return -1;
    entry = transitions[((entry & 255) << 4) | (byte & 15)] as number;
    if ((entry & emits) !== 0) target[out++] = entry >> 16;
    if ((entry & fails) !== 0) return -1;
  }
  return (entry & mayEnd) === 0 ? -1 : out;
}

/** How many bytes `source[start..end)` takes when encoded. */
export function huffmanEncodedLength(source: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let i = start; i < end; i++) bits += lengthOf[source[i] as number] as number;
  return Math.ceil(bits / 8);
}

/** Encodes `source[start..end)` to `target` from `at` on, padded with ones; gives the end of what was written. */
export function huffmanEncode(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let pending = 0;
  let bits = 0;
  let out = at;
  for (let i = start; i < end; i++) {
    const symbol = source[i] as number;
    const code = codeOf[symbol] as number;
    let length = lengthOf[symbol] as number;
    // At most 7 bits are pending: a longer code goes in two steps, so that all fits in 31 bits.
    if (length > 24) {
      pending = (pending << (length - 16)) | (code >>> 16);
      bits += length - 16;
      while (bits >= 8) target[out++] = (pending >> (bits -= 8)) & 255;
      pending &= (1 << bits) - 1;
      length = 16;
    }
    pending = (pending << length) | (length === 16 ? code & 0xffff : code);
    bits += length;
    while (bits >= 8) target[out++] = (pending >> (bits -= 8)) & 255;
    pending &= (1 << bits) - 1;
  }
  if (bits > 0) target[out++] = (pending << (8 - bits)) | (255 >> bits);
  return out;
}
