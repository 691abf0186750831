import type { AuthorizationPolicy } from './authorization.ts';
import type { ServiceEndpoints, MeshService } from './service.ts';
import type { ServiceRoutes } from './route.ts';
import type { Workload } from './workload.ts';

/** Settings of the whole mesh. */
export interface MeshSettings {
  readonly trustDomain: string;
  readonly mtlsMode: 'permissive' | 'strict';
  /** Absent where the authority is not the controller's own: then what comes with a certificate is trusted. */
  readonly trust?: MeshTrust;
  /**
   * What agents sign the sessions of requests with, 32 bytes in base64url. It must be the same everywhere: a session
   * begins at the agent of one client pod and may go on at that of another, of the same Deployment on another node.
   * It is worth less than a certificate's key: who has it can choose the endpoint of a Service that they may call
   * anyway. Agents get it over the feed alone, and no dump shows it. Absent: no sessions are kept.
   */
  readonly sessionKey?: string;
  /** Who signs certificates, where it is not the controller. */
  readonly certificateAuthority?: ExternalAuthority;
}

/** A server of the certificate service that is not the controller's: an authority of its own, or cert-manager's istio-csr. */
export interface ExternalAuthority {
  /** `HOST:PORT`. */
  readonly address: string;
  /** The DNS name that its certificate must have. */
  readonly serverName: string;
  /** The roots that its certificate is verified with, PEM. */
  readonly rootsPem: string;
}

/** Whom workloads trust. Agents use it at once, without waiting for their next certificate. */
export interface MeshTrust {
  /** The roots that peers are verified with, PEM. */
  readonly rootsPem: string;
  /** The root that signs now, SHA-256 of its DER in hexadecimal with colons: certificates of others are to be renewed. Empty:
   * any of them. */
  readonly signingRoot: string;
  /** Other trust domains whose workloads may connect to ours. */
  readonly federated?: readonly FederatedTrustDomain[];
}

/** Another mesh's trust domain, and the roots that vouch for its identities and for no others. */
export interface FederatedTrustDomain {
  readonly trustDomain: string;
  /** PEM. */
  readonly rootsPem: string;
}

/** The whole intermediate representation, each map by the key of its resources. */
export interface MeshState {
  readonly settings: MeshSettings;
  readonly policies: ReadonlyMap<string, AuthorizationPolicy>;
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly services: ReadonlyMap<string, MeshService>;
  readonly endpoints: ReadonlyMap<string, ServiceEndpoints>;
  readonly routes: ReadonlyMap<string, ServiceRoutes>;
}

/** The kinds of resources that are streamed to agents, and the type of each. */
export interface ResourceTypes {
  readonly settings: MeshSettings;
  readonly policy: AuthorizationPolicy;
  readonly workload: Workload;
  readonly service: MeshService;
  readonly endpoints: ServiceEndpoints;
  readonly routes: ServiceRoutes;
}

/** A kind of resource. */
export type ResourceKind = keyof ResourceTypes;

/** The delta-xDS type URL of each kind; the version in it changes when a reader of the old one would be misled. */
export const resourceTypeUrls: { readonly [K in ResourceKind]: string } = {
  settings: 'type.tulle.dev/tulle.ir.v1.MeshSettings',
  policy: 'type.tulle.dev/tulle.ir.v1.AuthorizationPolicy',
  workload: 'type.tulle.dev/tulle.ir.v1.Workload',
  service: 'type.tulle.dev/tulle.ir.v1.Service',
  endpoints: 'type.tulle.dev/tulle.ir.v1.Endpoints',
  routes: 'type.tulle.dev/tulle.ir.v1.Routes',
};

/** The name of the one resource of kind `settings`. */
export const settingsKey = 'mesh';

/** A change to the state: what came or changed, and the keys of what went, for each kind that changed. */
export interface MeshDelta {
  readonly settings?: MeshSettings;
  readonly policies: ChangeSet<AuthorizationPolicy>;
  readonly workloads: ChangeSet<Workload>;
  readonly services: ChangeSet<MeshService>;
  readonly endpoints: ChangeSet<ServiceEndpoints>;
  readonly routes: ChangeSet<ServiceRoutes>;
}

/** What came or changed, by key, and the keys of what went. */
export interface ChangeSet<T> {
  readonly changed: ReadonlyMap<string, T>;
  readonly removed: readonly string[];
}
