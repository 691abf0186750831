import type { HeaderBlock } from '@tulle/core';
import type { HeaderEdits } from '@tulle/routing';
import type { Http2RequestHead, Http2Stream } from '@tulle/wire';
import { http2ErrorCode, Http2Headers } from '@tulle/wire';
import type { ByteChannel } from '../channel.ts';
import { nobody } from '../channel.ts';
import type { AnswerReason } from '../http/answers.ts';
import { Exchange } from '../http/exchange.ts';
import type { ClientSide, ResponseHead, ResponseRest, ResponseWriter } from '../http/sides.ts';
import { encodeTrailers } from '../http/trailers.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { Splice } from '../splice.ts';
import { StreamChannel } from '../stream-channel.ts';
import { CopiedFields } from './copied-fields.ts';
import { encodeHttp1Response } from './from-http1.ts';
import { encodePreflight, encodeRedirect, encodeResponse, http2Answer } from './heads.ts';
import { Http2IncomingRequest } from './http2-request.ts';

/** What a stream of a client's connection tells whoever has it. */
export interface ClientStreamUser {
  onRequestData(chunk: Buffer, start: number, end: number): void;
  onRequestEnd(): void;
  onRequestTrailers(headers: HeaderBlock): void;
  onClientReset(errorCode: number): void;
  onClientWritable(): void;
  /** Both sides have ended. */
  onClientClosed(): void;
}

/**
 * One request of an HTTP/2 client: a stream of its connection. Windows follow the slower end: bytes are given back to
 * the client only once the server has taken them.
 */
export class Http2ClientStream implements ClientSide, ResponseWriter, ClientStreamUser {
  readonly request: Http2IncomingRequest;
  readonly response: ResponseWriter = this;
  readonly #pod: Pod;
  readonly #frontend: ServicePortView;
  readonly #stream: Http2Stream;
  readonly #exchange: Exchange;
  /** Body bytes, and trailers, that came before there was a server to send them to; the window bounds them. */
  #kept: Buffer[] = [];
  #keptTrailers: HeaderBlock | undefined;
  #endKept = false;
  #unreturnedBytes = 0;

  /** Reads the head, which is gone when {@link begin} returns. */
  constructor(
    pod: Pod,
    frontend: ServicePortView,
    request: { readonly stream: Http2Stream; readonly head: Http2RequestHead; readonly ended: boolean },
  ) {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#stream = request.stream;
    this.request = new Http2IncomingRequest(pod.context, request.head, request.ended);
    this.#exchange = new Exchange(pod, frontend, this);
  }

  /** Routes and sends the request, or answers it. */
  begin(): void {
    if (this.request.upgrade === 'other') this.#exchange.answer('upgrade-unsupported');
    else this.#exchange.begin(false);
    this.request.forgetHead();
  }

  // What comes from the client.

  onRequestData(chunk: Buffer, start: number, end: number): void {
    if (!this.#exchange.active) {
      this.#stream.consumed(end - start);
      return;
    }
    if (!this.#exchange.takesBody) {
      this.#kept.push(chunk.subarray(start, end));
      return;
    }
    this.#unreturnedBytes += end - start;
    if (this.#exchange.sendBody(chunk, start, end)) this.#returnWindow();
  }

  onRequestEnd(): void {
    this.request.ended = true;
    if (!this.#exchange.active) return;
    if (this.#exchange.takesBody) this.#exchange.endRequest(undefined);
    else this.#endKept = true;
  }

  onRequestTrailers(headers: HeaderBlock): void {
    this.request.ended = true;
    if (!this.#exchange.active) return;
    if (this.#exchange.takesBody) {
      this.#exchange.endRequest(headers);
      return;
    }
    this.#endKept = true;
    this.#keptTrailers = new CopiedFields(headers);
  }

  /** The client's stream is gone: with it goes the server's, by the same code. */
  onClientReset(errorCode: number): void {
    this.#exchange.clientGone(errorCode);
  }

  onClientWritable(): void {
    this.#exchange.clientWritable();
  }

  onClientClosed(): void {}

  setPayload(): void {}

  resumeRequest(): void {
    const kept = this.#kept;
    if (kept.length > 0) {
      this.#kept = [];
      let takesMore = true;
      for (const chunk of kept) {
        this.#unreturnedBytes += chunk.length;
        takesMore = this.#exchange.sendBody(chunk, 0, chunk.length);
      }
      if (takesMore) this.#returnWindow();
    } else this.#returnWindow();
    if (!this.#endKept) return;
    this.#endKept = false;
    this.#exchange.endRequest(this.#keptTrailers);
  }

  // What the exchange has for the client.

  head(head: ResponseHead, edits: HeaderEdits | undefined, rest: ResponseRest): void {
    const { encoder } = this.#pod.context;
    const encoded =
      head instanceof Http2Headers
        ? encodeResponse(encoder, head, edits)
        : encodeHttp1Response(encoder, head, edits, rest === 'switched');
    this.#stream.sendHeaders(encoded, rest === 'nothing');
  }

  body(chunk: Buffer, start: number, end: number): boolean {
    return this.#stream.write(chunk, start, end);
  }

  trailers(fields: HeaderBlock): void {
    this.#stream.sendTrailers(encodeTrailers(this.#pod.context, 2, fields));
  }

  respondEnd(requestEnded: boolean): void {
    const stream = this.#stream;
    if (!stream.localEnded) stream.end();
    if (!requestEnded) this.#refuseRest();
  }

  send(): void {}

  answer(reason: AnswerReason): void {
    const { head, body } = http2Answer(reason, this.request.isGrpc || this.#frontend.port.routeKind === 'grpc');
    const bare = body === undefined || this.request.isHead;
    this.#stream.sendHeaders(head, bare);
    if (!bare) this.#stream.write(body, 0, body.length, true);
    this.#refuseRest();
  }

  answerRedirect(status: number, location: Buffer, edits: HeaderEdits | undefined): void {
    this.#stream.sendHeaders(encodeRedirect(this.#pod.context.encoder, status, location, edits), true);
    this.#refuseRest();
  }

  answerPreflight(status: number, edits: HeaderEdits): void {
    this.#stream.sendHeaders(encodePreflight(this.#pod.context.encoder, status, edits), true);
    this.#refuseRest();
  }

  breakOff(errorCode: number): void {
    this.#stream.reset(errorCode === http2ErrorCode.noError ? http2ErrorCode.internalError : errorCode);
  }

  detach(): ByteChannel {
    const channel = new StreamChannel(nobody);
    channel.attach(this.#stream);
    this.#stream.user = new SwitchedClient(channel);
    channel.opened();
    this.#returnWindow();
    return channel;
  }

  startSplice(_splice: Splice, server: ByteChannel): void {
    const channel = this.#stream.user as SwitchedClient;
    for (const chunk of this.#kept) channel.onRequestData(chunk, 0, chunk.length);
    this.#kept = [];
    if (this.#endKept) server.end();
  }

  /** The response is whole, or in the stream's queue: what still comes of the request is thrown away (section 8.1). */
  #refuseRest(): void {
    for (const chunk of this.#kept) this.#stream.consumed(chunk.length);
    this.#kept = [];
    this.#returnWindow();
    // A reset would drop what is queued.
    if (!this.request.ended && this.#stream.queuedBytes === 0) this.#stream.reset(http2ErrorCode.noError);
  }

  #returnWindow(): void {
    const bytes = this.#unreturnedBytes;
    this.#unreturnedBytes = 0;
    if (bytes > 0) this.#stream.consumed(bytes);
  }
}

/** Stands in for the request of a stream that carries bytes of another protocol now. */
class SwitchedClient implements ClientStreamUser {
  readonly #channel: StreamChannel;

  constructor(channel: StreamChannel) {
    this.#channel = channel;
  }

  onRequestData(chunk: Buffer, start: number, end: number): void {
    this.#channel.received(chunk, start, end);
  }

  onRequestEnd(): void {
    this.#channel.receivedEnd();
  }

  onRequestTrailers(): void {
    this.#channel.receivedEnd();
  }

  onClientReset(): void {
    this.#channel.closed('reset');
  }

  onClientWritable(): void {
    this.#channel.writable();
  }

  onClientClosed(): void {
    this.#channel.closed(undefined);
  }
}
