import { equalsIgnoreCase, findHeader } from '@tulle/core';
import type { HeaderBlock } from '@tulle/core';
import type { CompiledBackend, HeaderEdits } from '@tulle/routing';
import type { HpackEncoder, Http2Headers, Http2RequestHead } from '@tulle/wire';
import { encodeHeaderList } from '@tulle/wire';
import type { AnswerReason } from '../http/answers.ts';
import { answerMessage, answerStatus } from '../http/answers.ts';

const forwardedClientCert = Buffer.from('x-forwarded-client-cert');
const authorityName = Buffer.from(':authority');
const pathName = Buffer.from(':path');
const contentTypeName = Buffer.from('content-type');
const grpcType = Buffer.from('application/grpc');

/** Encodes a request's head as it is forwarded over HTTP/2; the bytes are valid until the encoder's next block. */
export function encodeRequest(
  encoder: HpackEncoder,
  headers: Http2Headers,
  head: Http2RequestHead,
  backend: CompiledBackend | undefined,
): Buffer {
  const edits = backend?.requestHeaders;
  const rewrite = backend?.rewrite;
  const target = rewrite?.target?.build(head);
  encoder.begin();
  for (let i = 0; i < headers.count; i++) {
    if (i === headers.path && target !== undefined) encoder.addBytes(pathName, target);
    else if (i === headers.authority && rewrite?.host !== undefined) encoder.addBytes(authorityName, rewrite.host);
    else if (!isDropped(headers, i, edits)) encoder.addField(headers, i);
  }
  if (edits !== undefined) addAppended(encoder, edits);
  return encoder.finish();
}

/** Encodes the answer of a redirect, which no backend is asked for. */
export function encodeRedirect(
  encoder: HpackEncoder,
  status: number,
  location: Buffer,
  edits: HeaderEdits | undefined,
): Buffer {
  encoder.begin();
  encoder.add(':status', `${status}`);
  encoder.add('location', location.toString('latin1'));
  encoder.add('content-length', '0');
  if (edits !== undefined) addAppended(encoder, edits);
  return encoder.finish();
}

/** Encodes the answer to a CORS preflight. */
export function encodePreflight(encoder: HpackEncoder, status: number, edits: HeaderEdits): Buffer {
  encoder.begin();
  encoder.add(':status', `${status}`);
  addAppended(encoder, edits);
  return encoder.finish();
}

/** Encodes a response's head as it goes to the client. */
export function encodeResponse(encoder: HpackEncoder, headers: Http2Headers, edits: HeaderEdits | undefined): Buffer {
  encoder.begin();
  for (let i = 0; i < headers.count; i++) {
    const at = i * 4;
    const { ranges, buffer } = headers;
    if (edits?.drops(buffer, ranges[at] as number, ranges[at + 1] as number) !== true) encoder.addField(headers, i);
  }
  if (edits !== undefined) addAppended(encoder, edits);
  return encoder.finish();
}

function addAppended(encoder: HpackEncoder, edits: HeaderEdits): void {
  const { appended } = edits;
  for (let i = 0; i < appended.count; i++) encoder.addField(appended, i);
}

function isDropped(headers: Http2Headers, index: number, edits: HeaderEdits | undefined): boolean {
  const { buffer, ranges } = headers;
  const start = ranges[index * 4] as number;
  const end = ranges[index * 4 + 1] as number;
  if (edits?.drops(buffer, start, end) === true) return true;
  return end - start === forwardedClientCert.length && equalsIgnoreCase(buffer, start, end, forwardedClientCert);
}

/** Whether the request is a gRPC call: its answers by the mesh are gRPC statuses. */
export function isGrpc(headers: Http2Headers): boolean {
  const { buffer, ranges } = headers;
  for (let i = 0; i < headers.count; i++) {
    const at = i * 4;
    if (!equalsIgnoreCase(buffer, ranges[at] as number, ranges[at + 1] as number, contentTypeName)) continue;
    const start = ranges[at + 2] as number;
    const end = Math.min(ranges[at + 3] as number, start + grpcType.length);
    return equalsIgnoreCase(buffer, start, end, grpcType);
  }
  return false;
}

/** The gRPC status of each reason (gRPC status codes; the Gateway API's rules for GRPCRoute). */
const grpcStatus: Readonly<Record<AnswerReason, number>> = {
  'no-route': 12,
  'invalid-backend': 14,
  'no-healthy-endpoint': 14,
  'connect-failed': 14,
  'connect-timeout': 14,
  'backend-tls': 14,
  overload: 14,
  'upstream-reset': 14,
  'upstream-timeout': 4,
  'request-timeout': 4,
  'header-timeout': 4,
  'header-too-large': 8,
  'bad-request': 13,
  'not-http': 13,
  'policy-denied': 7,
  'upgrade-unsupported': 12,
  'routes-missing': 14,
};

/** The gRPC status of an answer of the mesh's. */
export function grpcStatusOf(reason: AnswerReason): number {
  return grpcStatus[reason];
}

const grpcStatusName = Buffer.from('grpc-status');
/** What is no status counts as UNKNOWN, as clients take it. */
const unknownStatus = 2;
const lastGrpcStatus = 16;

/** The gRPC status among trailers, or in the head of a response that has only them; UNKNOWN where there is none. */
export function grpcStatusIn(fields: HeaderBlock): number {
  const field = findHeader(fields, grpcStatusName);
  if (field < 0) return unknownStatus;
  let status = 0;
  const end = fields.ranges[field * 4 + 3] as number;
  for (let at = fields.ranges[field * 4 + 2] as number; at < end; at++) {
    const digit = (fields.buffer[at] as number) - 48;
    if (digit < 0 || digit > 9) return unknownStatus;
    status = status * 10 + digit;
    if (status > lastGrpcStatus) return unknownStatus;
  }
  return status;
}

const made = new Map<string, { readonly head: Buffer; readonly body: Buffer | undefined }>();

/** An answer made by the mesh: a trailers-only gRPC response, or a response with a line of text. */
export function http2Answer(
  reason: AnswerReason,
  grpc: boolean,
): { readonly head: Buffer; readonly body: Buffer | undefined } {
  const key = `${reason} ${grpc}`;
  let answer = made.get(key);
  if (answer === undefined) {
    answer = grpc ? grpcAnswer(reason) : plainAnswer(reason);
    made.set(key, answer);
  }
  return answer;
}

function grpcAnswer(reason: AnswerReason): { readonly head: Buffer; readonly body: undefined } {
  const head = encodeHeaderList([
    [':status', '200'],
    ['content-type', 'application/grpc'],
    ['grpc-status', `${grpcStatus[reason]}`],
    ['grpc-message', `tulle: ${reason}: ${answerMessage(reason)}`],
    ['tulle-reason', reason],
  ]);
  return { head, body: undefined };
}

function plainAnswer(reason: AnswerReason): { readonly head: Buffer; readonly body: Buffer } {
  const body = Buffer.from(`tulle: ${reason}: ${answerMessage(reason)}\n`);
  const head = encodeHeaderList([
    [':status', `${answerStatus(reason)}`],
    ['content-type', 'text/plain'],
    ['content-length', `${body.length}`],
    ['tulle-reason', reason],
  ]);
  return { head, body };
}
