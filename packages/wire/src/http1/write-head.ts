import { equalsIgnoreCase } from '@tulle/core';
import type { ByteWriter } from './byte-writer.ts';
import { ascii, SPACE } from './characters.ts';
import type { FieldBlock } from './field-block.ts';
import { fieldKind, hopByHopFlag } from './field-block.ts';
import type { Http1RequestHead } from './request-head.ts';
import type { Http1ResponseHead } from './response-head.ts';

/** What a head gets on its way besides losing its hop-by-hop fields. An object of it can be reused. */
export interface HeadEdits {
  /** Names, in lower case, of fields that are left out. */
  readonly dropNames?: readonly Uint8Array[] | undefined;
  /** Ready-made lines, `Name: value CRLF` each, that are added after the message's own. */
  readonly append?: Uint8Array | undefined;
  /** What Connection says. By default nothing, which in HTTP/1.1 means that the connection stays. */
  readonly connection?: 'keep-alive' | 'close' | undefined;
  /** Leaves out Content-Length and Transfer-Encoding: the body goes out with other framing than it came with. */
  readonly dropFraming?: boolean | undefined;
}

/** What a request's head gets on its way. */
export interface RequestHeadEdits extends HeadEdits {
  /** Replaces the request target; in origin form, without spaces. */
  readonly target?: Uint8Array | undefined;
  /** Replaces the Host field's value, or is it where there is no Host. */
  readonly host?: Uint8Array | undefined;
}

const NO_EDITS: RequestHeadEdits = {};
const VERSION_LINE_END = ascii(' HTTP/1.1\r\n');
const STATUS_LINE_START = ascii('HTTP/1.1 ');
const CRLF = ascii('\r\n');
const HOST = ascii('host: ');
const UPGRADE = ascii('upgrade: ');
const KEEP_ALIVE_LINE = ascii('connection: keep-alive\r\n');
const CLOSE_LINE = ascii('connection: close\r\n');
const CLOSE_TE_LINES = ascii('connection: close, te\r\nte: trailers\r\n');
const TE_LINES = ascii('connection: te\r\nte: trailers\r\n');
const UPGRADE_LINE = ascii('connection: upgrade\r\n');
const UPGRADE_TE_LINES = ascii('connection: upgrade, te\r\nte: trailers\r\n');
const QUESTION_MARK = 63;

/**
 * Writes the head of a request as it is forwarded: HTTP/1.1 whatever came, an absolute target in origin form,
 * hop-by-hop fields left out, Connection and Upgrade written anew where the request asks for an upgrade, and
 * `TE: trailers` where the client accepts trailers. A request without Host gets `edits.host`, else the authority of
 * its target, else an empty one (RFC 9112 3.2).
 */
export function writeRequestHead(writer: ByteWriter, head: Http1RequestHead, edits: RequestHeadEdits = NO_EDITS): void {
  const { headers } = head;
  const { buffer } = headers;
  let from = head.methodStart;
  if (edits.target !== undefined || head.targetForm === 'absolute' || head.versionMinor === 0) {
    writer.writeRange(buffer, head.methodStart, head.methodEnd + 1);
    if (edits.target === undefined) writeTarget(writer, head);
    else writer.writeBytes(edits.target);
    writer.writeBytes(VERSION_LINE_END);
    from = firstLine(headers, head.fieldsEnd);
  }
  const { host } = edits;
  writeFields(writer, headers, from, head.fieldsEnd, edits, host);
  if (!head.hasHost) {
    writer.writeBytes(HOST);
    if (host === undefined) writer.writeRange(buffer, head.authorityStart, head.authorityEnd);
    else writer.writeBytes(host);
    writer.writeBytes(CRLF);
  }
  if (head.upgrade) {
    writer.writeBytes(head.acceptsTrailers ? UPGRADE_TE_LINES : UPGRADE_LINE);
    writeUpgrade(writer, buffer, head.upgradeStart, head.upgradeEnd);
  } else if (head.acceptsTrailers) writer.writeBytes(edits.connection === 'close' ? CLOSE_TE_LINES : TE_LINES);
  else writeConnection(writer, edits);
  writeEnd(writer, edits);
}

/**
 * Writes the head of a response as it is forwarded: HTTP/1.1 whatever came (RFC 9112 2.3 lets a server answer a 1.0
 * client so), hop-by-hop fields left out, Connection and Upgrade written anew for 101 and 426.
 *
 * What a 1.0 client understands is the caller's matter, see {@link needsUnframedBody}: such a client gets no 1xx, no
 * chunked body, and `connection: keep-alive` in words where the connection stays.
 */
export function writeResponseHead(writer: ByteWriter, head: Http1ResponseHead, edits: HeadEdits = NO_EDITS): void {
  const { headers } = head;
  const { buffer } = headers;
  writer.writeBytes(STATUS_LINE_START);
  let from = head.statusStart;
  if (head.reasonStart === head.statusStart + 3) {
    // The server left out the space before an empty reason.
    writer.writeRange(buffer, from, head.reasonStart);
    writer.writeByte(SPACE);
    from = head.reasonStart;
  }
  writeFields(writer, headers, from, head.fieldsEnd, edits, undefined);
  if (head.upgradeEnd > head.upgradeStart) {
    writer.writeBytes(UPGRADE_LINE);
    writeUpgrade(writer, buffer, head.upgradeStart, head.upgradeEnd);
  } else writeConnection(writer, edits);
  writeEnd(writer, edits);
}

/**
 * Whether a response must go to the client without Transfer-Encoding, which an HTTP/1.0 client does not know
 * (RFC 9112 6.1): the head is written with `dropFraming` and `connection: 'close'`, what comes through the reader's
 * sink is the body, and the connection closes at its end.
 */
export function needsUnframedBody(clientVersionMinor: 0 | 1, response: Http1ResponseHead): boolean {
  return clientVersionMinor === 0 && response.headers.has(fieldKind.transferEncoding);
}

function firstLine(headers: FieldBlock, fieldsEnd: number): number {
  return headers.count > 0 ? (headers.ranges[0] as number) : fieldsEnd;
}

function writeTarget(writer: ByteWriter, head: Http1RequestHead): void {
  const { buffer } = head.headers;
  // `*`, and what an absolute target without a path means for OPTIONS.
  if (head.pathStart === head.pathEnd) return writer.writeByte(42);
  writer.writeRange(buffer, head.pathStart, head.pathEnd);
  if (head.queryStart < 0) return;
  writer.writeByte(QUESTION_MARK);
  writer.writeRange(buffer, head.queryStart, head.queryEnd);
}

/** Copies lines from `from` to `fieldsEnd` but for those that go; lines that stay together are copied together. */
function writeFields(
  writer: ByteWriter,
  headers: FieldBlock,
  from: number,
  fieldsEnd: number,
  edits: HeadEdits,
  host: Uint8Array | undefined,
): void {
  const { buffer, count, flags, kinds, ranges } = headers;
  const { dropNames } = edits;
  const dropFraming = edits.dropFraming === true;
  let runStart = from;
  for (let i = 0; i < count; i++) {
    const slot = i * 4;
    const kind = kinds[i] as number;
    const drop =
      (flags[i] as number) === hopByHopFlag ||
      (dropFraming && (kind === fieldKind.contentLength || kind === fieldKind.transferEncoding)) ||
      (dropNames !== undefined && isAmong(dropNames, buffer, ranges[slot] as number, ranges[slot + 1] as number));
    if (drop) {
      const lineStart = ranges[slot] as number;
      if (lineStart > runStart) writer.writeRange(buffer, runStart, lineStart);
      runStart = endOfLine(headers, i, fieldsEnd);
    } else if (kind === fieldKind.host && host !== undefined) {
      writer.writeRange(buffer, runStart, ranges[slot + 2] as number);
      writer.writeBytes(host);
      runStart = ranges[slot + 3] as number;
    } else if (kind !== fieldKind.other && !isPlain(headers, i, fieldsEnd)) {
      writer.writeRange(buffer, runStart, (ranges[slot + 1] as number) + 1);
      writer.writeByte(SPACE);
      writer.writeRange(buffer, ranges[slot + 2] as number, ranges[slot + 3] as number);
      writer.writeBytes(CRLF);
      runStart = endOfLine(headers, i, fieldsEnd);
    }
  }
  if (fieldsEnd > runStart) writer.writeRange(buffer, runStart, fieldsEnd);
}

/** Where the line of field `index` ends: lines follow one another without a gap. */
function endOfLine({ count, ranges }: FieldBlock, index: number, fieldsEnd: number): number {
  return index + 1 < count ? (ranges[index * 4 + 4] as number) : fieldsEnd;
}

/**
 * Whether field `index` has one space before its value and nothing behind it. Parsers differ about tabs around
 * `chunked`, a known way to smuggle requests past one of them, so the fields that frame and route go out plain.
 */
function isPlain(headers: FieldBlock, index: number, fieldsEnd: number): boolean {
  const { buffer, ranges } = headers;
  const valueStart = ranges[index * 4 + 2] as number;
  const isOneSpace = valueStart === (ranges[index * 4 + 1] as number) + 2 && buffer[valueStart - 1] === SPACE;
  return isOneSpace && endOfLine(headers, index, fieldsEnd) === (ranges[index * 4 + 3] as number) + 2;
}

function isAmong(names: readonly Uint8Array[], buffer: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < names.length; i++) {
    if (equalsIgnoreCase(buffer, start, end, names[i] as Uint8Array)) return true;
  }
  return false;
}

function writeUpgrade(writer: ByteWriter, buffer: Uint8Array, start: number, end: number): void {
  writer.writeBytes(UPGRADE);
  writer.writeRange(buffer, start, end);
  writer.writeBytes(CRLF);
}

function writeConnection(writer: ByteWriter, edits: HeadEdits): void {
  if (edits.connection === 'close') writer.writeBytes(CLOSE_LINE);
  else if (edits.connection === 'keep-alive') writer.writeBytes(KEEP_ALIVE_LINE);
}

function writeEnd(writer: ByteWriter, edits: HeadEdits): void {
  if (edits.append !== undefined) writer.writeBytes(edits.append);
  writer.writeBytes(CRLF);
}
