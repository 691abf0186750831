/**
 * A list of header fields as byte ranges of one buffer: what the codecs of every HTTP version produce, what routing
 * matches on, and what the codecs write from. Nothing in it is a string, so that nothing is copied that is not asked for.
 *
 * Field `i` has its name at `ranges[4*i] .. ranges[4*i+1]` and its value at `ranges[4*i+2] .. ranges[4*i+3]` of
 * `buffer` (ends are exclusive). Names keep the case that came; compare them with {@link equalsIgnoreCase}.
 * The ranges are valid until the owner of the block reuses it, which its codec documents.
 */
export interface HeaderBlock {
  readonly buffer: Uint8Array;
  readonly count: number;
  readonly ranges: Int32Array;
}

/** A request's head, whatever its HTTP version: the parts that routing reads, as ranges of `headers.buffer`. */
export interface RequestHead {
  readonly headers: HeaderBlock;
  readonly methodStart: number;
  readonly methodEnd: number;
  /** The path of the target, without query: for `*` and authority forms it is empty. */
  readonly pathStart: number;
  readonly pathEnd: number;
  /** What follows the `?`; -1 for both when there is no `?`. */
  readonly queryStart: number;
  readonly queryEnd: number;
  /** Host header or :authority, with its port if it has one. Start equals end when there is none. */
  readonly authorityStart: number;
  readonly authorityEnd: number;
}

/** Whether `buffer[start..end)` equals `lower` (ASCII lower case bytes), upper and lower case letters being equal. */
export function equalsIgnoreCase(buffer: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  const length = end - start;
  if (length !== lower.length) return false;
  for (let i = 0; i < length; i++) {
    let byte = buffer[start + i] as number;
    if (byte >= 65 && byte <= 90) byte |= 32;
    if (byte !== lower[i]) return false;
  }
  return true;
}

/** Whether `buffer[start..end)` equals `wanted` byte by byte. */
export function equalsBytes(buffer: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const length = end - start;
  if (length !== wanted.length) return false;
  for (let i = 0; i < length; i++) if (buffer[start + i] !== wanted[i]) return false;
  return true;
}

/** The index of the first field named `lowerName` (ASCII lower case) at or after field `from`, or -1. */
export function findHeader(block: HeaderBlock, lowerName: Uint8Array, from = 0): number {
  const { buffer, count, ranges } = block;
  for (let i = from; i < count; i++) {
    const at = i * 4;
    if (equalsIgnoreCase(buffer, ranges[at] as number, ranges[at + 1] as number, lowerName)) return i;
  }
  return -1;
}
