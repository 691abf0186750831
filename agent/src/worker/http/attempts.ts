import type { HeaderBlock } from '@tulle/core';
import type { AttemptOutcome, BalancedEndpoint, EndpointOutcome } from '@tulle/routing';
import { http2ErrorCode } from '@tulle/wire';
import type { Pod } from '../pod.ts';
import type { Deadline } from '../tick.ts';
import type { AnswerReason } from './answers.ts';
import { RetryState } from './retry-state.ts';
import type { RouteChoice } from './route-choice.ts';
import type { HttpVersion, OutgoingRequest, ServerReceiver, ServerSide } from './sides.ts';
import { takeServer } from './take-server.ts';
import { encodeTrailers } from './trailers.ts';

const never = Number.POSITIVE_INFINITY;
const noBytes: Buffer = Buffer.alloc(0);

/** The request that goes out: one object an exchange, filled anew for each request. */
export class Outgoing implements OutgoingRequest {
  head: Buffer = noBytes;
  isHead = false;
  upgrade = false;
  ended = false;
  body: 'framed' | 'length' | 'chunked' = 'framed';
  payloadOnly = false;
}

/** What the attempts of a request ask of the exchange that they belong to. */
export interface AttemptOwner extends ServerReceiver {
  /** Whether the method is idempotent (RFC 9110 section 9.2.2). */
  readonly isIdempotent: boolean;
  /** Nothing more is tried. */
  answer(reason: AnswerReason): void;
  /** The time for the whole request is over; the server was dropped. */
  requestTimedOut(): void;
  /** The server takes the body. */
  resumeRequest(): void;
}

/**
 * The attempts of one request after the other: an endpoint for each, its server's side, the time that it has, and
 * whether and when there is another. Reused from request to request.
 */
export class Attempts implements Deadline {
  tickerSlot = -1;
  deadlineMs = never;
  readonly outgoing = new Outgoing();
  readonly retry = new RetryState();
  server: ServerSide | undefined;
  version: HttpVersion = 1;
  /** Whether the client has sent all of the request. */
  requestEnded = false;
  readonly #pod: Pod;
  readonly #choice: RouteChoice;
  readonly #owner: AttemptOwner;
  /** Where the attempt under way goes. */
  endpoint: BalancedEndpoint | undefined;
  /** The endpoint that failed last, where the next attempt waits for its time. */
  #avoid: BalancedEndpoint | undefined;
  /** The endpoint of the last attempt, also when that is over. */
  served: BalancedEndpoint | undefined;
  #trailers: Buffer | undefined;
  #startedMs = 0;
  #requestDeadlineMs = never;
  #attemptDeadlineMs = never;
  #retryAtMs = never;

  constructor(pod: Pod, choice: RouteChoice, owner: AttemptOwner) {
    this.#pod = pod;
    this.#choice = choice;
    this.#owner = owner;
  }

  /** Begins with the next request. */
  reset(version: HttpVersion, requestEnded: boolean): void {
    this.version = version;
    this.requestEnded = requestEnded;
    this.#trailers = undefined;
    this.served = undefined;
  }

  /** The time that the whole request has. */
  limit(deadlineMs: number): void {
    this.#requestDeadlineMs = deadlineMs;
    this.#arm();
  }

  /** Sends the request to an endpoint. `bodyFollows`: the client sends a part of the body right after this. */
  first(startedMs: number, bodyFollows: boolean): void {
    this.#startedMs = startedMs;
    this.#begin(undefined, bodyFollows);
  }

  #again(avoid: BalancedEndpoint | undefined): void {
    this.#startedMs = performance.now();
    this.#begin(avoid, false);
  }

  #begin(avoid: BalancedEndpoint | undefined, bodyFollows: boolean): void {
    const { context } = this.#pod;
    const { pinned, target } = this.#choice;
    const endpoint =
      pinned !== undefined && avoid === undefined ? pinned : target?.balancer.pick(context.ticker.nowMs, avoid);
    if (endpoint === undefined) return this.#owner.answer('no-healthy-endpoint');
    this.endpoint = endpoint;
    this.served = endpoint;
    endpoint.begin();
    const { retry, outgoing } = this;
    const isFirst = retry.retries === 0 && !retry.staleOnce;
    const server = takeServer(this.#pod, endpoint, this.version, !isFirst);
    if (server === undefined) {
      this.finish('failure');
      return this.#owner.answer('connect-failed');
    }
    this.server = server;
    const timeoutMs = this.#choice.rule?.rule.backendRequestTimeoutMs;
    if (timeoutMs !== undefined) {
      this.#attemptDeadlineMs = this.#startedMs + timeoutMs;
      this.#arm();
    }
    outgoing.ended = this.requestEnded && !retry.bodySent && this.#trailers === undefined;
    const { opened } = server;
    server.begin(this.#owner, outgoing, bodyFollows && opened && outgoing.body === 'framed');
    if (outgoing.ended) server.end(undefined);
    else if (opened && !isFirst) this.goOn();
  }

  /** The server takes the body: first what another one got before, then what the client still has. */
  goOn(): void {
    const { server } = this;
    if (server === undefined || this.outgoing.ended || this.outgoing.upgrade) return;
    for (const sent of this.retry.sentChunks) server.send(sent, 0, sent.length);
    if (this.requestEnded) server.end(this.#trailers);
    else this.#owner.resumeRequest();
  }

  /** The request has come to its end. */
  end(trailers: HeaderBlock | undefined): void {
    this.requestEnded = true;
    if (trailers !== undefined) this.#trailers = encodeTrailers(this.#pod.context, this.version, trailers);
    this.server?.end(this.#trailers);
  }

  /** Tries again after an attempt that ended so, where policy and budget allow it; gives false where they do not. */
  tryAgain(outcome: AttemptOutcome, status: number, health: EndpointOutcome): boolean {
    const avoid = this.endpoint;
    const { retry } = this;
    const decision = retry.decide(outcome, status, this.#owner.isIdempotent);
    if (decision === 'no-budget') this.#pod.context.counters.add('retry_budget_exhausted');
    if (decision !== 'retry') return false;
    this.#pod.context.counters.add('retries');
    this.drop(http2ErrorCode.cancel, health);
    this.#attemptDeadlineMs = never;
    const { delayMs } = retry;
    if (delayMs === 0) {
      this.#again(avoid);
      return true;
    }
    this.#avoid = avoid;
    this.#retryAtMs = performance.now() + delayMs;
    this.#arm();
    return true;
  }

  /** Tries a request that no server has read on a new connection. */
  tryFresh(): void {
    this.retry.staleOnce = true;
    this.finish('cancelled');
    this.#again(undefined);
  }

  /** A response has begun: from now on only the time for the whole request counts. */
  settle(): void {
    this.retry.forgetBody();
    if (this.#attemptDeadlineMs === never) return;
    this.#attemptDeadlineMs = never;
    this.#arm();
  }

  /** Breaks off what is under way. */
  drop(errorCode: number, health: EndpointOutcome): void {
    const { server } = this;
    this.server = undefined;
    server?.reset(errorCode);
    this.finish(health);
  }

  /** Tells the balancer how the attempt ended. */
  finish(health: EndpointOutcome, nowMs: number = performance.now()): void {
    const endpoint = this.endpoint;
    if (endpoint === undefined) return;
    this.endpoint = undefined;
    endpoint.finish(nowMs, nowMs - this.#startedMs, health);
  }

  /** The request is over. */
  clear(): void {
    this.retry.forgetBody();
    this.#requestDeadlineMs = never;
    this.#attemptDeadlineMs = never;
    this.#retryAtMs = never;
    this.deadlineMs = never;
    this.#pod.context.ticker.remove(this);
  }

  #arm(): void {
    this.deadlineMs = Math.min(this.#requestDeadlineMs, this.#attemptDeadlineMs, this.#retryAtMs);
    if (this.deadlineMs === never) return;
    // Also where it is there already: a ticker that sleeps would be late.
    this.#pod.context.ticker.add(this);
  }

  /** The time for the whole request is over, or for one attempt, or the wait before the next one. */
  onDeadline(): void {
    const { nowMs } = this.#pod.context.ticker;
    if (nowMs >= this.#requestDeadlineMs) {
      this.drop(http2ErrorCode.cancel, 'cancelled');
      this.#owner.requestTimedOut();
    } else if (nowMs >= this.#retryAtMs) {
      const avoid = this.#avoid;
      this.#avoid = undefined;
      this.#retryAtMs = never;
      this.#arm();
      this.#again(avoid);
    } else if (nowMs >= this.#attemptDeadlineMs) {
      this.#attemptDeadlineMs = never;
      this.#arm();
      if (this.tryAgain('timeout', 0, 'failure')) return;
      this.drop(http2ErrorCode.cancel, 'failure');
      this.#owner.answer('upstream-timeout');
    } else this.#arm();
  }
}
