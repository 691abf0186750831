import type { HeaderBlock, RequestHead } from '@tulle/core';
import type { CompiledBackend, HeaderEdits } from '@tulle/routing';
import type { Http1ResponseHead, Http2Headers } from '@tulle/wire';
import type { ByteChannel } from '../channel.ts';
import type { Splice } from '../splice.ts';
import type { AnswerReason } from './answers.ts';

/** HTTP/1.1 (and 1.0) or HTTP/2. */
export type HttpVersion = 1 | 2;

/** A response's head as its codec read it; valid until the method that got it returns. */
export type ResponseHead = Http1ResponseHead | Http2Headers;

/** Whether a request asks for another protocol: by Upgrade in HTTP/1.1, by extended CONNECT in HTTP/2 (RFC 8441). */
export type UpgradeRequest = 'none' | 'websocket' | 'other';

/** What follows a response's head: a body, nothing, or bytes of the protocol that was asked for. */
export type ResponseRest = 'body' | 'nothing' | 'switched';

/** A request as it goes to a server. */
export interface OutgoingRequest {
  /** Its head, encoded for the server's version. */
  readonly head: Buffer;
  readonly isHead: boolean;
  /** Whether the head asks for another protocol. */
  readonly upgrade: boolean;
  /** Whether the head is all there is. */
  readonly ended: boolean;
  /**
   * How the body is handed over. `framed`: as it came from an HTTP/1.1 client and goes to an HTTP/1.1 server.
   * `length`, `chunked`: its payload; in HTTP/1.1 it goes out as it is, or in chunks.
   */
  readonly body: 'framed' | 'length' | 'chunked';
  /** Whether only the payload of the response's body is wanted, without the framing of HTTP/1.1. */
  readonly payloadOnly: boolean;
}

/**
 * Why no response came, or not to its end.
 *
 * - `connect-failed`: no byte of the request was sent.
 * - `connect-timeout`: the same, because the endpoint did not answer in time.
 * - `backend-tls`: the same, because the application's TLS is not what its policy asks for.
 * - `unprocessed`: the server said that it did not act on the request (REFUSED_STREAM, GOAWAY).
 * - `stale`: a connection that had been idle turned out to be closed.
 * - `reset`: the connection broke; the server may have acted on the request.
 * - `bad-response`: what came was no HTTP.
 * - `policy-denied`: the destination does not let this client in.
 * - `upgrade-unsupported`: the server offers no extended CONNECT.
 */
export type ServerFailure =
  | 'connect-failed'
  | 'connect-timeout'
  | 'backend-tls'
  | 'unprocessed'
  | 'stale'
  | 'reset'
  | 'bad-response'
  | 'policy-denied'
  | 'upgrade-unsupported';

/** Who waits for a response. The calls end with onResponseEnd, onUpgraded or onServerFailure; nothing comes after it. */
export interface ServerReceiver {
  /** The server is there: the request's body may be sent. Not called where it was there from the beginning. */
  onServerOpen(): void;
  /** It takes bytes again. */
  onServerWritable(): void;
  /** A head, interim or final. `ended`: no body follows. */
  onResponseHead(head: ResponseHead, ended: boolean): void;
  /** A part of the body: its payload, or as it came, as the request asked for it. */
  onResponseBody(chunk: Buffer, start: number, end: number): void;
  /** Trailers, where only payload is wanted; valid until the method returns. */
  onResponseTrailers(fields: HeaderBlock): void;
  onResponseEnd(): void;
  /** All that came at once was handed over: what was gathered may be sent. */
  onResponsePause(): void;
  /** The server speaks the other protocol from here; `chunk[start..end)` are its first bytes. */
  onUpgraded(chunk: Buffer, start: number, end: number): void;
  /** `errorCode` is HTTP/2's, where there is one. */
  onServerFailure(failure: ServerFailure, errorCode: number): void;
}

/** The server's side of an exchange: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface ServerSide {
  readonly version: HttpVersion;
  /** Whether the body may be sent. */
  readonly opened: boolean;
  /** Sends a request's head. `bodyFollows`: {@link send} is called in this turn, so that both can leave together. */
  begin(receiver: ServerReceiver, request: OutgoingRequest, bodyFollows: boolean): void;
  /** Sends a part of the body; gives false where no more should come until `onServerWritable`. */
  send(chunk: Buffer, start: number, end: number): boolean;
  /** The request is at its end; `trailers` are encoded for the server's version. */
  end(trailers: Buffer | undefined): void;
  /** Stops and goes on reading the response. */
  pause(): void;
  resume(): void;
  /** Breaks it off; the receiver hears nothing more. */
  reset(errorCode: number): void;
  /** After `onUpgraded`: gives away the bytes both ways. */
  detach(): ByteChannel | undefined;
}

/** A request as its client sent it. */
export interface IncomingRequest {
  readonly version: HttpVersion;
  /** Its head; in HTTP/2 it is only there while the exchange begins. */
  readonly head: RequestHead;
  readonly isHead: boolean;
  /** Whether the method is idempotent (RFC 9110 section 9.2.2). */
  readonly isIdempotent: boolean;
  readonly isGrpc: boolean;
  readonly upgrade: UpgradeRequest;
  /** Whether all of it has come. */
  readonly ended: boolean;
  /** Whether nothing says how long the body is. */
  readonly lengthUnknown: boolean;
  /** Whether the client takes bodies of responses with the framing of HTTP/1.1. */
  readonly takesFraming: boolean;
  /** The head for a server of `version`, with what the route says; undefined where it cannot be said in that version. */
  encode(version: HttpVersion, backend: CompiledBackend | undefined): Buffer | undefined;
  /** Whether the server's switch to another protocol is the one that was asked for (RFC 6455 section 4.1). */
  acceptsSwitch(head: ResponseHead): boolean;
}

/** Takes a response for a client, in the order of the calls. */
export interface ResponseWriter {
  /** A head, interim or final. */
  head(head: ResponseHead, edits: HeaderEdits | undefined, rest: ResponseRest): void;
  /** Gives false where the server should be read no further until `Exchange.clientWritable`. */
  body(chunk: Buffer, start: number, end: number): boolean;
  trailers(fields: HeaderBlock): void;
  /** What was gathered may leave. */
  send(): void;
}

/** The client's side of an exchange: a connection of HTTP/1.1 that has read a head, or a stream of HTTP/2. */
export interface ClientSide {
  readonly request: IncomingRequest;
  readonly response: ResponseWriter;
  /** Says how the request's body is to be handed over: as payload, or as it comes. */
  setPayload(payload: boolean): void;
  /** The exchange takes the request's body, again. */
  resumeRequest(): void;
  /** The response is whole. `requestEnded`: so was the request; else the rest of it is not wanted. */
  respondEnd(requestEnded: boolean): void;
  /** Answers in place of a server. */
  answer(reason: AnswerReason): void;
  answerRedirect(status: number, location: Buffer, edits: HeaderEdits | undefined): void;
  answerPreflight(status: number, edits: HeaderEdits): void;
  /** A response that had begun cannot be finished: the client must see that it is cut off. */
  breakOff(errorCode: number): void;
  /** Gives away the bytes both ways, after a response that switched. */
  detach(): ByteChannel;
  /** Hands what it had read already to the splice that its bytes go through from now on. */
  startSplice(splice: Splice, server: ByteChannel): void;
}
