import type { RequestHead } from '@tulle/core';
import type { BalancedEndpoint, CompiledBackend, CompiledRule, CompiledSession, HeaderEdits } from '@tulle/routing';
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
  /** The endpoint that the request's session is with. */
  pinned: BalancedEndpoint | undefined;
  /** How the request's session is kept, where it has one or is to get one. */
  #session: CompiledSession | undefined;
  readonly protocol: string;

  /** `protocol` is the label of the request metrics. */
  constructor(protocol: string) {
    this.protocol = protocol;
  }

  /** Applies the routes of `frontend` to a request of the pod's application. */
  decide(pod: Pod, frontend: ServicePortView, head: RequestHead): RouteVerdict {
    this.rule = undefined;
    this.backend = undefined;
    this.target = frontend;
    this.pinned = undefined;
    this.#session = undefined;
    const decision = frontend.decisionFor(pod.spec.namespace);
    switch (decision.kind) {
      case 'implicit':
        this.series = pathSeriesOf(pod, frontend, undefined, this.protocol);
        if (frontend.service.sessionPersistence !== undefined) this.#resumeAt(pod, frontend, head);
        return 'forward';
      case 'missing':
        this.series = pathSeriesOf(pod, frontend, undefined, this.protocol);
        return 'routes-missing';
      case 'tcp':
      case 'tls':
        this.series = pathSeriesOf(pod, frontend, undefined, this.protocol);
        return 'no-route';
      case 'http':
      case 'grpc':
    }
    const rule = decision.match(head);
    this.series = pathSeriesOf(pod, frontend, rule, this.protocol);
    if (rule === undefined) return 'no-route';
    this.rule = rule;
    if (rule.redirect !== undefined) return 'redirect';
    // Sessions come before weights, and go on where the weight has become 0.
    if (rule.session !== undefined && this.#resume(pod, rule, head)) return 'forward';
    const backend = rule.pickBackend();
    if (backend === undefined) return 'invalid-backend';
    this.backend = backend;
    if (backend.redirect !== undefined) return 'redirect';
    const { target } = backend;
    this.target = target.type === 'service' ? pod.context.mesh.servicePort(target.service, target.port) : undefined;
    if (this.target === undefined) return 'invalid-backend';
    if (rule.session === undefined && this.target.service.sessionPersistence !== undefined) {
      this.#resume(pod, rule, head);
    }
    return 'forward';
  }

  /** Goes on with the request's session at whichever backend it is; gives false where it has none, or it is over. */
  #resume(pod: Pod, rule: CompiledRule, head: RequestHead): boolean {
    const { mesh, sessions } = pod.context;
    this.#session = rule.session;
    const tag = rule.session === undefined ? undefined : sessions.tagOf(rule.session, head.headers);
    if (rule.session === undefined) this.#session = this.target && sessions.ofService(this.target.service);
    else if (tag === undefined) return false;
    for (const backend of rule.backends) {
      const { target } = backend;
      if (backend.redirect !== undefined || target.type !== 'service') continue;
      const port = mesh.servicePort(target.service, target.port);
      const session = rule.session ?? (port && sessions.ofService(port.service));
      if (port === undefined || session === undefined) continue;
      const named = tag ?? sessions.tagOf(session, head.headers);
      const endpoint = named === undefined ? undefined : sessions.endpointOf(named, port);
      if (endpoint === undefined) continue;
      this.backend = backend;
      this.target = port;
      this.pinned = endpoint;
      this.#session = session;
      return true;
    }
    return false;
  }

  /** The same where there is no rule. */
  #resumeAt(pod: Pod, frontend: ServicePortView, head: RequestHead): void {
    const { sessions } = pod.context;
    const session = sessions.ofService(frontend.service);
    this.#session = session;
    if (session === undefined) return;
    const tag = sessions.tagOf(session, head.headers);
    if (tag !== undefined) this.pinned = sessions.endpointOf(tag, frontend);
  }

  /** What is done to the fields of the response of `endpoint`: by filters, then by CORS, then for the session. */
  responseEdits(
    pod: Pod,
    cors: HeaderEdits | undefined,
    endpoint: BalancedEndpoint | undefined,
  ): HeaderEdits | undefined {
    const edits = joined(this.backend?.responseHeaders ?? this.rule?.responseHeaders, cors);
    const { target } = this;
    // A session that goes on needs no word.
    const begins = this.#session !== undefined && endpoint !== undefined && endpoint !== this.pinned;
    if (!begins || target === undefined || this.#session === undefined) return edits;
    return joined(edits, pod.context.sessions.begin(this.#session, target, endpoint));
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
    this.series = pathSeriesOf(pod, frontend, undefined, this.protocol);
  }

  /** Counts the request that was decided about. */
  record(status: number, reason: string, durationMs: number, grpcStatus: number): void {
    this.series?.record(status, reason, durationMs, grpcStatus);
  }
}

function joined(first: HeaderEdits | undefined, next: HeaderEdits | undefined): HeaderEdits | undefined {
  if (first === undefined || next === undefined) return first ?? next;
  return first.followedBy(next);
}
