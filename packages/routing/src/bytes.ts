import { equalsBytes } from '@tulle/core';

/** The first value of {@link hashByte}'s chain (FNV-1a, 32 bits). */
export const hashStart = 0x811c9dc5 | 0;

/** The hash of what was hashed before followed by `byte`; so every prefix of a path has its hash on the way. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** The hash of all of `bytes`. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = hashStart;
  for (let i = 0; i < bytes.length; i++) hash = hashByte(hash, bytes[i] as number);
  return hash;
}

/** The bytes of `text` in UTF-8. */
export function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/** The bytes of `text` with ASCII letters in lower case: how header names are compared. */
export function lowerBytes(text: string): Buffer {
  return Buffer.from(text.toLowerCase(), 'utf8');
}

/** `buffer[start..end)` as a string; for the few places that need one (regular expressions, origins). */
export function textOf(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8');
}

/** Copies `from[start..end)` into `into` at `at`; gives the place behind it. A loop: `set` would make a view. */
export function copyBytes(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): number {
  let to = at;
  for (let i = start; i < end; i++) into[to++] = from[i] as number;
  return to;
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * The byte that `buffer[at]` stands for when percent-encoding is undone (RFC 3986 section 2.1): for a valid `%XX` its
 * byte plus 256, so that the caller knows to step over three; for anything else the byte itself.
 */
export function decodedByte(buffer: Uint8Array, at: number, end: number): number {
  const byte = buffer[at] as number;
  if (byte !== 37 || at + 2 >= end) return byte;
  const high = hexDigit(buffer[at + 1]);
  const low = hexDigit(buffer[at + 2]);
  return high < 0 || low < 0 ? byte : 256 + high * 16 + low;
}

/** Whether `buffer[start..end)` with percent-encoding undone equals `wanted`. */
export function equalsDecoded(buffer: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  let at = start;
  for (let i = 0; i < wanted.length; i++) {
    if (at >= end) return false;
    const byte = decodedByte(buffer, at, end);
    if ((byte & 255) !== wanted[i]) return false;
    at += byte > 255 ? 3 : 1;
  }
  return at === end;
}

/** `buffer[start..end)` with percent-encoding undone, as a string. */
export function decodedText(buffer: Uint8Array, start: number, end: number): string {
  const decoded = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end;) {
    const byte = decodedByte(buffer, at, end);
    decoded[length++] = byte & 255;
    at += byte > 255 ? 3 : 1;
  }
  return decoded.toString('utf8', 0, length);
}

/** Byte strings with an index each, found by hash and compared in full: a map whose keys are ranges of a buffer. */
export class ByteIndex {
  private readonly buckets = new Map<number, number[]>();
  readonly keys: Uint8Array[] = [];

  /** The index of `key`, which is added if it is new. */
  add(key: Uint8Array): number {
    const hash = hashBytes(key);
    const bucket = this.buckets.get(hash);
    const found = bucket?.find((i) => equalsBytes(key, 0, key.length, this.keys[i] as Uint8Array));
    if (found !== undefined) return found;
    const index = this.keys.push(key) - 1;
    if (bucket === undefined) this.buckets.set(hash, [index]);
    else bucket.push(index);
    return index;
  }

  /** The index of `buffer[start..end)`, whose hash is `hash`, or -1. */
  find(hash: number, buffer: Uint8Array, start: number, end: number): number {
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) return -1;
    for (let i = 0; i < bucket.length; i++) {
      const index = bucket[i] as number;
      if (equalsBytes(buffer, start, end, this.keys[index] as Uint8Array)) return index;
    }
    return -1;
  }

  /** The indices whose key may have `hash`; empty when there is none. The caller compares. */
  candidates(hash: number): readonly number[] | undefined {
    return this.buckets.get(hash);
  }
}
