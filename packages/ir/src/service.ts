import type { RetryBudget, SessionPersistence } from './route.ts';

/**
 * What is spoken on a Service port. `detect`: nothing says, so look at the first bytes. `opaque`: bytes, never looked at
 * (an opaque-ports annotation). `tcp`: bytes by `appProtocol`.
 */
export type PortProtocol = 'detect' | 'http' | 'http2' | 'grpc' | 'https' | 'tcp' | 'opaque';

/** Which kind of route decides about a Service port, or that none does. */
export type RouteKind = 'none' | 'http' | 'grpc' | 'tls' | 'tcp';

/** A name that the certificate of a backend may carry. */
export interface SubjectAltName {
  readonly type: 'hostname' | 'uri';
  readonly value: string;
}

/** Which certificates vouch for a backend: those of PEM text, or those that the system trusts. */
export type TlsTrust = { readonly type: 'pem'; readonly certificates: string } | { readonly type: 'system' };

/**
 * How the application behind a Service port is spoken to where it wants TLS of its own (BackendTLSPolicy): this TLS is
 * inside the mesh's tunnel. `invalid`: it was asked for and cannot be done, so connections must fail.
 */
export type BackendTls =
  | {
      readonly type: 'originate';
      /** The server name that is sent; without `subjectAltNames` the certificate must be for it. */
      readonly hostname: string;
      /** When not empty, the certificate must carry one of these; `hostname` then proves nothing. */
      readonly subjectAltNames: readonly SubjectAltName[];
      readonly trust: TlsTrust;
    }
  | { readonly type: 'invalid'; readonly message: string };

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
  /** How the application is spoken to; absent: as the client speaks. */
  readonly tls?: BackendTls;
}

/** Where clients may be sent, by `externalTrafficPolicy`-like rules inside the cluster. */
export type TrafficDistribution = 'any' | 'prefer-same-zone' | 'prefer-same-node' | 'local-only';

/**
 * A Service: with cluster addresses the frontend that routes attach to; a headless one (no addresses) only a backend.
 * A ServiceImport is one too; its name has `.clusterset` at its end, and no Service's name has a dot.
 */
export interface MeshService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIPs: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly trafficDistribution: TrafficDistribution;
  /** The most retries that requests to this Service as a backend get; absent: a proxy's own default. */
  readonly retryBudget?: RetryBudget;
  /** How sessions stay with an endpoint of this Service; a rule's own setting comes before it. */
  readonly sessionPersistence?: SessionPersistence;
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
  /** The zones, and the nodes, whose clients this endpoint is meant for (EndpointSlice hints); absent: all. */
  readonly forZones?: readonly string[];
  readonly forNodes?: readonly string[];
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
