import { equalsIgnoreCase } from '@tulle/core';
import { ascii, COMMA, HTAB, SPACE, tokenBytes } from './characters.ts';
import type { Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import { fieldKind } from './field-block.ts';

const CHUNKED = ascii('chunked');
const ZERO = 48;

/** What the framing fields of a message say (RFC 9112 6.3): a length, chunked, or nothing. */
export const framing = { none: -1, chunked: -2 } as const;

/**
 * The length that Content-Length gives, {@link framing} where it is chunked or unsaid, or the rule that was broken.
 * Content-Length together with Transfer-Encoding is refused, for it is how requests are smuggled (RFC 9112 11.2).
 */
export function readFraming(fields: FieldBlock, versionMinor: number): number | Http1Rule {
  const hasLength = fields.has(fieldKind.contentLength);
  if (fields.has(fieldKind.transferEncoding)) {
    if (hasLength) return 'content-length-with-transfer-encoding';
    if (versionMinor === 0) return 'transfer-encoding-in-1.0';
    if (fields.isRepeated(fieldKind.transferEncoding)) return 'transfer-encoding-repeated';
    return readTransferEncoding(fields);
  }
  if (!hasLength) return framing.none;
  if (fields.isRepeated(fieldKind.contentLength)) return 'content-length-repeated';
  return readContentLength(fields);
}

function readContentLength(fields: FieldBlock): number | Http1Rule {
  const index = fields.indexOf(fieldKind.contentLength);
  const start = fields.valueStart(index);
  const end = fields.valueEnd(index);
  if (start === end) return 'content-length-syntax';
  let length = 0;
  let tooLarge = false;
  for (let at = start; at < end; at++) {
    const digit = (fields.buffer[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return 'content-length-syntax';
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) tooLarge = true;
  }
  return tooLarge ? 'content-length-too-large' : length;
}

/** Only `chunked` alone is taken. A list of tokens that ends in one chunked asks for a coding that nobody here knows. */
function readTransferEncoding(fields: FieldBlock): number | Http1Rule {
  const { buffer } = fields;
  const index = fields.indexOf(fieldKind.transferEncoding);
  const start = fields.valueStart(index);
  const end = fields.valueEnd(index);
  if (equalsIgnoreCase(buffer, start, end, CHUNKED)) return framing.chunked;
  let at = start;
  for (;;) {
    while (at < end && (buffer[at] === SPACE || buffer[at] === HTAB)) at++;
    const nameStart = at;
    while (at < end && tokenBytes[buffer[at] as number] !== 0) at++;
    const isChunked = equalsIgnoreCase(buffer, nameStart, at, CHUNKED);
    if (at === nameStart) return 'transfer-encoding-syntax';
    if (at === end) return isChunked ? 'transfer-coding-unknown' : 'transfer-encoding-syntax';
    while (at < end && (buffer[at] === SPACE || buffer[at] === HTAB)) at++;
    if (isChunked || buffer[at] !== COMMA) return 'transfer-encoding-syntax';
    at++;
  }
}
