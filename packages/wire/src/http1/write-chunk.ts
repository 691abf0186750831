import type { ByteWriter } from './byte-writer.ts';
import { ascii } from './characters.ts';

const CRLF = ascii('\r\n');
const LAST_CHUNK = ascii('0\r\n');

/** Writes `buffer[start..end)` as one chunk (RFC 9112 7.1); nothing where it is empty, for that would end the body. */
export function writeChunk(writer: ByteWriter, buffer: Uint8Array, start: number, end: number): void {
  if (end <= start) return;
  writer.writeHexadecimal(end - start);
  writer.writeBytes(CRLF);
  writer.writeRange(buffer, start, end);
  writer.writeBytes(CRLF);
}

/** Writes the end of a chunked body; `trailers` are ready-made lines, `Name: value CRLF` each. */
export function writeLastChunk(writer: ByteWriter, trailers?: Uint8Array): void {
  writer.writeBytes(LAST_CHUNK);
  if (trailers !== undefined) writer.writeBytes(trailers);
  writer.writeBytes(CRLF);
}
