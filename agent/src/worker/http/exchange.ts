import type { HeaderBlock } from '@tulle/core';
import { isEndpointError } from '@tulle/routing';
import type { CompiledRule, HeaderEdits } from '@tulle/routing';
import { http2ErrorCode, Http2Headers } from '@tulle/wire';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { AnswerReason } from './answers.ts';
import { answerStatus } from './answers.ts';
import type { AttemptOwner } from './attempts.ts';
import { Attempts } from './attempts.ts';
import { MirrorSet } from './mirror-set.ts';
import { RequestRecord } from './request-record.ts';
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
  readonly #record: RequestRecord;
  /** Made with the first request that is mirrored. */
  #mirrors: MirrorSet | undefined;
  #corsEdits: HeaderEdits | undefined;
  #status = 0;

  constructor(pod: Pod, frontend: ServicePortView, client: ClientSide) {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#client = client;
    this.#response = client.response;
    this.#choice = new RouteChoice(client.request.version === 1 ? 'http/1.1' : 'http/2');
    this.#attempts = new Attempts(pod, this.#choice, this);
    this.#record = new RequestRecord(pod, frontend, client.request, this.#choice, this.#attempts);
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
    this.#corsEdits = undefined;
    this.#status = 0;
    const admitted = this.#record.begin();
    const verdict = choice.decide(this.#pod, this.#frontend, request.head);
    if (!admitted) return this.answer('overload');
    if (verdict === 'redirect') return this.#redirect();
    if (verdict !== 'forward') return this.answer(verdict);
    const { rule, target } = choice;
    if (target === undefined) return this.answer('invalid-backend');
    const version = choice.serverVersion(target, request);
    const attempts = this.#attempts;
    const { startedMs } = this.#record;
    attempts.reset(version, request.ended);
    attempts.retry.begin(rule?.retry, target.retryBudget, startedMs);
    attempts.retry.keepBody(version === 2);
    if (rule !== undefined && this.#applyRule(rule) === 'answered') return;
    if (!this.#prepare(version)) return this.answer('bad-request');
    attempts.first(startedMs, bodyFollows);
  }

  /** What a rule asks for besides its backend. */
  #applyRule({ rule, cors }: CompiledRule): 'answered' | 'go-on' {
    if (rule.requestTimeoutMs !== undefined) this.#attempts.limit(this.#record.startedMs + rule.requestTimeoutMs);
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
    const { upgrade } = request;
    if (backend !== undefined && backend.mirrors.length > 0 && upgrade === 'none') {
      this.#mirrors ??= new MirrorSet(this.#pod);
      this.#mirrors.choose(backend.mirrors, this.#choice, request);
    }
    const mirrors = this.#mirrors;
    const isFramed = request.version === 1 && version === 1 && mirrors?.takesFraming !== false;
    outgoing.head = head;
    outgoing.isHead = request.isHead;
    outgoing.upgrade = upgrade === 'websocket' || (upgrade === 'other' && version === 1);
    outgoing.payloadOnly = version === 2 || !request.takesFraming;
    const hasLength = !request.lengthUnknown || request.ended || outgoing.upgrade;
    outgoing.body = isFramed ? 'framed' : hasLength ? 'length' : 'chunked';
    outgoing.ended = request.ended;
    this.#client.setPayload(!isFramed);
    mirrors?.begin(request, backend, outgoing, version);
    return true;
  }

  // What the client does.

  /** A part of the body, while {@link takesBody}. Gives false where no more should come until `resumeRequest`. */
  sendBody(chunk: Buffer, start: number, end: number): boolean {
    const { retry, server } = this.#attempts;
    retry.noteBody(chunk, start, end);
    this.#mirrors?.send(chunk, start, end);
    return server?.send(chunk, start, end) ?? true;
  }

  /** The request has come to its end, while {@link takesBody}; trailers where they are not in the framing. */
  endRequest(trailers: HeaderBlock | undefined): void {
    this.#mirrors?.end(trailers);
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
    if (!this.active) this.#record.beginLate();
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
    if (ended && head instanceof Http2Headers) this.#record.noteLast(head);
    const edits = this.#choice.responseEdits(this.#pod, this.#corsEdits, attempts.endpoint);
    this.#response.head(head, edits, switches ? 'switched' : ended ? 'nothing' : 'body');
  }

  onResponseBody(chunk: Buffer, start: number, end: number): void {
    if (!this.#response.body(chunk, start, end)) this.#attempts.server?.pause();
  }

  onResponseTrailers(fields: HeaderBlock): void {
    this.#record.noteLast(fields);
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
    this.#record.noteAnswer(reason);
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
  #finish(status: number, reason: string, nowMs?: number): void {
    this.#record.finish(status, reason, this.active, nowMs);
    this.active = false;
    this.#attempts.clear();
    this.#mirrors?.clear();
  }
}
