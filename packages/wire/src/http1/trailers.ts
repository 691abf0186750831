import { equalsIgnoreCase } from '@tulle/core';
import { ascii } from './characters.ts';
import type { FieldBlock } from './field-block.ts';
import { fieldKind, kindOfName } from './field-block.ts';

/**
 * Fields besides those of {@link fieldKind} that would act on framing, routing, authentication or the reading of the
 * content if somebody merged them into the head (RFC 9110 6.5.1).
 */
const FORBIDDEN: readonly Uint8Array[] = [
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'forwarded',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'set-cookie',
  'trailer',
  'www-authenticate',
].map(ascii);

/** Whether the field named `buffer[start..end)` may not be a trailer. */
export function isForbiddenTrailer(buffer: Uint8Array, start: number, end: number): boolean {
  return kindOfName(buffer, start, end) !== fieldKind.other || isForbiddenName(buffer, start, end);
}

/** Whether a trailer section holds a field that may not be one. */
export function hasForbiddenTrailer(trailers: FieldBlock): boolean {
  const { buffer, count, kinds, ranges } = trailers;
  for (let i = 0; i < count; i++) {
    if (kinds[i] !== fieldKind.other) return true;
    if (isForbiddenName(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number)) return true;
  }
  return false;
}

function isForbiddenName(buffer: Uint8Array, start: number, end: number): boolean {
  for (const name of FORBIDDEN) if (equalsIgnoreCase(buffer, start, end, name)) return true;
  return false;
}
