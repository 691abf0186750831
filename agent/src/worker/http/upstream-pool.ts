import { SlotSet } from '@tulle/core';
import type { BalancedEndpoint } from '@tulle/routing';
import type { ByteChannel, ChannelOwner } from '../channel.ts';
import type { Ticker } from '../tick.ts';
import { Upstream } from './upstream.ts';
import type { UpstreamHome } from './upstream.ts';

const maxIdle = 1_024;

class Upstreams extends SlotSet<Upstream> {
  protected override placeOf(member: Upstream): number {
    return member.poolSlot;
  }

  protected override place(member: Upstream, at: number): void {
    member.poolSlot = at;
  }
}

/** The free connections of one pod to one endpoint, the one used last first. */
class UpstreamPool implements UpstreamHome {
  readonly ticker: Ticker;
  readonly all = new Upstreams();
  readonly idle: Upstream[] = [];

  constructor(ticker: Ticker) {
    this.ticker = ticker;
  }

  /** A free connection that goes by `path`. Those that do not, since the endpoint joined or left, are closed. */
  takeIdle(path: string): Upstream | undefined {
    for (;;) {
      const free = this.idle.pop();
      if (free === undefined || (free.path === path && !free.retiring)) return free;
      free.onDeadline();
    }
  }

  release(upstream: Upstream): void {
    if (this.idle.length >= maxIdle) upstream.onDeadline();
    else this.idle.push(upstream);
  }

  forget(upstream: Upstream): void {
    this.all.delete(upstream);
    const at = this.idle.lastIndexOf(upstream);
    if (at >= 0) this.idle.splice(at, 1);
  }
}

/** The ways to endpoints. */
export interface EndpointConnector {
  /** Names the way that {@link connect} takes now; connections made another way are used for no new request. */
  pathTo(endpoint: BalancedEndpoint): string;
  /** Opens a channel to an endpoint. */
  connect(endpoint: BalancedEndpoint, owner: ChannelOwner): ByteChannel;
}

/** The HTTP/1.1 connections of one pod to applications: pooled for each endpoint, never shared between pods. */
export class UpstreamPools {
  readonly #ticker: Ticker;
  readonly #connector: EndpointConnector;
  readonly #byEndpoint = new Map<BalancedEndpoint, UpstreamPool>();

  constructor(ticker: Ticker, connector: EndpointConnector) {
    this.#ticker = ticker;
    this.#connector = connector;
  }

  /** A connection to the endpoint: a free one, or, where there is none or `fresh` asks for it, a new one. */
  take(endpoint: BalancedEndpoint, fresh: boolean): Upstream {
    let pool = this.#byEndpoint.get(endpoint);
    if (pool === undefined) {
      pool = new UpstreamPool(this.#ticker);
      this.#byEndpoint.set(endpoint, pool);
      this.#forgetUnused();
    }
    const path = this.#connector.pathTo(endpoint);
    const free = fresh ? undefined : pool.takeIdle(path);
    if (free !== undefined) return free;
    const upstream = new Upstream(pool, path);
    pool.all.add(upstream);
    upstream.attach(this.#connector.connect(endpoint, upstream));
    return upstream;
  }

  destroy(): void {
    for (const pool of this.#byEndpoint.values()) for (const upstream of [...pool.all]) upstream.reset();
    this.#byEndpoint.clear();
  }

  /** Endpoints come and go: pools without a connection are dropped when a new one is made. */
  #forgetUnused(): void {
    if (this.#byEndpoint.size < 64) return;
    for (const [endpoint, pool] of this.#byEndpoint) if (pool.all.size === 0) this.#byEndpoint.delete(endpoint);
  }
}
