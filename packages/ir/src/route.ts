/** How a string is compared. Regular expressions are RE2 syntax, checked at translation. */
export type StringMatch =
  { readonly type: 'exact'; readonly value: string } | { readonly type: 'regex'; readonly value: string };

/** How a path is compared; a prefix matches by path element and has no trailing slash (the root is `/`). */
export type PathMatch =
  | { readonly type: 'exact'; readonly value: string }
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'regex'; readonly value: string };

/** One header of a match; the name is in lower case. */
export interface HeaderMatch {
  readonly name: string;
  readonly match: StringMatch;
}

/** One query parameter of a match; the name is exact. */
export interface QueryParamMatch {
  readonly name: string;
  readonly match: StringMatch;
}

/** A match of an HTTPRoute, or of a GRPCRoute turned into a path and headers: all of its parts must hold. */
export interface HttpMatch {
  readonly path: PathMatch;
  readonly method?: string;
  readonly headers: readonly HeaderMatch[];
  readonly queryParams: readonly QueryParamMatch[];
}

/** A header to set or to add; the name keeps the case that the user wrote. */
export interface HeaderValue {
  readonly name: string;
  readonly value: string;
}

/** What a header modifier does, in this order: set, add, remove (names in lower case). */
export interface HeaderModifier {
  readonly set: readonly HeaderValue[];
  readonly add: readonly HeaderValue[];
  readonly remove: readonly string[];
}

/** How a redirect or a rewrite changes the path. */
export type PathModifier =
  { readonly type: 'full'; readonly value: string } | { readonly type: 'prefix'; readonly value: string };

/** What is done to a request or its response besides sending it to a backend. */
export type HttpFilter =
  | { readonly type: 'requestHeaders'; readonly modifier: HeaderModifier }
  | { readonly type: 'responseHeaders'; readonly modifier: HeaderModifier }
  | {
      readonly type: 'redirect';
      readonly scheme?: 'http' | 'https';
      readonly hostname?: string;
      readonly path?: PathModifier;
      readonly port?: number;
      readonly statusCode: 301 | 302 | 303 | 307 | 308;
    }
  | { readonly type: 'rewrite'; readonly hostname?: string; readonly path?: PathModifier }
  | {
      readonly type: 'mirror';
      readonly backend: BackendTarget;
      /** The share of requests that are mirrored: numerator of denominator. */
      readonly numerator: number;
      readonly denominator: number;
    }
  | {
      readonly type: 'cors';
      readonly allowOrigins: readonly string[];
      readonly allowCredentials: boolean;
      readonly allowMethods: readonly string[];
      readonly allowHeaders: readonly string[];
      readonly exposeHeaders: readonly string[];
      readonly maxAgeSeconds: number;
    };

/** What a backendRef stands for. An invalid one stays, so that its share of the weight still counts. */
export type BackendTarget =
  | { readonly type: 'service'; readonly service: string; readonly port: number }
  | { readonly type: 'invalid'; readonly reason: string; readonly message: string };

/** A backend with its weight; weight 0 is never chosen. */
export interface WeightedBackend {
  readonly target: BackendTarget;
  readonly weight: number;
  readonly filters: readonly HttpFilter[];
}

/** When a request is tried again (GEP-1731). */
export interface RetryPolicy {
  readonly codes: readonly number[];
  readonly connectionErrors: boolean;
  readonly attempts: number;
  readonly backoffMs: number;
}

/** How requests of one session stay with one endpoint (GEP-1619). */
export interface SessionPersistence {
  readonly type: 'cookie' | 'header';
  readonly name: string;
  readonly path?: string;
  readonly absoluteTimeoutMs?: number;
  readonly lifetime: 'session' | 'permanent';
}

/** The most retries that a backend gets: a share of the requests over an interval, and a floor a second. */
export interface RetryBudget {
  readonly percent: number;
  readonly intervalMs: number;
  readonly minPerSecond: number;
}

/** A rule of an HTTPRoute or GRPCRoute. */
export interface HttpRule {
  /** The route it comes from: `HTTPRoute/namespace/name` or `GRPCRoute/namespace/name`. */
  readonly route: string;
  /** The rule's index in that route, and its name if the user gave it one. */
  readonly index: number;
  readonly name?: string;
  readonly filters: readonly HttpFilter[];
  readonly backends: readonly WeightedBackend[];
  readonly requestTimeoutMs?: number;
  readonly backendRequestTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly sessionPersistence?: SessionPersistence;
}

/** A match and the rule (an index into `rules`) that it leads to. */
export interface HttpMatchEntry {
  readonly match: HttpMatch;
  readonly rule: number;
}

/** The HTTP or gRPC routes of one group: `matches` is in the order of precedence, the first that holds decides. */
export interface HttpRouteTable {
  readonly rules: readonly HttpRule[];
  readonly matches: readonly HttpMatchEntry[];
}

/** A rule of a TCPRoute or TLSRoute: where connections go. */
export interface TcpRule {
  readonly route: string;
  readonly index: number;
  readonly name?: string;
  readonly backends: readonly WeightedBackend[];
}

/** A TLSRoute's rule and the server names that lead to it, exact (`a.b`) or with a first label of `*`. */
export interface TlsRule extends TcpRule {
  readonly serverNames: readonly string[];
}

/** What one group of routes (the producer's, or one consumer namespace's) says. */
export type RouteTable =
  | { readonly kind: 'http'; readonly table: HttpRouteTable }
  | { readonly kind: 'grpc'; readonly table: HttpRouteTable }
  | { readonly kind: 'tls'; readonly rules: readonly TlsRule[] }
  | { readonly kind: 'tcp'; readonly rules: readonly TcpRule[] };

/** All routes of one port of one Service. */
export interface ServiceRoutes {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** What routes in the Service's own namespace say; it acts on every client without a consumer group of its own. */
  readonly producer?: RouteTable;
  /** By client namespace: what routes there say; for clients of that namespace it alone applies. */
  readonly consumers: Readonly<Record<string, RouteTable>>;
}

/** The key of a Service port's routes among the resources: `namespace/name:port`. */
export function serviceRoutesKey(routes: {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}): string {
  return `${routes.namespace}/${routes.name}:${routes.port}`;
}
