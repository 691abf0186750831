/**
 * What is spoken on a Service port. `detect`: nothing says, so look at the first bytes. `opaque`: bytes, never looked at
 * (an opaque-ports annotation). `tcp`: bytes by `appProtocol`.
 */
export type PortProtocol = 'detect' | 'http' | 'http2' | 'grpc' | 'https' | 'tcp' | 'opaque';

/** Which kind of route decides about a Service port, or that none does. */
export type RouteKind = 'none' | 'http' | 'grpc' | 'tls' | 'tcp';

/** A port of a Service. */
export interface ServicePort {
  readonly port: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  /**
   * Whether routes are attached here and of which kind. An agent that sees a kind here but has no {@link ServiceRoutes}
   * for the port yet fails closed.
   */
  readonly routeKind: RouteKind;
}

/** Where clients may be sent, by `externalTrafficPolicy`-like rules inside the cluster. */
export type TrafficDistribution = 'any' | 'prefer-same-zone' | 'prefer-same-node' | 'local-only';

/** A Service: with cluster addresses the frontend that routes attach to; a headless one (no addresses) only a backend. */
export interface MeshService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIPs: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly trafficDistribution: TrafficDistribution;
}

/** One address that serves a Service port. */
export interface Endpoint {
  readonly address: string;
  /** The port on that address (the container's port). */
  readonly port: number;
  readonly ready: boolean;
  /** The key of the {@link Workload} behind it; absent for addresses that are no pod (selectorless Services). */
  readonly workload?: string;
  readonly node?: string;
  readonly zone?: string;
}

/** The endpoints of a Service, by Service port. */
export interface ServiceEndpoints {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly { readonly port: number; readonly endpoints: readonly Endpoint[] }[];
}

/** The key of a Service, and of its endpoints, among the resources: `namespace/name`. */
export function serviceKey(service: { readonly namespace: string; readonly name: string }): string {
  return `${service.namespace}/${service.name}`;
}
