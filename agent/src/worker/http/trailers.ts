import type { HeaderBlock } from '@tulle/core';
import { isForbiddenTrailer } from '@tulle/wire';
import type { HpackEncoder } from '@tulle/wire';
import type { HttpVersion } from './sides.ts';

const underscore = 95;

/** Encodes trailers for a version, in a buffer of their own. In HTTP/1.1 those that may not be there are left out. */
export function encodeTrailers(
  { encoder }: { readonly encoder: HpackEncoder },
  version: HttpVersion,
  fields: HeaderBlock,
): Buffer {
  if (version === 1) return Buffer.from(trailerLines(fields), 'latin1');
  encoder.begin();
  for (let i = 0; i < fields.count; i++) encoder.addField(fields, i);
  return Buffer.from(encoder.finish());
}

/** Trailers as lines of HTTP/1.1. */
function trailerLines({ buffer, count, ranges }: HeaderBlock): string {
  const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length);
  let lines = '';
  for (let i = 0; i < count; i++) {
    const start = ranges[i * 4] as number;
    const end = ranges[i * 4 + 1] as number;
    if (isForbiddenTrailer(buffer, start, end) || buffer.subarray(start, end).includes(underscore)) continue;
    const value = bytes.toString('latin1', ranges[i * 4 + 2] as number, ranges[i * 4 + 3] as number);
    lines += `${bytes.toString('latin1', start, end)}: ${value}\r\n`;
  }
  return lines;
}
