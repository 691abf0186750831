import { equalsIgnoreCase } from '@tulle/core';
import { ascii, COMMA, HTAB, SPACE, tokenBytes } from './characters.ts';
import type { Http1Rule } from './failure.ts';
import type { FieldBlock } from './field-block.ts';
import { fieldKind, hopByHopFlag, kindOfName } from './field-block.ts';
import { sameIgnoreCase } from './host.ts';

/** Bits that {@link readConnectionOptions} gives. */
export const connectionOption = { close: 1, keepAlive: 2, upgrade: 4 } as const;

const CLOSE = ascii('close');
/** Each other option is looked up among all fields, so there may not be many. */
const MAX_OPTIONS = 32;

/** Dropping one of these because Connection names it would change what the message means or where it ends. */
const NOT_NOMINATED =
  (1 << fieldKind.host) | (1 << fieldKind.contentLength) | (1 << fieldKind.transferEncoding) | (1 << fieldKind.expect);

/**
 * Reads all Connection fields: gives the bits of {@link connectionOption}, and flags the fields that they name as
 * hop-by-hop (RFC 9110 7.6.1). Gives the rule that was broken where they are no lists of tokens.
 */
export function readConnectionOptions(fields: FieldBlock): number | Http1Rule {
  const { buffer, count, kinds } = fields;
  let options = 0;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    if (kinds[i] !== fieldKind.connection) continue;
    const end = fields.valueEnd(i);
    let at = fields.valueStart(i);
    while (at < end) {
      const byte = buffer[at] as number;
      if (byte === COMMA || byte === SPACE || byte === HTAB) {
        at++;
        continue;
      }
      const start = at;
      while (at < end && tokenBytes[buffer[at] as number] !== 0) at++;
      if (at === start) return 'connection-syntax';
      if (!endsListMember(buffer, at, end)) return 'connection-syntax';
      if (++seen > MAX_OPTIONS) return 'connection-options';
      const kind = kindOfName(buffer, start, at);
      if (kind === fieldKind.upgrade) options |= connectionOption.upgrade;
      else if (kind === fieldKind.keepAlive) options |= connectionOption.keepAlive;
      else if (kind !== fieldKind.other) {
        if ((NOT_NOMINATED & (1 << kind)) !== 0) return 'connection-nominates';
      } else if (equalsIgnoreCase(buffer, start, at, CLOSE)) options |= connectionOption.close;
      else nominate(fields, start, at);
    }
  }
  return options;
}

/** Whether only whitespace stands between `at` and the next comma or the end. */
function endsListMember(buffer: Uint8Array, at: number, end: number): boolean {
  let next = at;
  while (next < end && (buffer[next] === SPACE || buffer[next] === HTAB)) next++;
  return next === end || buffer[next] === COMMA;
}

function nominate(fields: FieldBlock, start: number, end: number): void {
  const { buffer, count, flags, ranges } = fields;
  for (let i = 0; i < count; i++) {
    if (sameIgnoreCase(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number, start, end)) {
      flags[i] = hopByHopFlag;
    }
  }
}
