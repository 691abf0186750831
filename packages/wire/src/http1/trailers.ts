import { equalsIgnoreCase } from '@tulle/core';
import { ascii } from './characters.ts';
import type { FieldBlock } from './field-block.ts';
import { fieldKind } from './field-block.ts';

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

/** Whether a trailer section holds a field that may not be one. */
export function hasForbiddenTrailer(trailers: FieldBlock): boolean {
  const { buffer, count, kinds, ranges } = trailers;
  for (let i = 0; i < count; i++) {
    if (kinds[i] !== fieldKind.other) return true;
    for (const name of FORBIDDEN) {
      if (equalsIgnoreCase(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number, name)) return true;
    }
  }
  return false;
}
