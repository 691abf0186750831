import type { HeaderBlock } from '@tulle/core';
import { grpcStatusIn, grpcStatusOf } from '../http2/heads.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { AnswerReason } from './answers.ts';
import type { Attempts } from './attempts.ts';
import { isFailure } from '../../request-failure.ts';
import { requestEntry } from './request-log.ts';
import type { RouteChoice } from './route-choice.ts';
import type { IncomingRequest } from './sides.ts';

/** What is known of the request at hand for its pod's share, the metrics and the access log. One an exchange, reused. */
export class RequestRecord {
  startedMs = 0;
  readonly #pod: Pod;
  readonly #frontend: ServicePortView;
  readonly #request: IncomingRequest;
  readonly #choice: RouteChoice;
  readonly #attempts: Attempts;
  /** Of gRPC, once it is known; else -1. */
  #grpcStatus = -1;
  /** Whether it counts among its pod's requests. */
  #admitted = false;

  // oxlint-disable-next-line max-params -- the parts of one exchange
  constructor(pod: Pod, frontend: ServicePortView, request: IncomingRequest, choice: RouteChoice, attempts: Attempts) {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#request = request;
    this.#choice = choice;
    this.#attempts = attempts;
  }

  /** A request begins; gives whether its pod may have another one. */
  begin(): boolean {
    this.startedMs = performance.now();
    this.#grpcStatus = -1;
    this.#admitted = this.#pod.share.beginRequest();
    return this.#admitted;
  }

  /** A request ends that never began: it has no route. */
  beginLate(): void {
    this.startedMs = performance.now();
    this.#choice.forget(this.#pod, this.#frontend);
  }

  /** The last fields of a response: its trailers, or the head that has none behind it. */
  noteLast(fields: HeaderBlock): void {
    if (this.#request.isGrpc) this.#grpcStatus = grpcStatusIn(fields);
  }

  /** The mesh answers in place of a server. */
  noteAnswer(reason: AnswerReason): void {
    if (this.#request.isGrpc) this.#grpcStatus = grpcStatusOf(reason);
  }

  /** Counts and logs the request. `begun`: it has a head that can be shown. */
  finish(status: number, reason: string, begun: boolean, nowMs: number = performance.now()): void {
    const durationMs = nowMs - this.startedMs;
    const grpcStatus = this.#grpcStatus;
    this.#choice.record(status, reason, durationMs, grpcStatus);
    const { accessLog } = this.#pod.context;
    if (accessLog.wants(isFailure(status, reason, grpcStatus))) this.#log(status, reason, durationMs, begun);
    if (this.#admitted) this.#pod.share.endRequest();
    this.#admitted = false;
  }

  #log(status: number, reason: string, durationMs: number, begun: boolean): void {
    const { outgoing, retry, served, version } = this.#attempts;
    this.#pod.context.accessLog.add(
      requestEntry(this.#pod, this.#frontend, this.#choice, {
        status,
        grpcStatus: this.#grpcStatus,
        reason,
        durationMs,
        retries: retry.retries,
        endpoint: served,
        head: begun ? this.#request.head : undefined,
        sent: begun ? { head: outgoing.head, version } : undefined,
      }),
    );
  }
}
