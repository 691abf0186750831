import type { BalancedEndpoint, CompiledRule, HeaderEdits } from '@tulle/routing';
import { isEndpointError, isIdempotentMethod, wantsRetry } from '@tulle/routing';
import type { AttemptOutcome } from '@tulle/routing';
import type { Http1PayloadSink, Http1RequestHead, Http1ResponseHead } from '@tulle/wire';
import { Http1RequestReader, methodCode, needsUnframedBody, writeRequestHead, writeResponseHead } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from '../channel.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod, PodConnection } from '../pod.ts';
import { Splice } from '../splice.ts';
import type { Deadline } from '../tick.ts';
import type { AnswerReason } from './answers.ts';
import { answerStatus, http1Answer, http1Preflight, http1Redirect } from './answers.ts';
import { dropNamesOf, RequestEdits, ResponseEdits, withCors } from './edits.ts';
import { MirroredRequest } from './mirror.ts';
import { pathSeriesOf } from './path-series.ts';
import { Replay } from './replay.ts';
import { RouteChoice } from './route-choice.ts';
import type { ResponseReceiver, Upstream, UpstreamFailure } from './upstream.ts';

/** From the first byte of a head to its last. */
const headTimeoutMs = 10_000;
/** A connection between two requests. */
const idleTimeoutMs = 600_000;
/** After an answer to a request whose body was not read, so long the rest is thrown away before the connection closes. */
const lingerMs = 1_000;
/** Up to this size a body that came with its head leaves in the same write. */
const joinedBodyBytes = 16 * 1024;
const emptyChunk = Buffer.alloc(0);
const never = Number.POSITIVE_INFINITY;

/**
 * One HTTP/1.1 connection of the pod's application, to a Service. Each request on it is routed and balanced by itself.
 *
 * States: `head` (between requests, or inside a head) -> `exchange` (a request is being carried, its response awaited)
 * -> `head`; any -> `closing` (the last answer is written, input is thrown away) -> closed; `exchange` -> `upgraded`.
 */
export class Http1Client implements ChannelOwner, ResponseReceiver, PodConnection, Deadline, Http1PayloadSink {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #pod: Pod;
  readonly #channel: ByteChannel;
  readonly #frontend: ServicePortView;
  readonly #reader = new Http1RequestReader();
  readonly #requestEdits = new RequestEdits();
  readonly #responseEdits = new ResponseEdits();
  #state: 'head' | 'exchange' | 'closing' | 'upgraded' | 'closed' = 'head';
  /** Input that waits: for the server's connection to open, or for the response before the next request. */
  #held: Buffer | undefined;
  #clientEnded = false;
  #closeAfter = false;
  // The exchange under way.
  readonly #choice = new RouteChoice('http/1.1');
  #endpoint: BalancedEndpoint | undefined;
  #upstream: Upstream | undefined;
  #requestHead: Buffer | undefined;
  #requestDeadlineMs = never;
  #attemptDeadlineMs = never;
  #retryAtMs = never;
  /** The endpoint that failed last, where the next attempt waits for its time. */
  #avoid: BalancedEndpoint | undefined;
  /** Kept only where the rule has a retry policy. */
  #replay: Replay | undefined;
  readonly #mirrored: MirroredRequest[] = [];
  #corsEdits: HeaderEdits | undefined;
  #requestDone = false;
  #bodySent = false;
  #responseStarted = false;
  #retries = 0;
  #startedMs = 0;
  #attemptStartedMs = 0;
  #status = 0;

  constructor(pod: Pod, channel: ByteChannel, frontend: ServicePortView) {
    this.#pod = pod;
    this.#channel = channel;
    this.#frontend = frontend;
    channel.owner = this;
    pod.connections.add(this);
    pod.context.ticker.add(this);
    this.deadlineMs = pod.context.ticker.nowMs + idleTimeoutMs;
  }

  /** The response under way is the connection's last; an idle connection stays until its client or a deadline ends it. */
  drain(): void {
    this.#closeAfter = true;
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    const idle = this.#state === 'head' && !this.#reader.headBegun;
    this.#dropUpstream();
    this.#leave();
    if (idle) this.#channel.end();
    else this.#channel.reset();
  }

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (this.#held === undefined) {
      this.#consume(chunk, start, end);
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk.subarray(start, end)]);
  }

  #consume(chunk: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case 'head': {
          at = this.#reader.readHead(chunk, at, end);
          const { state } = this.#reader;
          if (state === 'head') {
            if (this.deadlineMs > this.#pod.context.ticker.nowMs + headTimeoutMs && this.#reader.headBegun) {
              this.deadlineMs = this.#pod.context.ticker.nowMs + headTimeoutMs;
            }
            return;
          }
          if (state === 'failed') {
            this.#refuse();
            return;
          }
          at = this.#beginExchange(chunk, at, end);
          break;
        }
        case 'exchange': {
          const upstream = this.#upstream;
          if (this.#requestDone || upstream === undefined || !upstream.opened) {
            this.#hold(chunk, at, end);
            return;
          }
          at = this.#forwardBody(upstream, chunk, at, end);
          break;
        }
        case 'closing':
        case 'upgraded':
        case 'closed':
          return;
      }
    }
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    this.#held = chunk.subarray(start, end);
    this.#channel.pause();
  }

  #forwardBody(upstream: Upstream, chunk: Buffer, start: number, end: number): number {
    const next = this.#reader.readBody(chunk, start, end);
    if (this.#reader.state === 'failed') {
      this.#refuse();
      return end;
    }
    this.#noteBody(chunk, start, next);
    if (!upstream.send(chunk, start, next)) this.#channel.pause();
    if (this.#reader.state === 'complete') this.#endRequest(upstream);
    return next;
  }

  #endRequest(upstream: Upstream): void {
    this.#requestDone = true;
    for (const mirrored of this.#mirrored) mirrored.end();
    this.#mirrored.length = 0;
    upstream.endRequest();
  }

  /** Routes the request whose head is read, and sends it or answers it. Gives the offset behind what it took. */
  #beginExchange(chunk: Buffer, start: number, end: number): number {
    const { head } = this.#reader;
    this.#state = 'exchange';
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#startedMs = performance.now();
    this.#requestDone = this.#reader.state === 'complete';
    this.#bodySent = false;
    this.#responseStarted = false;
    this.#retries = 0;
    this.#status = 0;
    this.#replay = undefined;
    this.#corsEdits = undefined;
    const verdict = this.#choice.decide(this.#pod, this.#frontend, head);
    if (verdict === 'redirect') return this.#redirect(start);
    if (verdict !== 'forward') return this.#answer(verdict, start);
    const { rule } = this.#choice;
    if (rule !== undefined && !this.#applyRule(rule, head)) return start;
    this.#requestHead = this.#writeHead(head);
    this.#beginMirrors();
    return this.#attempt(undefined, chunk, start, end);
  }

  /** What a rule asks for besides its backend. Gives false where that was the answer already. */
  #applyRule(rule: CompiledRule, head: Http1RequestHead): boolean {
    const { requestTimeoutMs } = rule.rule;
    this.#requestDeadlineMs = requestTimeoutMs === undefined ? never : this.#startedMs + requestTimeoutMs;
    this.#attemptDeadlineMs = never;
    this.#retryAtMs = never;
    this.#armDeadline();
    if (rule.retry !== undefined) {
      this.#replay = new Replay();
      this.#choice.target?.retryBudget.countRequest(this.#startedMs);
    }
    const { cors } = rule;
    if (cors === undefined) return true;
    if (!cors.isPreflight(head)) {
      this.#corsEdits = cors.responseEdits(head);
      return true;
    }
    const { status, headers } = cors.preflight(head);
    this.#status = status;
    this.#count('');
    const close = this.#closesAfterAnswer();
    this.#reply(http1Preflight(headers.append, close), close);
    return false;
  }

  #armDeadline(): void {
    this.deadlineMs = Math.min(this.#requestDeadlineMs, this.#attemptDeadlineMs, this.#retryAtMs);
  }

  #beginMirrors(): void {
    const mirrors = this.#choice.backend?.mirrors;
    if (mirrors === undefined || mirrors.length === 0) return;
    const isHead = this.#reader.head.method === methodCode.HEAD;
    for (const mirror of mirrors) {
      if (!mirror.sample()) continue;
      const mirrored = MirroredRequest.begin(this.#pod, mirror, { head: this.#requestHead as Buffer, isHead });
      if (mirrored === undefined) continue;
      if (this.#requestDone) mirrored.end();
      else this.#mirrored.push(mirrored);
    }
  }

  /** A part of the body went to the server: it goes to the mirrors, too, and is kept while it may be needed again. */
  #noteBody(chunk: Buffer, start: number, end: number): void {
    this.#bodySent = true;
    this.#replay?.add(chunk, start, end);
    for (const mirrored of this.#mirrored) mirrored.send(chunk, start, end);
  }

  /** Sends the request to an endpoint; takes what of the body is there where the connection is open. */
  #attempt(avoid: BalancedEndpoint | undefined, chunk: Buffer, start: number, end: number): number {
    const { context } = this.#pod;
    const endpoint = this.#choice.target?.balancer.pick(context.ticker.nowMs, avoid);
    if (endpoint === undefined) return this.#answer('no-healthy-endpoint', start);
    this.#endpoint = endpoint;
    endpoint.begin();
    this.#attemptStartedMs = this.#retries === 0 ? this.#startedMs : performance.now();
    let upstream: Upstream;
    try {
      upstream = this.#pod.takeUpstream(endpoint, this.#retries > 0);
    } catch (error) {
      context.log.warn('a socket could not be made in a pod', { error: String(error) });
      this.#finishEndpoint('failure');
      return this.#answer('connect-failed', start);
    }
    this.#upstream = upstream;
    const { head } = this.#reader;
    upstream.begin(this, { isHead: head.method === methodCode.HEAD, upgrade: head.upgrade });
    const requestHead = this.#requestHead as Buffer;
    const attemptTimeoutMs = this.#choice.rule?.rule.backendRequestTimeoutMs;
    if (attemptTimeoutMs !== undefined) {
      this.#attemptDeadlineMs = this.#attemptStartedMs + attemptTimeoutMs;
      this.#armDeadline();
    }
    if (this.#bodySent) {
      // Another attempt, with what of the body has been sent before.
      upstream.send(requestHead, 0, requestHead.length);
      for (const sent of this.#replay?.chunks ?? []) upstream.send(sent, 0, sent.length);
      if (this.#requestDone) upstream.endRequest();
      return start;
    }
    if (this.#requestDone) {
      upstream.send(requestHead, 0, requestHead.length);
      upstream.endRequest();
      return start;
    }
    return this.#sendWithBody(upstream, requestHead, chunk, start, end);
  }

  #sendWithBody(upstream: Upstream, requestHead: Buffer, chunk: Buffer, start: number, end: number): number {
    const available = end - start;
    if (!upstream.opened || available === 0 || available > joinedBodyBytes) {
      upstream.send(requestHead, 0, requestHead.length);
      return start;
    }
    const next = this.#reader.readBody(chunk, start, end);
    if (this.#reader.state === 'failed') {
      this.#refuse();
      return end;
    }
    this.#noteBody(chunk, start, next);
    const joined = Buffer.allocUnsafe(requestHead.length + next - start);
    requestHead.copy(joined, 0);
    chunk.copy(joined, requestHead.length, start, next);
    if (!upstream.send(joined, 0, joined.length)) this.#channel.pause();
    if (this.#reader.state === 'complete') this.#endRequest(upstream);
    return next;
  }

  #writeHead(head: Http1RequestHead): Buffer {
    const edits = this.#requestEdits;
    const headers = this.#choice.backend?.requestHeaders;
    const rewrite = this.#choice.backend?.rewrite;
    edits.dropNames = dropNamesOf(headers);
    edits.append = headers?.append;
    edits.target = rewrite?.target?.build(head);
    edits.host = rewrite?.host;
    const { writer } = this.#pod.context;
    writeRequestHead(writer, head, edits);
    return writer.take();
  }

  onUpstreamOpen(): void {
    this.#release();
  }

  onUpstreamWritable(): void {
    if (this.#held === undefined) this.#channel.resume();
  }

  /** Goes on with input that was held. */
  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#consume(held, 0, held.length);
    if (this.#held === undefined && this.#state !== 'closed' && this.#state !== 'upgraded') this.#channel.resume();
  }

  onResponseHead(head: Http1ResponseHead): void {
    const { writer } = this.#pod.context;
    const request = this.#reader.head;
    if (head.interim) {
      if (request.versionMinor === 0) return;
      writeResponseHead(writer, head);
      this.#flush();
      return;
    }
    this.#status = head.status;
    if (this.#retriesResponse(head.status)) return;
    this.#responseStarted = true;
    // The first byte is there: from now on only the time for the whole request counts.
    if (this.#attemptDeadlineMs !== never) {
      this.#attemptDeadlineMs = never;
      this.#armDeadline();
    }
    const edits = this.#responseEdits;
    const headers = withCors(
      this.#choice.backend?.responseHeaders ?? this.#choice.rule?.responseHeaders,
      this.#corsEdits,
    );
    const unframed = needsUnframedBody(request.versionMinor, head);
    if (!request.keepAlive || head.bodyKind === 'until-close' || unframed) this.#closeAfter = true;
    edits.dropNames = headers?.dropNames;
    edits.append = headers?.append;
    edits.dropFraming = unframed;
    edits.connection = this.#closeAfter ? 'close' : request.versionMinor === 0 ? 'keep-alive' : undefined;
    if (unframed && this.#upstream !== undefined) this.#upstream.sink = this;
    writeResponseHead(writer, head, edits);
  }

  /** Whether the response is one to be thrown away, because the rule says to try again. */
  #retriesResponse(status: number): boolean {
    const policy = this.#choice.rule?.retry;
    if (policy === undefined || !policy.retriesStatus(status)) return false;
    if (!this.#wantsRetry('response', status)) return false;
    const upstream = this.#upstream;
    const avoid = this.#endpoint;
    this.#upstream = undefined;
    upstream?.reset();
    this.#finishEndpoint('error-response');
    this.#retryLater(avoid);
    return true;
  }

  /** Whether policy and budget allow another attempt; if so it is counted. */
  #wantsRetry(outcome: AttemptOutcome, status: number): boolean {
    const policy = this.#choice.rule?.retry;
    const wanted = wantsRetry(policy, {
      outcome,
      status,
      retries: this.#retries,
      responseStarted: this.#responseStarted,
      bodyReplayable: !this.#bodySent || this.#replay?.whole === true,
      idempotent: isIdempotentMethod(this.#reader.head),
    });
    if (!wanted) return false;
    if (policy === undefined) return true;
    if (this.#choice.target?.retryBudget.tryRetry(performance.now()) === true) return true;
    this.#pod.context.counters.add('retry_budget_exhausted');
    return false;
  }

  /** Tries again, after the policy's back-off. */
  #retryLater(avoid: BalancedEndpoint | undefined): void {
    const policy = this.#choice.rule?.retry;
    this.#avoid = avoid;
    this.#attemptDeadlineMs = never;
    this.#retries += 1;
    this.#pod.context.counters.add('retries');
    if (policy === undefined) {
      this.#attempt(avoid, emptyChunk, 0, 0);
      return;
    }
    this.#retryAtMs = performance.now() + policy.delayMs(this.#retries - 1);
    this.#armDeadline();
  }

  onResponseBody(chunk: Buffer, start: number, end: number): void {
    if (this.#responseEdits.dropFraming) return;
    this.#writeBody(chunk, start, end);
  }

  onPayload(buffer: Uint8Array, start: number, end: number): void {
    this.#writeBody(Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start), 0, end - start);
  }

  #writeBody(chunk: Buffer, start: number, end: number): void {
    const { writer } = this.#pod.context;
    if (writer.length > 0) {
      if (end - start <= joinedBodyBytes) {
        writer.writeRange(chunk, start, end);
        return;
      }
      this.#flush();
    }
    if (!this.#channel.write(chunk, start, end)) this.#upstream?.pause();
  }

  onResponsePause(): void {
    this.#flush();
  }

  #flush(): void {
    const { writer } = this.#pod.context;
    if (writer.length === 0) return;
    const bytes = writer.take();
    if (!this.#channel.write(bytes, 0, bytes.length)) this.#upstream?.pause();
  }

  onResponseEnd(): void {
    this.#flush();
    this.#finishEndpoint(isEndpointError(this.#status) ? 'error-response' : 'success');
    this.#count('');
    const upstream = this.#upstream;
    this.#upstream = undefined;
    if (this.#requestDone) {
      this.#endExchange();
      return;
    }
    // The server answered before it had read the request: the rest of it goes nowhere, so the connection ends here.
    upstream?.reset();
    this.#close();
  }

  /** The exchange is over, with a response to its end: the next request, or the connection's end. */
  #endExchange(): void {
    if (this.#closeAfter) {
      this.#close();
      return;
    }
    this.#reader.next();
    this.#state = 'head';
    // The next head may be refused, or late: that gets an answer, whatever came before it.
    this.#responseStarted = false;
    this.deadlineMs = this.#pod.context.ticker.nowMs + idleTimeoutMs;
    if (this.#held !== undefined) this.#release();
    else this.#channel.resume();
    // A client that has said all it will still gets an answer to every request that it sent.
    if (this.#clientEnded) this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#state === 'head') this.#close();
  }

  onUpgraded(chunk: Buffer, start: number, end: number): void {
    this.#flush();
    this.#finishEndpoint('success');
    this.#count('');
    const server = this.#upstream?.detach();
    const early = this.#held;
    this.#upstream = undefined;
    this.#held = undefined;
    this.#state = 'upgraded';
    this.deadlineMs = Number.POSITIVE_INFINITY;
    if (server === undefined) return;
    const pod = this.#pod;
    const connection: PodConnection = { drain: () => {}, destroy: () => splice.reset() };
    const splice = new Splice(this.#channel, server, () => pod.connections.delete(connection));
    pod.connections.add(connection);
    this.#leave();
    if (end > start) splice.onData(server, chunk, start, end);
    if (early !== undefined) splice.onData(this.#channel, early, 0, early.length);
    if (this.#clientEnded) server.end();
    this.#channel.resume();
  }

  onUpstreamFailure(failure: UpstreamFailure): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    const avoid = this.#endpoint;
    const wasStale =
      upstream?.reused === true && (failure === 'reset' || failure === 'truncated' || failure === 'tunnel-closed');
    if (wasStale) this.#finishEndpoint('cancelled');
    else this.#finishEndpoint('failure');
    if (this.#responseStarted) {
      // Half a response cannot be taken back: the client must see that it is cut off.
      this.#count('upstream-reset');
      this.#pod.context.writer.discard();
      this.#leave();
      this.#channel.reset();
      return;
    }
    if (this.#state === 'exchange' && failure !== 'bad-response' && failure !== 'policy-denied') {
      // A server may close an idle connection just when a request is on its way there: it has not read it.
      if (wasStale && !this.#bodySent && this.#retries === 0 && isIdempotentMethod(this.#reader.head)) {
        this.#retries += 1;
        this.#attempt(undefined, emptyChunk, 0, 0);
        return;
      }
      if (this.#wantsRetry(upstream?.opened === true ? 'reset' : 'connect-failed', 0)) {
        this.#retryLater(avoid);
        return;
      }
    }
    this.#answer(reasonOf(failure, upstream?.opened ?? false), 0);
  }

  /** Answers the request itself. Gives the offset to go on from, for callers that are reading. */
  #answer(reason: AnswerReason, at: number, status = answerStatus(reason)): number {
    this.#status = status;
    this.#count(reason);
    const { head } = this.#reader;
    const close = this.#closesAfterAnswer();
    this.#reply(http1Answer(reason, { close, isHead: head.method === methodCode.HEAD, status }), close);
    return at;
  }

  #redirect(at: number): number {
    const { head } = this.#reader;
    const { rule, backend } = this.#choice;
    const redirect = backend?.redirect ?? rule?.redirect;
    if (redirect === undefined) return at;
    const { append } = backend?.responseHeaders ?? rule?.responseHeaders ?? {};
    const location = redirect.buildLocation(head, { scheme: 'http', port: this.#frontend.port.port });
    this.#status = redirect.status;
    this.#count('');
    const close = this.#closesAfterAnswer();
    this.#reply(http1Redirect(redirect.status, location, close, append), close);
    return at;
  }

  /** Whether the connection ends with an answer of the mesh: a body that was not read is in the way of the next request. */
  #closesAfterAnswer(): boolean {
    return this.#closeAfter || !this.#requestDone || !this.#reader.head.keepAlive;
  }

  #reply(bytes: Buffer, close: boolean): void {
    this.#channel.write(bytes, 0, bytes.length);
    if (close) this.#close();
    else this.#endExchange();
  }

  /** The client broke the protocol: the answer the codec says, and the end of the connection. */
  #refuse(): void {
    const { failure } = this.#reader;
    this.#dropUpstream();
    this.#status = failure?.status ?? 400;
    this.#choice.series ??= pathSeriesOf(this.#pod, this.#frontend, undefined, 'http/1.1');
    if (this.#responseStarted) {
      this.#leave();
      this.#channel.reset();
      return;
    }
    const code = failure?.code;
    const reason: AnswerReason =
      code === 'not-http' ? 'not-http' : code === 'header-too-large' ? 'header-too-large' : 'bad-request';
    this.#startedMs = performance.now();
    this.#count(reason);
    const bytes = http1Answer(reason, { close: true, isHead: false, status: this.#status });
    this.#channel.write(bytes, 0, bytes.length);
    this.#close();
  }

  /** Nothing more will be written. What still comes is thrown away for a while, so that no reset overtakes the answer. */
  #close(): void {
    this.#state = 'closing';
    this.#held = undefined;
    this.deadlineMs = this.#pod.context.ticker.nowMs + lingerMs;
    this.#channel.end();
    this.#channel.resume();
  }

  onEnd(): void {
    this.#clientEnded = true;
    switch (this.#state) {
      case 'head': {
        this.#close();
        return;
      }
      case 'exchange':
        // The body will not come to its end; a request that is whole still gets its response.
        if (!this.#requestDone && this.#held === undefined) {
          this.#dropUpstream();
          this.#leave();
          this.#channel.reset();
        }
        return;
      case 'closing':
      case 'upgraded':
      case 'closed':
    }
  }

  onWritable(): void {
    this.#upstream?.resume();
  }

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    if (this.#state === 'exchange' && this.#upstream !== undefined) this.#count('client-closed');
    this.#dropUpstream();
    this.#leave();
  }

  onDeadline(): void {
    switch (this.#state) {
      case 'head':
        if (!this.#reader.headBegun) {
          this.#close();
          return;
        }
        this.#timeOut('header-timeout');
        return;
      case 'exchange':
        this.#onExchangeDeadline();
        return;
      case 'closing':
        this.#leave();
        this.#channel.reset();
        return;
      case 'upgraded':
      case 'closed':
    }
  }

  /** The time for the whole request is over, or for one attempt, or the wait before the next one. */
  #onExchangeDeadline(): void {
    const { nowMs } = this.#pod.context.ticker;
    if (nowMs >= this.#requestDeadlineMs) {
      this.#timeOut('request-timeout');
      return;
    }
    if (nowMs >= this.#retryAtMs) {
      this.#retryAtMs = never;
      this.#armDeadline();
      this.#attempt(this.#avoid, emptyChunk, 0, 0);
      return;
    }
    if (nowMs < this.#attemptDeadlineMs) {
      this.#armDeadline();
      return;
    }
    const avoid = this.#endpoint;
    const upstream = this.#upstream;
    this.#attemptDeadlineMs = never;
    this.#upstream = undefined;
    upstream?.reset();
    this.#finishEndpoint('failure');
    if (this.#wantsRetry('timeout', 0)) this.#retryLater(avoid);
    else this.#answer('upstream-timeout', 0);
  }

  #timeOut(reason: 'header-timeout' | 'request-timeout'): void {
    this.#dropUpstream();
    if (this.#responseStarted) {
      this.#count(reason);
      this.#leave();
      this.#channel.reset();
      return;
    }
    if (this.#state === 'head') {
      this.#choice.series ??= pathSeriesOf(this.#pod, this.#frontend, undefined, 'http/1.1');
      this.#startedMs = performance.now();
    }
    this.#requestDone &&= this.#state === 'exchange';
    this.#status = answerStatus(reason);
    this.#count(reason);
    const bytes = http1Answer(reason, { close: true, isHead: false });
    this.#channel.write(bytes, 0, bytes.length);
    this.#close();
  }

  #dropUpstream(): void {
    for (const mirrored of this.#mirrored) mirrored.abandon();
    this.#mirrored.length = 0;
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.reset();
    this.#finishEndpoint('cancelled');
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
    if (this.#state === 'closed') return;
    if (this.#state !== 'upgraded') this.#state = 'closed';
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}

function reasonOf(failure: UpstreamFailure, opened: boolean): AnswerReason {
  if (failure === 'policy-denied') return 'policy-denied';
  if (failure === 'bad-response') return 'upstream-reset';
  return opened ? 'upstream-reset' : 'connect-failed';
}
