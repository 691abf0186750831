import type { HeaderBlock } from '@tulle/core';
import { isEndpointError } from '@tulle/routing';
import type { CompiledRule, HeaderEdits } from '@tulle/routing';
import { http2ErrorCode, Http2Headers } from '@tulle/wire';
import { grpcStatusIn, grpcStatusOf } from '../http2/heads.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { AnswerReason } from './answers.ts';
import { answerStatus } from './answers.ts';
import type { AttemptOwner } from './attempts.ts';
import { Attempts } from './attempts.ts';
import { MirrorSet } from './mirror-set.ts';
import { isFailure, requestEntry } from './request-log.ts';
import { RouteChoice } from './route-choice.ts';
import { outcomeOf, reasonOf } from './server-failures.ts';
import type { ClientSide, HttpVersion, ResponseHead, ResponseWriter, ServerFailure } from './sides.ts';
import { joinSwitched } from './switched.ts';

/**
 * One request and its response, whatever the versions on either side: routed, sent to an endpoint, tried again where the
 * rule says so, answered by the mesh where nobody else can. An HTTP/1.1 connection has one and uses it again and again;
 * a stream of HTTP/2 has its own.
 *
 * States: idle -> {@link begin} -> an attempt is under way, or the back-off before the next -> a response has begun ->
 * idle; any -> idle by an answer of the mesh's, or when the client is gone. The client is told last, since it may begin
 * the next request at once.
 */
export class Exchange implements AttemptOwner {
  /** Whether a request is being carried. */
  active = false;
  /** Whether a part of a response has gone to the client. */
  responseStarted = false;
  readonly #pod: Pod;
  readonly #frontend: ServicePortView;
  readonly #client: ClientSide;
  readonly #response: ResponseWriter;
  readonly #choice: RouteChoice;
  readonly #attempts: Attempts;
  readonly #mirrors: MirrorSet;
  #corsEdits: HeaderEdits | undefined;
  #status = 0;
  #startedMs = 0;
  /** Of gRPC, once it is known; else -1. */
  #grpcStatus = -1;
  /** Whether it counts among its pod's requests. */
  #admitted = false;

  constructor(pod: Pod, frontend: ServicePortView, client: ClientSide) {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#client = client;
    this.#response = client.response;
    this.#choice = new RouteChoice(client.request.version === 1 ? 'http/1.1' : 'http/2');
    this.#attempts = new Attempts(pod, this.#choice, this);
    this.#mirrors = new MirrorSet(pod);
  }

  get isIdempotent(): boolean {
    return this.#client.request.isIdempotent;
  }

  /**
   * Whether the request's body can be taken now; if not, `resumeRequest` says when. What follows a request for another
   * protocol waits until the server has switched: a server that does not would read it as the next request.
   */
  get takesBody(): boolean {
    const { server, outgoing } = this.#attempts;
    return server !== undefined && server.opened && !outgoing.upgrade;
  }

  /** Routes the client's request and sends it, or answers it. `bodyFollows`: {@link sendBody} is called right after. */
  begin(bodyFollows: boolean): void {
    const { request } = this.#client;
    const choice = this.#choice;
    this.active = true;
    this.responseStarted = false;
    this.#startedMs = performance.now();
    this.#corsEdits = undefined;
    this.#status = 0;
    this.#grpcStatus = -1;
    this.#admitted = this.#pod.share.beginRequest();
    const verdict = choice.decide(this.#pod, this.#frontend, request.head);
    if (!this.#admitted) return this.answer('overload');
    if (verdict === 'redirect') return this.#redirect();
    if (verdict !== 'forward') return this.answer(verdict);
    const { rule, target } = choice;
    if (target === undefined) return this.answer('invalid-backend');
    const version = choice.serverVersion(target, request);
    const attempts = this.#attempts;
    attempts.reset(version, request.ended);
    attempts.retry.begin(rule?.retry, target.retryBudget, this.#startedMs);
    attempts.retry.keepBody(version === 2);
    if (rule !== undefined && this.#applyRule(rule) === 'answered') return;
    if (!this.#prepare(version)) return this.answer('bad-request');
    attempts.first(this.#startedMs, bodyFollows);
  }

  /** What a rule asks for besides its backend. */
  #applyRule({ rule, cors }: CompiledRule): 'answered' | 'go-on' {
    if (rule.requestTimeoutMs !== undefined) this.#attempts.limit(this.#startedMs + rule.requestTimeoutMs);
    if (cors === undefined) return 'go-on';
    const { head } = this.#client.request;
    if (!cors.isPreflight(head)) {
      this.#corsEdits = cors.responseEdits(head);
      return 'go-on';
    }
    const { status, headers } = cors.preflight(head);
    this.#finish(status, '');
    this.#client.answerPreflight(status, headers);
    return 'answered';
  }

  /** Makes the request that goes out, to the server and to mirrors. Gives false where it cannot be said. */
  #prepare(version: HttpVersion): boolean {
    const { request } = this.#client;
    const { backend } = this.#choice;
    const head = request.encode(version, backend);
    if (head === undefined) return false;
    const { outgoing } = this.#attempts;
    const mirrors = this.#mirrors;
    const { upgrade } = request;
    if (backend !== undefined && backend.mirrors.length > 0 && upgrade === 'none') {
      mirrors.choose(backend.mirrors, this.#choice, request);
    }
    const isFramed = request.version === 1 && version === 1 && mirrors.takesFraming;
    outgoing.head = head;
    outgoing.isHead = request.isHead;
    outgoing.upgrade = upgrade === 'websocket' || (upgrade === 'other' && version === 1);
    outgoing.payloadOnly = version === 2 || !request.takesFraming;
    const hasLength = !request.lengthUnknown || request.ended || outgoing.upgrade;
    outgoing.body = isFramed ? 'framed' : hasLength ? 'length' : 'chunked';
    outgoing.ended = request.ended;
    this.#client.setPayload(!isFramed);
    if (mirrors.size > 0) mirrors.begin(request, backend, outgoing, version);
    return true;
  }

  // What the client does.

  /** A part of the body, while {@link takesBody}. Gives false where no more should come until `resumeRequest`. */
  sendBody(chunk: Buffer, start: number, end: number): boolean {
    const { retry, server } = this.#attempts;
    retry.noteBody(chunk, start, end);
    if (this.#mirrors.size > 0) this.#mirrors.send(chunk, start, end);
    return server?.send(chunk, start, end) ?? true;
  }

  /** The request has come to its end, while {@link takesBody}; trailers where they are not in the framing. */
  endRequest(trailers: HeaderBlock | undefined): void {
    if (this.#mirrors.size > 0) this.#mirrors.end(trailers);
    this.#attempts.end(trailers);
  }

  /** The client takes no more bytes for now, which was found only after {@link ResponseWriter.body}. */
  clientFull(): void {
    this.#attempts.server?.pause();
  }

  /** The client takes bytes again. */
  clientWritable(): void {
    this.#attempts.server?.resume();
  }

  /** The client is gone. */
  clientGone(errorCode: number): void {
    if (!this.active) return;
    this.#attempts.drop(errorCode, 'cancelled');
    this.#finish(this.#status, 'client-closed');
  }

  /** The client broke the protocol, or was too slow about it: what it is told is its own side's to say. */
  clientFailed(status: number, reason: AnswerReason): void {
    if (!this.active) {
      this.#startedMs = performance.now();
      this.#choice.forget(this.#pod, this.#frontend);
    }
    this.#attempts.drop(http2ErrorCode.cancel, 'cancelled');
    this.#finish(status, reason);
  }

  // What the server does.

  onServerOpen(): void {
    this.#attempts.goOn();
  }

  onServerWritable(): void {
    this.#client.resumeRequest();
  }

  resumeRequest(): void {
    this.#client.resumeRequest();
  }

  onResponseHead(head: ResponseHead, ended: boolean): void {
    const { status } = head;
    if (status < 200 && status !== 101) {
      this.#response.head(head, undefined, 'body');
      return;
    }
    const attempts = this.#attempts;
    const switches = attempts.outgoing.upgrade && !ended && (attempts.version === 1 ? status === 101 : status < 300);
    if (switches && !this.#client.request.acceptsSwitch(head)) {
      attempts.drop(http2ErrorCode.cancel, 'failure');
      return this.answer('upstream-reset');
    }
    if (attempts.retry.retriesStatus(status) && attempts.tryAgain('response', status, 'error-response')) return;
    this.#status = status;
    this.responseStarted = true;
    attempts.settle();
    if (ended && head instanceof Http2Headers && this.#client.request.isGrpc) this.#grpcStatus = grpcStatusIn(head);
    const edits = this.#choice.responseEdits(this.#pod, this.#corsEdits, attempts.endpoint);
    this.#response.head(head, edits, switches ? 'switched' : ended ? 'nothing' : 'body');
  }

  onResponseBody(chunk: Buffer, start: number, end: number): void {
    if (!this.#response.body(chunk, start, end)) this.#attempts.server?.pause();
  }

  onResponseTrailers(fields: HeaderBlock): void {
    if (this.#client.request.isGrpc) this.#grpcStatus = grpcStatusIn(fields);
    this.#response.trailers(fields);
  }

  onResponsePause(): void {
    this.#response.send();
  }

  onResponseEnd(): void {
    const attempts = this.#attempts;
    const { server, requestEnded } = attempts;
    const nowMs = performance.now();
    attempts.server = undefined;
    attempts.finish(isEndpointError(this.#status) ? 'error-response' : 'success', nowMs);
    // The server answered before it had read the request: the rest of it goes nowhere.
    if (!requestEnded) server?.reset(http2ErrorCode.cancel);
    this.#finish(this.#status, '', nowMs);
    this.#client.respondEnd(requestEnded);
  }

  onUpgraded(chunk: Buffer, start: number, end: number): void {
    const attempts = this.#attempts;
    const server = attempts.server?.detach();
    attempts.server = undefined;
    attempts.finish('success');
    this.#finish(this.#status, '');
    this.#response.send();
    if (server === undefined) return;
    const splice = joinSwitched(this.#pod, this.#client.detach(), server);
    if (end > start) splice.onData(server, chunk, start, end);
    this.#client.startSplice(splice, server);
  }

  onServerFailure(failure: ServerFailure, errorCode: number): void {
    const attempts = this.#attempts;
    attempts.server = undefined;
    if (this.responseStarted) {
      // Half a response cannot be taken back: the client must see that it is cut off.
      attempts.finish('failure');
      this.#finish(this.#status, 'upstream-reset');
      this.#client.breakOff(errorCode);
      return;
    }
    const { retry } = attempts;
    // A server may close an idle connection just when a request is on its way there: it has not read it.
    if (failure === 'stale' && !retry.bodySent && !retry.staleOnce && this.isIdempotent) return attempts.tryFresh();
    const isFault = failure !== 'stale' && failure !== 'unprocessed' && failure !== 'upgrade-unsupported';
    const health = isFault ? 'failure' : 'cancelled';
    const outcome = outcomeOf(failure);
    if (outcome !== undefined && attempts.tryAgain(outcome, 0, health)) return;
    attempts.finish(health);
    this.answer(reasonOf(failure));
  }

  requestTimedOut(): void {
    if (!this.responseStarted) return this.answer('request-timeout');
    this.#finish(this.#status, 'request-timeout');
    this.#client.breakOff(http2ErrorCode.cancel);
  }

  // The end.

  /** Answers the request in place of a server. */
  answer(reason: AnswerReason): void {
    if (this.#client.request.isGrpc) this.#grpcStatus = grpcStatusOf(reason);
    this.#finish(answerStatus(reason), reason);
    this.#client.answer(reason);
  }

  #redirect(): void {
    const { rule, backend } = this.#choice;
    const redirect = backend?.redirect ?? rule?.redirect;
    if (redirect === undefined) return this.answer('no-route');
    const context = { scheme: 'http', port: this.#frontend.port.port } as const;
    const location = redirect.buildLocation(this.#client.request.head, context);
    this.#finish(redirect.status, '');
    this.#client.answerRedirect(redirect.status, location, backend?.responseHeaders ?? rule?.responseHeaders);
  }

  /** The request is counted, and nothing of it is left. */
  #finish(status: number, reason: string, nowMs: number = performance.now()): void {
    const durationMs = nowMs - this.#startedMs;
    const grpcStatus = this.#grpcStatus;
    this.#choice.record(status, reason, durationMs, grpcStatus);
    const { accessLog } = this.#pod.context;
    if (accessLog.wants(isFailure(status, reason, grpcStatus))) this.#log(status, reason, durationMs);
    if (this.#admitted) this.#pod.share.endRequest();
    this.#admitted = false;
    this.active = false;
    this.#attempts.clear();
    if (this.#mirrors.size > 0) this.#mirrors.clear();
  }

  #log(status: number, reason: string, durationMs: number): void {
    const { outgoing, retry, served, version } = this.#attempts;
    // What was never begun has no head, or only a part of one.
    const { active } = this;
    this.#pod.context.accessLog.add(
      requestEntry(this.#pod, this.#frontend, this.#choice, {
        status,
        grpcStatus: this.#grpcStatus,
        reason,
        durationMs,
        retries: retry.retries,
        endpoint: served,
        head: active ? this.#client.request.head : undefined,
        sent: active ? { head: outgoing.head, version } : undefined,
      }),
    );
  }
}
