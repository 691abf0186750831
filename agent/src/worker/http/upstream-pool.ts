import type { BalancedEndpoint } from '@tulle/routing';
import type { ByteChannel, ChannelOwner } from '../channel.ts';
import type { Ticker } from '../tick.ts';
import { Upstream } from './upstream.ts';
import type { UpstreamHome } from './upstream.ts';

const maxIdle = 256;

/** The free connections of one pod to one endpoint, the one used last first. */
class UpstreamPool implements UpstreamHome {
  readonly ticker: Ticker;
  readonly all = new Set<Upstream>();
  readonly idle: Upstream[] = [];

  constructor(ticker: Ticker) {
    this.ticker = ticker;
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

/** Opens a channel to an endpoint. */
export type ConnectEndpoint = (endpoint: BalancedEndpoint, owner: ChannelOwner) => ByteChannel;

/** The HTTP/1.1 connections of one pod to applications: pooled for each endpoint, never shared between pods. */
export class UpstreamPools {
  readonly #ticker: Ticker;
  readonly #connect: ConnectEndpoint;
  readonly #byEndpoint = new Map<BalancedEndpoint, UpstreamPool>();

  constructor(ticker: Ticker, connect: ConnectEndpoint) {
    this.#ticker = ticker;
    this.#connect = connect;
  }

  /** A connection to the endpoint: a free one, or, where there is none or `fresh` asks for it, a new one. */
  take(endpoint: BalancedEndpoint, fresh: boolean): Upstream {
    let pool = this.#byEndpoint.get(endpoint);
    if (pool === undefined) {
      pool = new UpstreamPool(this.#ticker);
      this.#byEndpoint.set(endpoint, pool);
      this.#forgetUnused();
    }
    const free = fresh ? undefined : pool.idle.pop();
    if (free !== undefined) return free;
    const upstream = new Upstream(pool);
    pool.all.add(upstream);
    upstream.attach(this.#connect(endpoint, upstream));
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
