import type { RequestHead } from '@tulle/core';
import type { CompiledBackend, CompiledRule } from '@tulle/routing';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';
import type { AnswerReason } from './answers.ts';
import type { PathSeries } from './path-series.ts';
import { pathSeriesOf } from './path-series.ts';
import type { HttpVersion, IncomingRequest } from './sides.ts';

/** What is to be done with a request: send it to `target`, redirect it by `rule`, or answer it with a reason. */
export type RouteVerdict = 'forward' | 'redirect' | AnswerReason;

/** Where a request goes: decided once a request, kept in one object that its owner uses again and again. */
export class RouteChoice {
  rule: CompiledRule | undefined;
  backend: CompiledBackend | undefined;
  /** The Service port whose endpoints serve the request, where it is forwarded. */
  target: ServicePortView | undefined;
  series: PathSeries | undefined;
  readonly #protocol: string;

  /** `protocol` is the label of the request metrics. */
  constructor(protocol: string) {
    this.#protocol = protocol;
  }

  /** Applies the routes of `frontend` to a request of the pod's application. */
  decide(pod: Pod, frontend: ServicePortView, head: RequestHead): RouteVerdict {
    this.rule = undefined;
    this.backend = undefined;
    this.target = frontend;
    const decision = frontend.decisionFor(pod.spec.namespace);
    switch (decision.kind) {
      case 'implicit':
        this.series = pathSeriesOf(pod, frontend, undefined, this.#protocol);
        return 'forward';
      case 'missing':
        this.series = pathSeriesOf(pod, frontend, undefined, this.#protocol);
        return 'routes-missing';
      case 'tcp':
      case 'tls':
        this.series = pathSeriesOf(pod, frontend, undefined, this.#protocol);
        return 'no-route';
      case 'http':
      case 'grpc':
    }
    const rule = decision.match(head);
    this.series = pathSeriesOf(pod, frontend, rule, this.#protocol);
    if (rule === undefined) return 'no-route';
    this.rule = rule;
    if (rule.redirect !== undefined) return 'redirect';
    const backend = rule.pickBackend();
    if (backend === undefined) return 'invalid-backend';
    this.backend = backend;
    if (backend.redirect !== undefined) return 'redirect';
    const { target } = backend;
    this.target = target.type === 'service' ? pod.context.mesh.servicePort(target.service, target.port) : undefined;
    return this.target === undefined ? 'invalid-backend' : 'forward';
  }

  /**
   * The version that the servers of `target` are spoken to: what the port's `appProtocol` says, else the client's. A gRPC
   * call is HTTP/2 wherever it goes: nobody serves it otherwise, so a port that says `http` means both then.
   */
  serverVersion({ port }: ServicePortView, request: IncomingRequest): HttpVersion {
    switch (port.protocol) {
      case 'http2':
      case 'grpc':
        return 2;
      case 'http':
        return request.isGrpc ? 2 : 1;
      case 'detect':
      case 'https':
      case 'tcp':
      case 'opaque':
        return request.version;
    }
  }

  /** No request was decided about: what is counted next has no route. */
  forget(pod: Pod, frontend: ServicePortView): void {
    this.series = pathSeriesOf(pod, frontend, undefined, this.#protocol);
  }

  /** Counts the request that was decided about. */
  record(status: number, reason: string, durationMs: number): void {
    this.series?.record(status, reason, durationMs);
  }
}
