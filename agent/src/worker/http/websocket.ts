import { createHash, randomBytes } from 'node:crypto';
import { equalsIgnoreCase, findHeader } from '@tulle/core';
import type { HeaderBlock } from '@tulle/core';

const websocketName = Buffer.from('websocket');
/** Fields of the handshake of RFC 6455 that extended CONNECT does without (RFC 8441 section 5). */
export const websocketKeyName: Buffer = Buffer.from('sec-websocket-key');
export const websocketAcceptName: Buffer = Buffer.from('sec-websocket-accept');

/** Whether `buffer[start..end)` names the WebSocket protocol, in any case. */
export function isWebSocket(buffer: Uint8Array, start: number, end: number): boolean {
  return equalsIgnoreCase(buffer, start, end, websocketName);
}

/** A key for a handshake that the mesh begins (RFC 6455 section 4.1). */
export function newWebSocketKey(): string {
  return randomBytes(16).toString('base64');
}

/** What the server must answer to a key (RFC 6455 section 4.2.2). */
export function websocketAccept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** The value of the first field of a name, as text; undefined where there is none. */
export function fieldText(fields: HeaderBlock, lowerName: Uint8Array): string | undefined {
  const at = findHeader(fields, lowerName) * 4;
  if (at < 0) return undefined;
  const { buffer, ranges } = fields;
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).toString(
    'latin1',
    ranges[at + 2] as number,
    ranges[at + 3] as number,
  );
}
