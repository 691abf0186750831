import type { BalancedEndpoint } from '@tulle/routing';
import type { EndpointConnector } from '../http/upstream-pool.ts';
import type { WorkerContext } from '../worker-context.ts';
import { Http2Upstream } from './http2-upstream.ts';

/** So many connections to one endpoint are made because those before them are blocked by streams that are not read. */
const maxBesideBlocked = 16;

/** The HTTP/2 connections of one pod to applications, by endpoint. */
export class Http2UpstreamPools {
  readonly #context: WorkerContext;
  readonly #connector: EndpointConnector;
  readonly #byEndpoint = new Map<BalancedEndpoint, Http2Upstream[]>();

  constructor(context: WorkerContext, connector: EndpointConnector) {
    this.#context = context;
    this.#connector = connector;
  }

  /** A connection to the endpoint that has room for another request. */
  take(endpoint: BalancedEndpoint): Http2Upstream {
    const path = this.#connector.pathTo(endpoint);
    // Made before the endpoint joined or left, or on a tunnel that ends: what is under way on them goes on.
    for (const upstream of [...(this.#byEndpoint.get(endpoint) ?? [])]) {
      if (upstream.path !== path || upstream.retiring) upstream.drain();
    }
    let upstreams = this.#byEndpoint.get(endpoint);
    if (upstreams === undefined) {
      upstreams = [];
      this.#byEndpoint.set(endpoint, upstreams);
    }
    const free =
      upstreams.find((upstream) => upstream.hasRoom && !upstream.isBlocked) ??
      (upstreams.length < maxBesideBlocked ? undefined : upstreams.find((upstream) => upstream.hasRoom));
    if (free !== undefined) return free;
    const upstream = new Http2Upstream(
      {
        context: this.#context,
        path,
        streamLimit: upstreams.find((known) => known.streamLimit !== undefined)?.streamLimit,
      },
      (owner) => this.#connector.connect(endpoint, owner),
      (gone) => this.#forget(endpoint, gone),
    );
    upstreams.push(upstream);
    return upstream;
  }

  destroy(): void {
    for (const upstreams of [...this.#byEndpoint.values()]) for (const upstream of [...upstreams]) upstream.destroy();
    this.#byEndpoint.clear();
  }

  #forget(endpoint: BalancedEndpoint, gone: Http2Upstream): void {
    const left = (this.#byEndpoint.get(endpoint) ?? []).filter((upstream) => upstream !== gone);
    if (left.length === 0) this.#byEndpoint.delete(endpoint);
    else this.#byEndpoint.set(endpoint, left);
  }
}
