import type { CliApiVersion, ProblemView } from './common.ts';
import type { ClientsView, RuleGroupView } from './rules.ts';

/** What the mesh does with a Service: `tulle describe service`, `GET /v1/services/NS/NAME`. */
export interface ServiceView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  /** The cluster addresses, the primary one first; empty for a headless Service, to which no route applies. */
  readonly clusterIPs: readonly string[];
  readonly ports: readonly ServicePortView[];
  /** Routes that name this Service as a parent, the ones that are not accepted included. */
  readonly routes: readonly AttachedRouteView[];
  /** What is done, by port and group of clients. A port without routes has no group. */
  readonly ruleGroups: readonly RuleGroupView[];
  /**
   * The endpoints that clients are sent to: the Service's own, for ports that no producer route decides about, and those
   * of every Service that its rules name.
   */
  readonly endpoints: readonly EndpointView[];
  readonly problems: readonly ProblemView[];
}

/** A port of the Service. */
export interface ServicePortView {
  readonly port: number;
  readonly name: string;
  /** The port on the pods: a number, or the name of a container's port. */
  readonly targetPort?: number | string;
  /** What is spoken there: `detect` looks at the first bytes, `opaque` is never looked at. */
  readonly protocol: 'detect' | 'http' | 'http2' | 'grpc' | 'https' | 'tcp' | 'opaque';
  /** Which kind of route decides about it. */
  readonly routeKind: 'none' | 'http' | 'grpc' | 'tls' | 'tcp';
}

/** A route that names the Service as a parent. */
export interface AttachedRouteView {
  /** `producer`: of the Service's namespace. `consumer`: of another namespace, for the clients there. */
  readonly role: 'producer' | 'consumer';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The port of the parentRef; absent when it names none, which means every port. */
  readonly port?: number;
  readonly accepted: boolean;
  /** The reason and message of the condition that decides `accepted`. */
  readonly reason: string;
  readonly message: string;
  /** For whom it acts; absent when it is not accepted. */
  readonly clients?: ClientsView;
}

/** One endpoint. */
export interface EndpointView {
  /** The Service it belongs to, `namespace/name`, and its port. */
  readonly service: string;
  readonly servicePort: number;
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  /** The pod behind the address, `namespace/name`, with its node, and whether it is in the mesh. */
  readonly pod?: string;
  readonly node?: string;
  readonly mesh?: 'in' | 'out';
  /** Why it is not in the mesh. */
  readonly meshReason?: string;
  /** The SPIFFE id that clients expect; absent when the connection is plaintext. */
  readonly identity?: string;
}
