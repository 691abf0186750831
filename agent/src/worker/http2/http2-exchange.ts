import { isEndpointError, wantsRetry } from '@tulle/routing';
import type { BalancedEndpoint } from '@tulle/routing';
import type { Http2Headers, Http2RequestHead, Http2Stream, RequestKind } from '@tulle/wire';
import { encodeHeaderList, http2ErrorCode } from '@tulle/wire';
import type { ChannelFailure } from '../channel.ts';
import type { AnswerReason } from '../http/answers.ts';
import { answerStatus } from '../http/answers.ts';
import { Replay } from '../http/replay.ts';
import { RouteChoice } from '../http/route-choice.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { Deadline } from '../tick.ts';
import { encodeRequest, encodeResponse, http2Answer, isGrpc } from './heads.ts';
import type { Http2Receiver, Http2Upstream } from './http2-upstream.ts';

/** So often a request may find that those before it have filled the connection that it waited for. */
const maxCrowdedOut = 16;

/**
 * One request of an HTTP/2 client and its response: a stream of the client's connection joined to a stream of a
 * connection to an endpoint. Windows follow the slower end: bytes are given back to a sender only once the other side
 * has taken them.
 */
export class Http2Exchange implements Http2Receiver, Deadline {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #pod: Pod;
  readonly #frontend: ServicePortView;
  readonly #client: Http2Stream;
  readonly #choice = new RouteChoice('http/2');
  readonly #startedMs = performance.now();
  readonly #grpc: boolean;
  readonly #requestKind: RequestKind;
  #requestHead: Buffer | undefined;
  #requestEnded: boolean;
  #endpoint: BalancedEndpoint | undefined;
  #connection: Http2Upstream | undefined;
  #upstream: Http2Stream | undefined;
  #attemptStartedMs = 0;
  #retries = 0;
  #crowdedOut = 0;
  /** Body bytes, and trailers, that came before there was a stream to send them on. */
  #kept: Buffer[] = [];
  #keptTrailers: Buffer | undefined;
  #bodySent = false;
  /** What of the body was sent, in case the server did not process it. */
  readonly #replay = new Replay();
  #unreturnedRequestBytes = 0;
  #unreturnedResponseBytes = 0;
  #status = 0;
  #responseEnded = false;
  #done = false;

  /** Routes and sends the request; its head is read before this returns. */
  constructor(
    pod: Pod,
    frontend: ServicePortView,
    request: {
      readonly stream: Http2Stream;
      readonly headers: Http2Headers;
      readonly head: Http2RequestHead;
      readonly ended: boolean;
    },
  ) {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#client = request.stream;
    this.#requestEnded = request.ended;
    const { headers, head } = request;
    this.#grpc = isGrpc(headers);
    this.#requestKind = headers.isHead ? 'head' : 'plain';
    const verdict = this.#choice.decide(pod, frontend, head);
    if (verdict === 'redirect') {
      this.#redirect(head);
      return;
    }
    if (verdict !== 'forward') {
      this.#answer(verdict);
      return;
    }
    const timeoutMs = this.#choice.rule?.rule.requestTimeoutMs;
    if (timeoutMs !== undefined) {
      this.deadlineMs = this.#startedMs + timeoutMs;
      pod.context.ticker.add(this);
    }
    // Kept for as long as the request may be sent again.
    this.#requestHead = Buffer.from(encodeRequest(pod.context.encoder, headers, head, this.#choice.backend));
    this.#attempt(undefined);
  }

  #attempt(avoid: BalancedEndpoint | undefined): void {
    const { ticker, log } = this.#pod.context;
    const endpoint = this.#choice.target?.balancer.pick(ticker.nowMs, avoid);
    if (endpoint === undefined) {
      this.#answer('no-healthy-endpoint');
      return;
    }
    this.#endpoint = endpoint;
    endpoint.begin();
    this.#attemptStartedMs = performance.now();
    try {
      this.#connection = this.#pod.takeHttp2Upstream(endpoint);
    } catch (error) {
      log.warn('a socket could not be made in a pod', { error: String(error) });
      this.#finishEndpoint('failure');
      this.#answer('connect-failed');
      return;
    }
    const bodiless = !this.#bodySent && this.#kept.length === 0 && this.#keptTrailers === undefined;
    const endStream = this.#requestEnded && bodiless;
    this.#connection.send({ head: this.#requestHead as Buffer, endStream, kind: this.#requestKind, receiver: this });
  }

  // What the client does.

  /** A part of the request's body. */
  onRequestData(chunk: Buffer, start: number, end: number): void {
    const upstream = this.#upstream;
    if (this.#done) {
      this.#client.consumed(end - start);
      return;
    }
    if (upstream === undefined) {
      // The window bounds how much this can be; it is given back when the bytes are sent.
      this.#kept.push(chunk.subarray(start, end));
      return;
    }
    this.#noteBody(chunk, start, end);
    if (upstream.write(chunk, start, end)) this.#returnRequestWindow();
  }

  onRequestEnd(): void {
    this.#requestEnded = true;
    this.#upstream?.end();
  }

  onRequestTrailers(headers: Http2Headers): void {
    this.#requestEnded = true;
    const trailers = Buffer.from(encodeResponse(this.#pod.context.encoder, headers, undefined));
    // Kept also when they are sent at once: they may have to be sent again.
    this.#keptTrailers = trailers;
    this.#upstream?.sendTrailers(trailers);
  }

  #noteBody(chunk: Buffer, start: number, end: number): void {
    this.#bodySent = true;
    this.#replay.add(chunk, start, end);
    this.#unreturnedRequestBytes += end - start;
  }

  /** The client takes bytes again. */
  onClientWritable(): void {
    const bytes = this.#unreturnedResponseBytes;
    this.#unreturnedResponseBytes = 0;
    this.#upstream?.consumed(bytes);
  }

  /** The client's stream is gone: with it goes ours, by the same code. */
  onClientReset(errorCode: number): void {
    if (this.#done) return;
    this.#count('client-closed');
    this.#leave();
    this.#connection?.withdraw(this);
    this.#upstream?.reset(errorCode === http2ErrorCode.noError ? http2ErrorCode.cancel : errorCode);
    this.#finishEndpoint('cancelled');
  }

  // What the server does.

  onUpstreamStream(stream: Http2Stream): void {
    this.#upstream = stream;
    const kept = this.#kept;
    this.#kept = [];
    let taken = true;
    // Another attempt begins with what was sent before; its window has been given back, or will be with the rest.
    for (const chunk of this.#replay.chunks) taken = stream.write(chunk, 0, chunk.length);
    for (const chunk of kept) {
      this.#noteBody(chunk, 0, chunk.length);
      taken = stream.write(chunk, 0, chunk.length);
    }
    if (taken) this.#returnRequestWindow();
    if (this.#keptTrailers !== undefined) stream.sendTrailers(this.#keptTrailers);
    else if (this.#requestEnded && !stream.localEnded) stream.end();
  }

  onResponseHead(headers: Http2Headers, endStream: boolean): void {
    const interim = headers.status < 200;
    const edits = this.#choice.backend?.responseHeaders ?? this.#choice.rule?.responseHeaders;
    const encoded = encodeResponse(this.#pod.context.encoder, headers, interim ? undefined : edits);
    if (!interim) this.#status = headers.status;
    this.#client.sendHeaders(encoded, endStream);
    if (endStream) this.#complete();
  }

  onResponseData(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    this.#unreturnedResponseBytes += end - start;
    if (!this.#client.write(chunk, start, end)) return;
    const bytes = this.#unreturnedResponseBytes;
    this.#unreturnedResponseBytes = 0;
    stream.consumed(bytes);
  }

  onResponseTrailers(headers: Http2Headers): void {
    this.#client.sendTrailers(Buffer.from(encodeResponse(this.#pod.context.encoder, headers, undefined)));
    this.#complete();
  }

  onResponseEnd(): void {
    this.#client.end();
    this.#complete();
  }

  onUpstreamWritable(): void {
    this.#returnRequestWindow();
  }

  onUpstreamFailed(
    failure: ChannelFailure,
    { errorCode, unprocessed }: { readonly errorCode: number; readonly unprocessed: boolean },
  ): void {
    const avoid = this.#endpoint;
    const hadStream = this.#upstream !== undefined;
    this.#upstream = undefined;
    this.#connection = undefined;
    if (this.#done || this.#responseEnded) return;
    // A server that sends GOAWAY or refuses a stream works: it wants the request on another connection.
    const refused = unprocessed && errorCode === http2ErrorCode.refusedStream;
    this.#finishEndpoint(refused ? 'cancelled' : 'failure');
    if (this.#status !== 0) {
      this.#count('upstream-reset');
      this.#leave();
      this.#client.reset(errorCode === http2ErrorCode.noError ? http2ErrorCode.internalError : errorCode);
      return;
    }
    if (refused && !hadStream && this.#crowdedOut < maxCrowdedOut) {
      // The connection had no room when it opened: no attempt was made yet.
      this.#crowdedOut += 1;
      this.#attempt(undefined);
      return;
    }
    const retry = wantsRetry(this.#choice.rule?.retry, {
      outcome: unprocessed ? (hadStream || refused ? 'unprocessed' : 'connect-failed') : 'reset',
      status: 0,
      retries: this.#retries,
      responseStarted: false,
      bodyReplayable: this.#replay.whole,
      idempotent: false,
    });
    if (retry && failure !== 'policy-denied') {
      this.#retries += 1;
      this.#attempt(avoid);
      return;
    }
    if (failure === 'policy-denied') this.#answer('policy-denied');
    else this.#answer(hadStream ? 'upstream-reset' : 'connect-failed');
  }

  onDeadline(): void {
    this.#connection?.withdraw(this);
    this.#upstream?.reset(http2ErrorCode.cancel);
    this.#upstream = undefined;
    this.#finishEndpoint('cancelled');
    if (this.#status === 0) {
      this.#answer('request-timeout');
      return;
    }
    this.#count('request-timeout');
    this.#leave();
    this.#client.reset(http2ErrorCode.cancel);
  }

  #complete(): void {
    this.#responseEnded = true;
    this.#finishEndpoint(isEndpointError(this.#status) ? 'error-response' : 'success');
    this.#count('');
    this.#leave();
    if (this.#requestEnded) return;
    // The server has said all it will: what the client still sends goes nowhere (RFC 9113 section 8.1).
    this.#client.reset(http2ErrorCode.noError);
    this.#upstream?.reset(http2ErrorCode.cancel);
  }

  #answer(reason: AnswerReason): void {
    this.#status = answerStatus(reason);
    this.#count(reason);
    const { head, body } = http2Answer(reason, this.#grpc || this.#frontend.port.routeKind === 'grpc');
    const bare = body === undefined || this.#requestKind === 'head';
    this.#client.sendHeaders(head, bare);
    if (!bare) this.#client.write(body, 0, body.length, true);
    this.#abandonRequest();
  }

  #redirect(head: Http2RequestHead): void {
    const redirect = this.#choice.backend?.redirect ?? this.#choice.rule?.redirect;
    if (redirect === undefined) return;
    const location = redirect.buildLocation(head, { scheme: 'http', port: this.#frontend.port.port });
    this.#status = redirect.status;
    this.#count('');
    const encoded = encodeHeaderList([
      [':status', `${redirect.status}`],
      ['location', location.toString('latin1')],
      ['content-length', '0'],
    ]);
    this.#client.sendHeaders(encoded, true);
    this.#abandonRequest();
  }

  /** The mesh has answered: the rest of the request is not wanted. */
  #abandonRequest(): void {
    this.#leave();
    for (const chunk of this.#kept) this.#client.consumed(chunk.length);
    this.#kept = [];
    if (!this.#requestEnded) this.#client.reset(http2ErrorCode.noError);
  }

  #returnRequestWindow(): void {
    const bytes = this.#unreturnedRequestBytes;
    this.#unreturnedRequestBytes = 0;
    this.#client.consumed(bytes);
  }

  #finishEndpoint(outcome: 'success' | 'error-response' | 'failure' | 'cancelled'): void {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return;
    this.#endpoint = undefined;
    const nowMs = performance.now();
    endpoint.finish(nowMs, nowMs - this.#attemptStartedMs, outcome);
  }

  #count(reason: string): void {
    this.#choice.record(this.#status, reason, performance.now() - this.#startedMs);
  }

  #leave(): void {
    this.#done = true;
    this.#pod.context.ticker.remove(this);
  }
}
