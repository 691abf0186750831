import type { Workload } from '@tulle/ir';
import type { BalancedEndpoint } from '@tulle/routing';
import type { PodSpec } from '../ipc.ts';
import type { TimedDestination } from './addresses.ts';
import type { ByteChannel, ChannelOwner } from './channel.ts';
import type { PodConnections } from './pod-connections.ts';
import type { PodGuard } from './pod-guard.ts';
import type { PodShare } from './pod-share.ts';
import type { Http2Upstream } from './http2/http2-upstream.ts';
import type { Upstream } from './http/upstream.ts';
import type { InnerProtocol } from './origination.ts';
import type { WorkerContext } from './worker-context.ts';

/** A captured pod, as its connections see it: where they can go from here. */
export interface Pod {
  readonly spec: PodSpec;
  readonly context: WorkerContext;
  /** Decides who may connect to the pod. */
  readonly guard: PodGuard;
  /** What the pod uses of the worker, and may. */
  readonly share: PodShare;
  /** Connections of the pod's own clients, and plain connections to it. */
  readonly connections: PodConnections;
  /** Connects to the pod's own application, which sees `source` as its client. The timeout has a default. */
  connectApplication(to: TimedDestination, source: string, owner: ChannelOwner): ByteChannel;
  /**
   * Connects to `to`, an address of `workload`: through a tunnel, which has its own timeouts, where it is in the mesh, as it
   * is where it is not.
   */
  connectWorkload(to: TimedDestination, workload: Workload | undefined, owner: ChannelOwner): ByteChannel;
  /**
   * Connects to an endpoint. Where its application wants TLS (BackendTLSPolicy), that is spoken, with `inner` inside it;
   * `as-is` leaves that to the client.
   */
  connectEndpoint(endpoint: BalancedEndpoint, inner: InnerProtocol | 'as-is', owner: ChannelOwner): ByteChannel;
  /** A connection to an endpoint for one HTTP/1.1 request: a free one, or a new one where `fresh` asks for it. */
  takeUpstream(endpoint: BalancedEndpoint, fresh: boolean): Upstream;
  /** A connection to an endpoint that has room for another HTTP/2 request. */
  takeHttp2Upstream(endpoint: BalancedEndpoint): Http2Upstream;
}
