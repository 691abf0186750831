import { ascii } from './characters.ts';
import { INCOMPLETE, REFUSED } from './start-line.ts';

/** `HTTP/1.1` */
export const VERSION_BYTES = 8;
/** What {@link versionMinorAt} gives for a version that is well formed and not spoken here. */
export const UNSUPPORTED = -3;

const PREFIX = ascii('HTTP/');
const ZERO = 48;
const DOT = 46;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/**
 * The minor version at `start`: 0 or 1, or {@link INCOMPLETE}, {@link REFUSED} where it is not `HTTP/D.D`, or
 * {@link UNSUPPORTED} (RFC 9112 2.3). A minor version above 1 is unsupported, too: no such version exists.
 */
export function versionMinorAt(buffer: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < VERSION_BYTES; i++) {
    if (start + i >= end) return INCOMPLETE;
    const byte = buffer[start + i];
    if (i < 5 ? byte !== PREFIX[i] : i === 6 ? byte !== DOT : !isDigit(byte)) return REFUSED;
  }
  const minor = (buffer[start + 7] as number) - ZERO;
  return buffer[start + 5] === ZERO + 1 && minor <= 1 ? minor : UNSUPPORTED;
}
