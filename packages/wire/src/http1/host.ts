import { COLON, hexValues, hostBytes } from './characters.ts';

const PERCENT = 37;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const DOT = 46;
const ZERO = 48;

/**
 * Whether `buffer[start..end)` is `host [":" port]` with a host that is not empty (RFC 3986 3.2.2): a name, an IPv4
 * address or an IPv6 address in brackets. User information is refused, and so are a port that is empty or above 65535,
 * IPvFuture and zone identifiers, although RFC 3986 knows them: no Service can be named so.
 */
export function isAuthority(buffer: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (buffer[start] === OPEN_BRACKET) {
    at = endOfAddress(buffer, start + 1, end);
  } else {
    for (; at < end && buffer[at] !== COLON; at++) {
      const byte = buffer[at] as number;
      if (hostBytes[byte] !== 0) continue;
      if (byte !== PERCENT || at + 2 >= end) return false;
      if (hexValues[buffer[at + 1] as number] === 255 || hexValues[buffer[at + 2] as number] === 255) return false;
      at += 2;
    }
  }
  if (at <= start) return false;
  return at === end || isPort(buffer, at, end);
}

/** The offset behind the `]`, or 0 where `buffer[start..)` is not made of the bytes of an IPv6 address. */
function endOfAddress(buffer: Uint8Array, start: number, end: number): number {
  let colons = 0;
  for (let at = start; at < end && at - start < 46; at++) {
    const byte = buffer[at] as number;
    if (byte === CLOSE_BRACKET) return colons >= 2 ? at + 1 : 0;
    if (byte === COLON) colons++;
    else if (byte !== DOT && hexValues[byte] === 255) return 0;
  }
  return 0;
}

function isPort(buffer: Uint8Array, start: number, end: number): boolean {
  if (buffer[start] !== COLON || end - start < 2 || end - start > 6) return false;
  let port = 0;
  for (let at = start + 1; at < end; at++) {
    const digit = (buffer[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65535;
}

/** The end of `buffer[start..end)` without a `:80` at its end, which an http authority may leave out. */
export function endWithoutDefaultPort(buffer: Uint8Array, start: number, end: number): number {
  const colon = end - 3;
  return colon > start && buffer[colon] === COLON && buffer[colon + 1] === 56 && buffer[colon + 2] === ZERO
    ? colon
    : end;
}

/** Whether two ranges of one buffer are equal, upper and lower case letters being equal. */
export function sameIgnoreCase(buffer: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = aEnd - a;
  if (length !== bEnd - b) return false;
  for (let i = 0; i < length; i++) {
    if (lower(buffer[a + i] as number) !== lower(buffer[b + i] as number)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}
