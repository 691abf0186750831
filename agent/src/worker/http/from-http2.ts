import { equalsIgnoreCase } from '@tulle/core';
import type { CompiledBackend, HeaderEdits } from '@tulle/routing';
import type { ByteWriter, Http2Headers, Http2RequestHead } from '@tulle/wire';
import { websocketAcceptName, websocketKeyName } from './websocket.ts';

/** Heads of HTTP/2 as HTTP/1.1 says them (RFC 9113 section 8; RFC 8441 for WebSocket). */

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const requestLineEnd = ascii(' HTTP/1.1\r\nhost: ');
const statusLineStart = ascii('HTTP/1.1 ');
const lineEnd = ascii('\r\n');
const separator = ascii(': ');
const getMethod = ascii('GET ');
const contentLengthLine = ascii('content-length: ');
const noContentLine = ascii('content-length: 0\r\n');
const chunkedLine = ascii('transfer-encoding: chunked\r\n');
const cookieLine = ascii('cookie: ');
const crumbSeparator = ascii('; ');
const teLines = ascii('connection: te\r\nte: trailers\r\n');
const upgradeLines = ascii('connection: upgrade\r\nupgrade: websocket\r\n');
const keyLine = ascii('sec-websocket-key: ');
const acceptLine = ascii('sec-websocket-accept: ');
const closeLine = ascii('connection: close\r\n');
const keepAliveLine = ascii('connection: keep-alive\r\n');
const colon = 58;
const space = 32;
const underscore = 95;

const hostName = ascii('host');
const cookieName = ascii('cookie');
const contentLengthName = ascii('content-length');
const teName = ascii('te');
const forwardedClientCert = ascii('x-forwarded-client-cert');
const requestsWithBody: readonly Uint8Array[] = ['POST', 'PUT', 'PATCH'].map(ascii);

/** What of a request is not in its head. */
export interface Http2RequestFacts {
  /** Whether the head is all there is. */
  readonly ended: boolean;
  /** The key of a WebSocket's handshake; undefined where the request asks for none. */
  readonly websocketKey: string | undefined;
}

/**
 * Writes a request's head. Gives false for one that HTTP/1.1 cannot say here: names with underscores, which applications
 * of the kind of CGI read as hyphens, are refused as in requests that come in HTTP/1.1.
 */
export function writeHttp2Request(
  writer: ByteWriter,
  at: Http2RequestHead,
  backend: CompiledBackend | undefined,
  { ended, websocketKey }: Http2RequestFacts,
): boolean {
  const { headers } = at;
  if (hasUnderscores(headers)) return false;
  const { buffer } = headers;
  const edits = backend?.requestHeaders;
  const rewrite = backend?.rewrite;
  const target = rewrite?.target?.build(at);
  if (websocketKey === undefined) {
    writer.writeRange(buffer, at.methodStart, at.methodEnd);
    writer.writeByte(space);
  } else writer.writeBytes(getMethod);
  if (target !== undefined) writer.writeBytes(target);
  else writer.writeRange(buffer, headers.valueStart(headers.path), headers.valueEnd(headers.path));
  writer.writeBytes(requestLineEnd);
  if (rewrite?.host !== undefined) writer.writeBytes(rewrite.host);
  else writer.writeRange(buffer, at.authorityStart, at.authorityEnd);
  writer.writeBytes(lineEnd);
  writeFields(writer, headers, edits, isRequestOnly);
  writeCookies(writer, headers, edits);
  if (websocketKey !== undefined) {
    writer.writeBytes(upgradeLines);
    writer.writeBytes(keyLine);
    writer.writeBytes(ascii(websocketKey));
    writer.writeBytes(lineEnd);
  } else {
    if (acceptsTrailers(headers)) writer.writeBytes(teLines);
    if (headers.contentLength >= 0) writeContentLength(writer, headers.contentLength);
    else if (!ended) writer.writeBytes(chunkedLine);
    else if (isAmong(requestsWithBody, buffer, at.methodStart, at.methodEnd)) writer.writeBytes(noContentLine);
  }
  if (edits !== undefined) writer.writeBytes(edits.append);
  writer.writeBytes(lineEnd);
  return true;
}

/** How a response is framed for its client. */
export interface Http1ResponseFraming {
  /** `length`: by the head's content-length; `none`: there is no body, and the head says nothing about one. */
  readonly body: 'length' | 'chunked' | 'until-close' | 'empty' | 'none';
  readonly connection: 'close' | 'keep-alive' | undefined;
  /** The answer to a WebSocket's key, where the response switches. */
  readonly websocketAccept: string | undefined;
}

/** Writes a response's head, interim or final. */
export function writeHttp2Response(
  writer: ByteWriter,
  headers: Http2Headers,
  edits: HeaderEdits | undefined,
  { body, connection, websocketAccept }: Http1ResponseFraming,
): void {
  writer.writeBytes(statusLineStart);
  writer.writeDecimal(websocketAccept === undefined ? headers.status : 101);
  writer.writeByte(space);
  writer.writeBytes(lineEnd);
  writeFields(writer, headers, edits, isResponseOnly);
  if (websocketAccept !== undefined) {
    writer.writeBytes(upgradeLines);
    writer.writeBytes(acceptLine);
    writer.writeBytes(ascii(websocketAccept));
    writer.writeBytes(lineEnd);
  } else if (connection === 'close') writer.writeBytes(closeLine);
  else if (connection === 'keep-alive') writer.writeBytes(keepAliveLine);
  if (body === 'chunked') writer.writeBytes(chunkedLine);
  else if (body === 'empty') writer.writeBytes(noContentLine);
  else if (body === 'length') writeContentLength(writer, headers.contentLength);
  if (edits !== undefined) writer.writeBytes(edits.append);
  writer.writeBytes(lineEnd);
}

/** Copies the fields that are no pseudo-header fields, but for those that go. */
function writeFields(
  writer: ByteWriter,
  { buffer, count, ranges }: Http2Headers,
  edits: HeaderEdits | undefined,
  isDropped: (buffer: Uint8Array, start: number, end: number) => boolean,
): void {
  for (let i = 0; i < count; i++) {
    const start = ranges[i * 4] as number;
    const end = ranges[i * 4 + 1] as number;
    if (buffer[start] === colon || isDropped(buffer, start, end) || edits?.drops(buffer, start, end) === true) continue;
    writer.writeRange(buffer, start, end);
    writer.writeBytes(separator);
    writer.writeRange(buffer, ranges[i * 4 + 2] as number, ranges[i * 4 + 3] as number);
    writer.writeBytes(lineEnd);
  }
}

/** Section 8.2.3: the crumbs of a cookie are one field again. */
function writeCookies(writer: ByteWriter, headers: Http2Headers, edits: HeaderEdits | undefined): void {
  if (edits?.drops(cookieName, 0, cookieName.length) === true) return;
  const { buffer, count, ranges } = headers;
  let isFirst = true;
  for (let i = 0; i < count; i++) {
    if (!equalsIgnoreCase(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number, cookieName)) continue;
    writer.writeBytes(isFirst ? cookieLine : crumbSeparator);
    writer.writeRange(buffer, ranges[i * 4 + 2] as number, ranges[i * 4 + 3] as number);
    isFirst = false;
  }
  if (!isFirst) writer.writeBytes(lineEnd);
}

function writeContentLength(writer: ByteWriter, length: number): void {
  if (length < 0) return;
  writer.writeBytes(contentLengthLine);
  writer.writeDecimal(length);
  writer.writeBytes(lineEnd);
}

/** Fields of a request that HTTP/1.1 says in another way, or that no client may set. */
function isRequestOnly(buffer: Uint8Array, start: number, end: number): boolean {
  switch (end - start) {
    case teName.length:
      return equalsIgnoreCase(buffer, start, end, teName);
    case hostName.length:
      return equalsIgnoreCase(buffer, start, end, hostName);
    case cookieName.length:
      return equalsIgnoreCase(buffer, start, end, cookieName);
    case contentLengthName.length:
      return equalsIgnoreCase(buffer, start, end, contentLengthName);
    case websocketKeyName.length:
      return equalsIgnoreCase(buffer, start, end, websocketKeyName);
    case forwardedClientCert.length:
      return equalsIgnoreCase(buffer, start, end, forwardedClientCert);
    default:
      return false;
  }
}

function isResponseOnly(buffer: Uint8Array, start: number, end: number): boolean {
  if (equalsIgnoreCase(buffer, start, end, contentLengthName)) return true;
  return equalsIgnoreCase(buffer, start, end, websocketAcceptName);
}

function acceptsTrailers({ buffer, count, ranges }: Http2Headers): boolean {
  for (let i = 0; i < count; i++) {
    // The codec has refused every other value than `trailers` (section 8.2.2).
    if (equalsIgnoreCase(buffer, ranges[i * 4] as number, ranges[i * 4 + 1] as number, teName)) return true;
  }
  return false;
}

function hasUnderscores({ buffer, count, ranges }: Http2Headers): boolean {
  for (let i = 0; i < count; i++) {
    const end = ranges[i * 4 + 1] as number;
    for (let at = ranges[i * 4] as number; at < end; at++) if (buffer[at] === underscore) return true;
  }
  return false;
}

function isAmong(names: readonly Uint8Array[], buffer: Uint8Array, start: number, end: number): boolean {
  return names.some((name) => Buffer.compare(name, buffer.subarray(start, end)) === 0);
}
