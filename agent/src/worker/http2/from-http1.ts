import { equalsIgnoreCase } from '@tulle/core';
import type { CompiledBackend, HeaderEdits } from '@tulle/routing';
import { fieldKind, hopByHopFlag } from '@tulle/wire';
import type { FieldBlock, HpackEncoder, Http1RequestHead, Http1ResponseHead } from '@tulle/wire';
import { websocketAcceptName, websocketKeyName } from '../http/websocket.ts';

/** Heads of HTTP/1.1 as HTTP/2 says them (RFC 9113 section 8; RFC 8441 for WebSocket). */

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const methodName = ascii(':method');
const schemeName = ascii(':scheme');
const httpScheme = ascii('http');
const authorityName = ascii(':authority');
const pathName = ascii(':path');
const protocolName = ascii(':protocol');
const connectMethod = ascii('CONNECT');
const websocketProtocol = ascii('websocket');
const asterisk = ascii('*');
const forwardedClientCert = ascii('x-forwarded-client-cert');

/** What of a request in HTTP/2 is not in its HTTP/1.1 head. */
export interface Http1RequestFacts {
  /** Whether it asks for a WebSocket, by extended CONNECT. */
  readonly websocket: boolean;
  /** Its authority, where the head has none. */
  readonly authority: Buffer | undefined;
}

/** Encodes a request's head; the bytes are valid until the encoder's next block. */
export function encodeHttp1Request(
  encoder: HpackEncoder,
  head: Http1RequestHead,
  backend: CompiledBackend | undefined,
  facts: Http1RequestFacts,
): Buffer {
  const { headers } = head;
  const { buffer } = headers;
  const { websocket } = facts;
  const edits = backend?.requestHeaders;
  const rewrite = backend?.rewrite;
  encoder.begin();
  if (websocket) encoder.addBytes(methodName, connectMethod);
  else encoder.addBytes(methodName, buffer.subarray(head.methodStart, head.methodEnd));
  encoder.addBytes(schemeName, httpScheme);
  encoder.addBytes(pathName, rewrite?.target?.build(head) ?? targetOf(head));
  const authority = rewrite?.host ?? facts.authority ?? buffer.subarray(head.authorityStart, head.authorityEnd);
  if (authority.length > 0) encoder.addBytes(authorityName, authority);
  if (websocket) encoder.addBytes(protocolName, websocketProtocol);
  for (let i = 0; i < headers.count; i++) {
    if (!isOfOneHop(headers, i) && headers.kinds[i] !== fieldKind.host && !isDropped(headers, i, edits)) {
      encoder.addField(headers, i);
    }
  }
  if (head.acceptsTrailers && !websocket) encoder.add('te', 'trailers');
  addAppended(encoder, edits);
  return encoder.finish();
}

/** Path and query in one piece: they lie so in the target, but for `*` and an absolute form without a path. */
function targetOf(head: Http1RequestHead): Uint8Array {
  const { buffer } = head.headers;
  if (head.pathStart === head.pathEnd) return asterisk;
  const path = buffer.subarray(head.pathStart, head.pathEnd);
  if (head.queryStart < 0) return path;
  const query = buffer.subarray(head.queryStart - 1, head.queryEnd);
  return head.queryStart - 1 === head.pathEnd
    ? buffer.subarray(head.pathStart, head.queryEnd)
    : Buffer.concat([path, query]);
}

/** Encodes a response's head, interim or final. `switched`: a 101, which is a 200 in HTTP/2. */
export function encodeHttp1Response(
  encoder: HpackEncoder,
  head: Http1ResponseHead,
  edits: HeaderEdits | undefined,
  switched: boolean,
): Buffer {
  const { headers } = head;
  encoder.begin();
  encoder.add(':status', switched ? '200' : `${head.status}`);
  for (let i = 0; i < headers.count; i++) {
    if (isOfOneHop(headers, i)) continue;
    const start = headers.ranges[i * 4] as number;
    const end = headers.ranges[i * 4 + 1] as number;
    if (edits?.drops(headers.buffer, start, end) === true) continue;
    if (switched && equalsIgnoreCase(headers.buffer, start, end, websocketAcceptName)) continue;
    encoder.addField(headers, i);
  }
  addAppended(encoder, edits);
  return encoder.finish();
}

/** Section 8.2.2: what belongs to one connection only. */
function isOfOneHop({ flags, kinds }: FieldBlock, index: number): boolean {
  return flags[index] === hopByHopFlag || kinds[index] === fieldKind.transferEncoding;
}

function isDropped({ buffer, ranges }: FieldBlock, index: number, edits: HeaderEdits | undefined): boolean {
  const start = ranges[index * 4] as number;
  const end = ranges[index * 4 + 1] as number;
  if (edits?.drops(buffer, start, end) === true) return true;
  switch (end - start) {
    case forwardedClientCert.length:
      return equalsIgnoreCase(buffer, start, end, forwardedClientCert);
    case websocketKeyName.length:
      return equalsIgnoreCase(buffer, start, end, websocketKeyName);
    default:
      return false;
  }
}

function addAppended(encoder: HpackEncoder, edits: HeaderEdits | undefined): void {
  if (edits === undefined) return;
  const { appended } = edits;
  for (let i = 0; i < appended.count; i++) encoder.addField(appended, i);
}
