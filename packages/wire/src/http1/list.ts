import { equalsIgnoreCase } from '@tulle/core';
import { COMMA, HTAB, SPACE } from './characters.ts';

const SEMICOLON = 59;

/** Whether the comma-separated list `buffer[start..end)` has a member `lowerName`, without or with parameters. */
export function listHas(buffer: Uint8Array, start: number, end: number, lowerName: Uint8Array): boolean {
  let at = start;
  while (at < end) {
    while (at < end && (buffer[at] === COMMA || buffer[at] === SPACE || buffer[at] === HTAB)) at++;
    const name = at;
    while (at < end && !isEndOfName(buffer[at] as number)) at++;
    if (equalsIgnoreCase(buffer, name, at, lowerName)) return true;
    while (at < end && buffer[at] !== COMMA) at++;
  }
  return false;
}

function isEndOfName(byte: number): boolean {
  return byte === COMMA || byte === SEMICOLON || byte === SPACE || byte === HTAB;
}
