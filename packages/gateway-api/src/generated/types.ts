// Made by generate.ts from the CustomResourceDefinitions in crds/; do not edit.
import type { Condition, LabelSelector, NamespacedObjectMeta, ObjectMeta } from '../metadata.ts';

/** Attribute defines a single flat key-value pair to attach to traces. */
export interface Attribute {
  /**
   * AttributeKey refers to a standard OpenTelemetry attribute. For example: "http.response.status_code" or
   * "http.request.method". This is required if SourceType is "Attribute". See:
   * https://opentelemetry.io/docs/specs/semconv/
   */
  readonly attributeKey?: string;
  /** HeaderName specifies the HTTP header to extract the value from. This is required if SourceType is "Header". */
  readonly headerName?: string;
  /** LiteralValue specifies a static string value to attach. This is required if SourceType is "Literal". */
  readonly literalValue?: string;
  /** Name is the key of the attribute as it will appear in the output (i.e., as a span tag). */
  readonly name: string;
  /**
   * SourceType specifies where the attribute value comes from. Valid values are "Header", "Literal", or
   * "Attribute".
   */
  readonly sourceType: AttributeSourceType;
}

/**
 * SourceType specifies where the attribute value comes from. Valid values are "Header", "Literal", or
 * "Attribute".
 */
export type AttributeSourceType = 'Header' | 'Literal' | 'Attribute';

/** Where to. Omitted: any port. */
export interface AuthorizationNetworkAttributes {
  /** Ports of the pod, not of a Service in front of it. Omitted: all. An empty list: none. */
  readonly ports?: readonly number[];
}

/**
 * An AuthorizationPolicy says who may connect to pods, by identity and port (the model of GEP-3779). It is
 * enforced by the agent of the destination.
 */
export interface AuthorizationPolicy {
  readonly apiVersion: 'tulle.dev/v1alpha1';
  readonly kind: 'AuthorizationPolicy';
  readonly metadata: NamespacedObjectMeta;
  /** Who may connect to what. */
  readonly spec: AuthorizationPolicySpec;
  /** What controllers say of the policy. */
  readonly status?: PolicyStatus;
}

/**
 * What happens with connections that a rule matches. A pod with any ALLOW policy is closed to whatever none of
 * its policies allows.
 */
export type AuthorizationPolicyAction = 'ALLOW';

/** Who may connect to what. */
export interface AuthorizationPolicySpec {
  /** What the policy is attached to: pods of its own namespace, by their labels. */
  readonly targetRefs: readonly PodTargetReference[];
  /**
   * What happens with connections that a rule matches. A pod with any ALLOW policy is closed to whatever none of
   * its policies allows.
   */
  readonly action: AuthorizationPolicyAction;
  /** Where the policy is enforced. Network: on identity and port, at the destination. */
  readonly enforcementLevel: EnforcementLevel;
  /** What is allowed: whatever any of the rules matches. Without rules nothing is. */
  readonly rules?: readonly AuthorizationRule[];
}

/** Matches connections whose source and port both match. */
export interface AuthorizationRule {
  /** Who may connect: any of these. Omitted: anybody, also without an identity. An empty list: nobody. */
  readonly sources?: readonly AuthorizationSource[];
  /** Where to. Omitted: any port. */
  readonly networkAttributes?: AuthorizationNetworkAttributes;
}

/** An identity, as the client proves it with its certificate. */
export interface AuthorizationSource {
  /** Which of the fields says who it is. */
  readonly type: AuthorizationSourceType;
  /** A service account of this trust domain. */
  readonly serviceAccount?: AuthorizationSourceServiceAccount;
  /** A SPIFFE id, compared as a whole. */
  readonly spiffe?: string;
}

/** A service account of this trust domain. */
export interface AuthorizationSourceServiceAccount {
  /** Its name; "*" stands for every service account of the namespace. */
  readonly name: string;
  /** Its namespace; the policy's own when omitted. */
  readonly namespace?: string;
}

/** Which of the fields says who it is. */
export type AuthorizationSourceType = 'ServiceAccount' | 'SPIFFE';

/**
 * BackendAncestorStatus describes the status of a Backend with respect to a specific ancestor resource
 * (typically a Gateway).
 */
export interface BackendAncestorStatus {
  /** AncestorRef identifies the ancestor resource that this status is associated with. */
  readonly ancestorRef: ParentReference;
  /**
   * For Kubernetes API conventions, see:
   * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
   * conditions represent the current state of the Backend resource. Each condition has a unique type and reflects
   * the status of a specific aspect of the resource.
   */
  readonly conditions?: readonly Condition[];
  /** ControllerName is a domain/path string that indicates the name of the controller that manages the Backend. */
  readonly controllerName: string;
}

/** BackendRef references a resource where mirrored requests are sent. */
export interface BackendObjectReference {
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is the Kubernetes resource kind of the referent. For example "Service". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the backend. When unspecified, the local namespace is inferred. */
  readonly namespace?: string;
  /**
   * Port specifies the destination port number to use for this resource. Port is required when the referent is a
   * Kubernetes Service. In this case, the port number is the service port number, not the target port. For other
   * resources, destination port might be derived from the referent resource or this field.
   */
  readonly port?: number;
}

/**
 * Port defines the port to connect to on this backend. For ExternalHostname, this is the port on the external
 * host. For EndpointSelector, this specifies which endpoint port to connect to.
 */
export interface BackendPort {
  /** Number represents the port number of the destination. */
  readonly number?: number;
}

/** Protocol defines the protocol for backend communication. */
export type BackendProtocol = 'TCP' | 'HTTP' | 'HTTP2' | 'HTTP11' | 'H2C' | 'MCP' | 'GRPC' | 'WSS';

/** BackendRef defines how a Route should forward a request to a Kubernetes resource. */
export interface BackendRef {
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is the Kubernetes resource kind of the referent. For example "Service". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the backend. When unspecified, the local namespace is inferred. */
  readonly namespace?: string;
  /**
   * Port specifies the destination port number to use for this resource. Port is required when the referent is a
   * Kubernetes Service. In this case, the port number is the service port number, not the target port. For other
   * resources, destination port might be derived from the referent resource or this field.
   */
  readonly port?: number;
  /**
   * Weight specifies the proportion of requests forwarded to the referenced backend. This is computed as
   * weight/(sum of all weights in this BackendRefs list). For non-zero values, there may be some epsilon from the
   * exact proportion defined here depending on the precision an implementation supports. Weight is not a
   * percentage and the sum of weights does not need to equal 100.
   */
  readonly weight: number;
}

/** Spec defines the desired state of XBackend. */
export interface BackendSpec {
  /**
   * EndpointSelector specifies the configuration for an EndpointSelector backend. This field must be set when type
   * is EndpointSelector and must be unset otherwise.
   */
  readonly endpointSelector?: EndpointSelectorBackend;
  /**
   * ExternalHostname specifies the configuration for an ExternalHostname backend. This field must be set when type
   * is ExternalHostname and must be unset otherwise.
   */
  readonly externalHostname?: ExternalHostnameBackend;
  /**
   * Port defines the port to connect to on this backend. For ExternalHostname, this is the port on the external
   * host. For EndpointSelector, this specifies which endpoint port to connect to.
   */
  readonly port: BackendPort;
  /** Protocol defines the protocol for backend communication. */
  readonly protocol?: BackendProtocol;
  /** SessionPersistence defines and configures session persistence across the endpoints selected by this backend. */
  readonly sessionPersistence?: SessionPersistence;
  /** TLS defines the TLS configuration that the implementation should use when connecting to the backend. */
  readonly tls: BackendTLS;
  /** Type defines the backend type. */
  readonly type: BackendType;
}

/** Status defines the current state of XBackend. */
export interface BackendStatus {
  /**
   * Ancestors is a list of ancestor resources (usually Gateways) that are associated with this Backend, and the
   * status of the Backend with respect to each ancestor.
   */
  readonly ancestors?: readonly BackendAncestorStatus[];
}

/** TLS defines the TLS configuration that the implementation should use when connecting to the backend. */
export interface BackendTLS {
  /**
   * ClientCertificateRef is a reference to a Secret containing the client TLS certificate and private key for
   * mutual TLS. This field is required when mode is ClientAndServer and must be unset otherwise.
   */
  readonly clientCertificateRef?: SecretObjectReference;
  /** Mode defines the TLS mode for the backend connection. */
  readonly mode: BackendTLSMode;
  /** Validation contains TLS validation configuration for the backend connection. */
  readonly validation?: BackendTLSPolicyValidation;
}

/** Mode defines the TLS mode for the backend connection. */
export type BackendTLSMode = 'None' | 'ServerOnly' | 'ClientAndServer';

/** BackendTLSPolicy provides a way to configure how a Gateway connects to a Backend via TLS. */
export interface BackendTLSPolicy {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'BackendTLSPolicy';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of BackendTLSPolicy. */
  readonly spec: BackendTLSPolicySpec;
  /** Status defines the current state of BackendTLSPolicy. */
  readonly status?: PolicyStatus;
}

/** Spec defines the desired state of BackendTLSPolicy. */
export interface BackendTLSPolicySpec {
  /**
   * Options are a list of key/value pairs to enable extended TLS configuration for each implementation. For
   * example, configuring the minimum TLS version or supported cipher suites.
   */
  readonly options?: Readonly<Record<string, string>>;
  /**
   * TargetRefs identifies an API object to apply the policy to. Note that this config applies to the entire
   * referenced resource by default, but this default may change in the future to provide a more granular
   * application of the policy.
   */
  readonly targetRefs: readonly LocalPolicyTargetReferenceWithSectionName[];
  /** Validation contains backend TLS validation configuration. */
  readonly validation: BackendTLSPolicyValidation;
}

/** Validation contains backend TLS validation configuration. */
export interface BackendTLSPolicyValidation {
  /**
   * CACertificateRefs contains one or more references to Kubernetes objects that contain a PEM-encoded TLS CA
   * certificate bundle, which is used to validate a TLS handshake between the Gateway and backend Pod.
   */
  readonly caCertificateRefs?: readonly LocalObjectReference[];
  /** Hostname is used for two purposes in the connection between Gateways and backends: */
  readonly hostname: string;
  /**
   * SubjectAltNames contains one or more Subject Alternative Names. When specified the certificate served from the
   * backend MUST have at least one Subject Alternate Name matching one of the specified SubjectAltNames.
   */
  readonly subjectAltNames?: readonly SubjectAltName[];
  /**
   * WellKnownCACertificates specifies whether a well-known set of CA certificates may be used in the TLS handshake
   * between the gateway and backend pod.
   */
  readonly wellKnownCACertificates?: string;
}

/** Spec defines the desired state of BackendTrafficPolicy. */
export interface BackendTrafficPolicySpec {
  /**
   * RetryConstraint defines the configuration for when to allow or prevent further retries to a target backend, by
   * dynamically calculating a 'retry budget'. This budget is calculated based on the percentage of incoming
   * traffic composed of retries over a given time interval. Once the budget is exceeded, additional retries will
   * be rejected.
   */
  readonly retryConstraint?: RetryConstraint;
  /** Deprecated: use the Backend resource for session persistence (GEP-4894). */
  readonly sessionPersistence?: SessionPersistence;
  /**
   * TargetRefs identifies API object(s) to apply this policy to. Currently, Backends (A grouping of like endpoints
   * such as Service, ServiceImport, or any implementation-specific backendRef) are the only valid API target
   * references.
   */
  readonly targetRefs: readonly LocalPolicyTargetReference[];
}

/** Type defines the backend type. */
export type BackendType = 'ExternalHostname' | 'EndpointSelector';

/** Budget holds the details of the retry budget configuration. */
export interface BudgetDetails {
  /** Interval defines the duration in which requests will be considered for calculating the budget for retries. */
  readonly interval: string;
  /** Percent defines the maximum percentage of active requests that may be made up of retries. */
  readonly percent: number;
}

/** Cookie provides configuration settings that are specific to cookie-based session persistence. */
export interface CookieConfig {
  /**
   * LifetimeType specifies whether the cookie has a permanent or session-based lifetime. A permanent cookie
   * persists until its specified expiry time, defined by the Expires or Max-Age cookie attributes, while a session
   * cookie is deleted when the current session ends.
   */
  readonly lifetimeType: CookieLifetimeType;
  /**
   * Name defines the name of the cookie used for session persistence. If not specified, a unique cookie name
   * SHOULD be generated. Users should avoid reusing cookie names to prevent unintended consequences, such as
   * rejection or unpredictable behavior.
   */
  readonly name?: string;
  /**
   * Path defines the cookie Path attribute. When not specified, implementations MUST default the cookie path to
   * "/".
   */
  readonly path: string;
}

/**
 * LifetimeType specifies whether the cookie has a permanent or session-based lifetime. A permanent cookie
 * persists until its specified expiry time, defined by the Expires or Max-Age cookie attributes, while a session
 * cookie is deleted when the current session ends.
 */
export type CookieLifetimeType = 'Permanent' | 'Session';

/**
 * EndpointSelector specifies the configuration for an EndpointSelector backend. This field must be set when type
 * is EndpointSelector and must be unset otherwise.
 */
export interface EndpointSelectorBackend {
  /**
   * MatchLabels contains a set of required {key,value} pairs. An object must match every label in this map to be
   * selected. The matching logic is an AND operation on all entries.
   */
  readonly matchLabels: Readonly<Record<string, string>>;
}

/** Where the policy is enforced. Network: on identity and port, at the destination. */
export type EnforcementLevel = 'Network';

/**
 * ExternalHostname specifies the configuration for an ExternalHostname backend. This field must be set when type
 * is ExternalHostname and must be unset otherwise.
 */
export interface ExternalHostnameBackend {
  /** Hostname specifies the FQDN used to reach this backend. IP addresses are not allowed in this field. */
  readonly hostname: string;
}

/**
 * ForwardBody controls if requests to the authorization server should include the body of the client request;
 * and if so, how big that body is allowed to be.
 */
export interface ForwardBodyConfig {
  /**
   * MaxSize specifies how large in bytes the largest body that will be buffered and sent to the authorization
   * server. If the body size is larger than `maxSize`, then the body sent to the authorization server must be
   * truncated to `maxSize` bytes.
   */
  readonly maxSize?: number;
}

/** Fraction represents the fraction of requests that should be mirrored to BackendRef. */
export interface Fraction {
  readonly denominator: number;
  readonly numerator: number;
}

/** GRPCAuthConfig contains configuration for communication with ext_authz protocol-speaking backends. */
export interface GRPCAuthConfig {
  /** AllowedRequestHeaders specifies what headers from the client request will be sent to the authorization server. */
  readonly allowedHeaders?: readonly string[];
}

/** GRPCBackendRef defines how a GRPCRoute forwards a gRPC request. */
export interface GRPCBackendRef {
  /**
   * Filters defined at this level MUST be executed if and only if the request is being forwarded to the backend
   * defined here.
   */
  readonly filters?: readonly GRPCRouteFilter[];
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is the Kubernetes resource kind of the referent. For example "Service". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the backend. When unspecified, the local namespace is inferred. */
  readonly namespace?: string;
  /**
   * Port specifies the destination port number to use for this resource. Port is required when the referent is a
   * Kubernetes Service. In this case, the port number is the service port number, not the target port. For other
   * resources, destination port might be derived from the referent resource or this field.
   */
  readonly port?: number;
  /**
   * Weight specifies the proportion of requests forwarded to the referenced backend. This is computed as
   * weight/(sum of all weights in this BackendRefs list). For non-zero values, there may be some epsilon from the
   * exact proportion defined here depending on the precision an implementation supports. Weight is not a
   * percentage and the sum of weights does not need to equal 100.
   */
  readonly weight: number;
}

/** GRPCHeaderMatch describes how to select a gRPC route by matching gRPC request headers. */
export interface GRPCHeaderMatch {
  /** Name is the name of the gRPC Header to be matched. */
  readonly name: string;
  /** Type specifies how to match against the value of the header. */
  readonly type: GRPCHeaderMatchType;
  /** Value is the value of the gRPC Header to be matched. */
  readonly value: string;
}

/** Type specifies how to match against the value of the header. */
export type GRPCHeaderMatchType = 'Exact' | 'RegularExpression';

/**
 * Method specifies a gRPC request service/method matcher. If this field is not specified, all services and
 * methods will match.
 */
export interface GRPCMethodMatch {
  /** Value of the method to match against. If left empty or omitted, will match all services. */
  readonly method?: string;
  /** Value of the service to match against. If left empty or omitted, will match any service. */
  readonly service?: string;
  /**
   * Type specifies how to match against the service and/or method. Support: Core (Exact with service and method
   * specified)
   */
  readonly type: GRPCMethodMatchType;
}

/**
 * Type specifies how to match against the service and/or method. Support: Core (Exact with service and method
 * specified)
 */
export type GRPCMethodMatchType = 'Exact' | 'RegularExpression';

/**
 * GRPCRoute provides a way to route gRPC requests. This includes the capability to match requests by hostname,
 * gRPC service, gRPC method, or HTTP/2 header. Filters can be used to specify additional processing steps.
 * Backends specify where matching requests will be routed.
 */
export interface GRPCRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'GRPCRoute';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of GRPCRoute. */
  readonly spec: GRPCRouteSpec;
  /** Status defines the current state of GRPCRoute. */
  readonly status?: GRPCRouteStatus;
}

/**
 * GRPCRouteFilter defines processing steps that must be completed during the request or response lifecycle.
 * GRPCRouteFilters are meant as an extension point to express processing that may be done in Gateway
 * implementations. Some examples include request or response modification, implementing authentication
 * strategies, rate-limiting, and traffic shaping. API guarantee/conformance is defined based on the type of the
 * filter.
 */
export interface GRPCRouteFilter {
  /**
   * ExtensionRef is an optional, implementation-specific extension to the "filter" behavior. For example, resource
   * "myroutefilter" in group "networking.example.net"). ExtensionRef MUST NOT be used for core and extended
   * filters.
   */
  readonly extensionRef?: LocalObjectReference;
  /** RequestHeaderModifier defines a schema for a filter that modifies request headers. */
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  /**
   * RequestMirror defines a schema for a filter that mirrors requests. Requests are sent to the specified
   * destination, but responses from that destination are ignored.
   */
  readonly requestMirror?: HTTPRequestMirrorFilter;
  /** ResponseHeaderModifier defines a schema for a filter that modifies response headers. */
  readonly responseHeaderModifier?: HTTPHeaderFilter;
  /**
   * Type identifies the type of filter to apply. As with other API fields, types are classified into three
   * conformance levels:
   */
  readonly type: GRPCRouteFilterType;
}

/**
 * Type identifies the type of filter to apply. As with other API fields, types are classified into three
 * conformance levels:
 */
export type GRPCRouteFilterType = 'ResponseHeaderModifier' | 'RequestHeaderModifier' | 'RequestMirror' | 'ExtensionRef';

/**
 * GRPCRouteMatch defines the predicate used to match requests to a given action. Multiple match types are ANDed
 * together, i.e. the match will evaluate to true only if all conditions are satisfied.
 */
export interface GRPCRouteMatch {
  /**
   * Headers specifies gRPC request header matchers. Multiple match values are ANDed together, meaning, a request
   * MUST match all the specified headers to select the route.
   */
  readonly headers?: readonly GRPCHeaderMatch[];
  /**
   * Method specifies a gRPC request service/method matcher. If this field is not specified, all services and
   * methods will match.
   */
  readonly method?: GRPCMethodMatch;
}

/**
 * GRPCRouteRule defines the semantics for matching a gRPC request based on conditions (matches), processing it
 * (filters), and forwarding the request to an API object (backendRefs).
 */
export interface GRPCRouteRule {
  /** BackendRefs defines the backend(s) where matching requests should be sent. */
  readonly backendRefs?: readonly GRPCBackendRef[];
  /** Filters define the filters that are applied to requests that match this rule. */
  readonly filters?: readonly GRPCRouteFilter[];
  /**
   * Matches define conditions used for matching the rule against incoming gRPC requests. Each match is
   * independent, i.e. this rule will be matched if **any** one of the matches is satisfied.
   */
  readonly matches?: readonly GRPCRouteMatch[];
  /** Name is the name of the route rule. This name MUST be unique within a Route if it is set. */
  readonly name?: string;
  /** Deprecated: use the Backend resource for session persistence (GEP-4894). */
  readonly sessionPersistence?: SessionPersistence;
}

/** Spec defines the desired state of GRPCRoute. */
export interface GRPCRouteSpec {
  /**
   * Hostnames defines a set of hostnames to match against the GRPC Host header to select a GRPCRoute to process
   * the request. This matches the RFC 1123 definition of a hostname with 2 notable exceptions:
   */
  readonly hostnames?: readonly string[];
  /**
   * ParentRefs references the resources (usually Gateways) that a Route wants to be attached to. Note that the
   * referenced parent resource needs to allow this for the attachment to be complete. For Gateways, that means the
   * Gateway needs to allow attachment from Routes of this kind and namespace. For Services, that means the Service
   * must either be in the same namespace for a "producer" route, or the mesh implementation must support and allow
   * "consumer" routes for the referenced Service. ReferenceGrant is not applicable for governing ParentRefs to
   * Services - it is not possible to create a "producer" route for a Service in a different namespace from the
   * Route.
   */
  readonly parentRefs?: readonly ParentReference[];
  /** Rules are a list of GRPC matchers, filters and actions. */
  readonly rules?: readonly GRPCRouteRule[];
  /**
   * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
   * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
   * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
   * claim.
   */
  readonly useDefaultGateways?: GatewayDefaultScope;
}

/** Status defines the current state of GRPCRoute. */
export interface GRPCRouteStatus {
  /**
   * Parents is a list of parent resources (usually Gateways) that are associated with the route, and the status of
   * the route with respect to each parent. When this route attaches to a parent, the controller that manages the
   * parent must add an entry to this list when the controller first sees the route and should update the entry as
   * appropriate when the route or gateway is modified.
   */
  readonly parents: readonly RouteParentStatus[];
}

/**
 * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
 * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
 * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
 * claim.
 */
export type GatewayDefaultScope = 'All' | 'None';

/** HTTPAuthConfig contains configuration for communication with HTTP-speaking backends. */
export interface HTTPAuthConfig {
  /**
   * AllowedRequestHeaders specifies what additional headers from the client request will be sent to the
   * authorization server.
   */
  readonly allowedHeaders?: readonly string[];
  /**
   * AllowedResponseHeaders specifies what headers from the authorization response will be copied into the request
   * to the backend.
   */
  readonly allowedResponseHeaders?: readonly string[];
  /**
   * Path sets the prefix that paths from the client request will have added when forwarded to the authorization
   * server.
   */
  readonly path?: string;
}

/** HTTPBackendRef defines how a HTTPRoute forwards a HTTP request. */
export interface HTTPBackendRef {
  /**
   * Filters defined at this level should be executed if and only if the request is being forwarded to the backend
   * defined here.
   */
  readonly filters?: readonly HTTPRouteFilter[];
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is the Kubernetes resource kind of the referent. For example "Service". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the backend. When unspecified, the local namespace is inferred. */
  readonly namespace?: string;
  /**
   * Port specifies the destination port number to use for this resource. Port is required when the referent is a
   * Kubernetes Service. In this case, the port number is the service port number, not the target port. For other
   * resources, destination port might be derived from the referent resource or this field.
   */
  readonly port?: number;
  /**
   * Weight specifies the proportion of requests forwarded to the referenced backend. This is computed as
   * weight/(sum of all weights in this BackendRefs list). For non-zero values, there may be some epsilon from the
   * exact proportion defined here depending on the precision an implementation supports. Weight is not a
   * percentage and the sum of weights does not need to equal 100.
   */
  readonly weight: number;
}

/** CORS defines a schema for a filter that responds to the cross-origin request based on HTTP response header. */
export interface HTTPCORSFilter {
  /** AllowCredentials indicates whether the actual cross-origin request allows to include credentials. */
  readonly allowCredentials?: boolean;
  /** AllowHeaders indicates which HTTP request headers are supported for accessing the requested resource. */
  readonly allowHeaders?: readonly string[];
  /** AllowMethods indicates which HTTP methods are supported for accessing the requested resource. */
  readonly allowMethods?: readonly HTTPMethodWithWildcard[];
  /** AllowOrigins indicates whether the response can be shared with requested resource from the given `Origin`. */
  readonly allowOrigins?: readonly string[];
  /**
   * ExposeHeaders indicates which HTTP response headers can be exposed to client-side scripts in response to a
   * cross-origin request.
   */
  readonly exposeHeaders?: readonly string[];
  /** MaxAge indicates the duration (in seconds) for the client to cache the results of a "preflight" request. */
  readonly maxAge: number;
}

/**
 * ExternalAuth configures settings related to sending request details to an external auth service. The external
 * service MUST authenticate the request, and MAY authorize the request as well.
 */
export interface HTTPExternalAuthFilter {
  /** BackendRef is a reference to a backend to send authorization requests to. */
  readonly backendRef: BackendObjectReference;
  /**
   * ForwardBody controls if requests to the authorization server should include the body of the client request;
   * and if so, how big that body is allowed to be.
   */
  readonly forwardBody?: ForwardBodyConfig;
  /** GRPCAuthConfig contains configuration for communication with ext_authz protocol-speaking backends. */
  readonly grpc?: GRPCAuthConfig;
  /** HTTPAuthConfig contains configuration for communication with HTTP-speaking backends. */
  readonly http?: HTTPAuthConfig;
  /**
   * ExternalAuthProtocol describes which protocol to use when communicating with an ext_authz authorization
   * server.
   */
  readonly protocol: HTTPRouteExternalAuthProtocol;
}

/** HTTPHeader represents an HTTP Header name and value as defined by RFC 7230. */
export interface HTTPHeader {
  /**
   * Name is the name of the HTTP Header to be matched. Name matching MUST be case-insensitive. (See
   * https://tools.ietf.org/html/rfc7230#section-3.2).
   */
  readonly name: string;
  /** Value is the value of HTTP Header to be matched. */
  readonly value: string;
}

/** RequestHeaderModifier defines a schema for a filter that modifies request headers. */
export interface HTTPHeaderFilter {
  /**
   * Add adds the given header(s) (name, value) to the request before the action. It appends to any existing values
   * associated with the header name.
   */
  readonly add?: readonly HTTPHeader[];
  /**
   * Remove the given header(s) from the HTTP request before the action. The value of Remove is a list of HTTP
   * header names. Note that the header names are case-insensitive (see
   * https://datatracker.ietf.org/doc/html/rfc2616#section-4.2).
   */
  readonly remove?: readonly string[];
  /** Set overwrites the request with the given header (name, value) before the action. */
  readonly set?: readonly HTTPHeader[];
}

/** HTTPHeaderMatch describes how to select a HTTP route by matching HTTP request headers. */
export interface HTTPHeaderMatch {
  /**
   * Name is the name of the HTTP Header to be matched. Name matching MUST be case-insensitive. (See
   * https://tools.ietf.org/html/rfc7230#section-3.2).
   */
  readonly name: string;
  /** Type specifies how to match against the value of the header. */
  readonly type: HeaderMatchType;
  /** Value is the value of HTTP Header to be matched. */
  readonly value: string;
}

/**
 * Method specifies HTTP method matcher. When specified, this route will be matched only if the request has the
 * specified method.
 */
export type HTTPMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH';

export type HTTPMethodWithWildcard = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'CONNECT' | 'OPTIONS' | 'TRACE' | 'PATCH' | '*';

/**
 * Path specifies a HTTP request path matcher. If this field is not specified, a default prefix match on the "/"
 * path is provided.
 */
export interface HTTPPathMatch {
  /** Type specifies how to match against the path Value. */
  readonly type: PathMatchType;
  /** Value of the HTTP path to match against. */
  readonly value: string;
}

/**
 * Path defines parameters used to modify the path of the incoming request. The modified path is then used to
 * construct the `Location` header. When empty, the request path is used as-is.
 */
export interface HTTPPathModifier {
  /**
   * ReplaceFullPath specifies the value with which to replace the full path of a request during a rewrite or
   * redirect.
   */
  readonly replaceFullPath?: string;
  /**
   * ReplacePrefixMatch specifies the value with which to replace the prefix match of a request during a rewrite or
   * redirect. For example, a request to "/foo/bar" with a prefix match of "/foo" and a ReplacePrefixMatch of
   * "/xyz" would be modified to "/xyz/bar".
   */
  readonly replacePrefixMatch?: string;
  /** Type defines the type of path modifier. Additional types may be added in a future release of the API. */
  readonly type: HTTPPathModifierType;
}

/** Type defines the type of path modifier. Additional types may be added in a future release of the API. */
export type HTTPPathModifierType = 'ReplaceFullPath' | 'ReplacePrefixMatch';

/** HTTPQueryParamMatch describes how to select a HTTP route by matching HTTP query parameters. */
export interface HTTPQueryParamMatch {
  /**
   * Name is the name of the HTTP query param to be matched. This must be an exact string match. (See
   * https://tools.ietf.org/html/rfc7230#section-2.7.3).
   */
  readonly name: string;
  /** Type specifies how to match against the value of the query parameter. */
  readonly type: QueryParamMatchType;
  /** Value is the value of HTTP query param to be matched. */
  readonly value: string;
}

/**
 * RequestMirror defines a schema for a filter that mirrors requests. Requests are sent to the specified
 * destination, but responses from that destination are ignored.
 */
export interface HTTPRequestMirrorFilter {
  /** BackendRef references a resource where mirrored requests are sent. */
  readonly backendRef: BackendObjectReference;
  /** Fraction represents the fraction of requests that should be mirrored to BackendRef. */
  readonly fraction?: Fraction;
  /**
   * Percent represents the percentage of requests that should be mirrored to BackendRef. Its minimum value is 0
   * (indicating 0% of requests) and its maximum value is 100 (indicating 100% of requests).
   */
  readonly percent?: number;
}

/** RequestRedirect defines a schema for a filter that responds to the request with an HTTP redirection. */
export interface HTTPRequestRedirectFilter {
  /**
   * Hostname is the hostname to be used in the value of the `Location` header in the response. When empty, the
   * hostname in the `Host` header of the request is used.
   */
  readonly hostname?: string;
  /**
   * Path defines parameters used to modify the path of the incoming request. The modified path is then used to
   * construct the `Location` header. When empty, the request path is used as-is.
   */
  readonly path?: HTTPPathModifier;
  /** Port is the port to be used in the value of the `Location` header in the response. */
  readonly port?: number;
  /**
   * Scheme is the scheme to be used in the value of the `Location` header in the response. When empty, the scheme
   * of the request is used.
   */
  readonly scheme?: 'http' | 'https';
  /** StatusCode is the HTTP status code to be used in response. */
  readonly statusCode: 301 | 302 | 303 | 307 | 308;
}

/**
 * HTTPRoute provides a way to route HTTP requests. This includes the capability to match requests by hostname,
 * path, header, or query param. Filters can be used to specify additional processing steps. Backends specify
 * where matching requests should be routed.
 */
export interface HTTPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'HTTPRoute';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of HTTPRoute. */
  readonly spec: HTTPRouteSpec;
  /** Status defines the current state of HTTPRoute. */
  readonly status?: HTTPRouteStatus;
}

/**
 * ExternalAuthProtocol describes which protocol to use when communicating with an ext_authz authorization
 * server.
 */
export type HTTPRouteExternalAuthProtocol = 'HTTP' | 'GRPC';

/**
 * HTTPRouteFilter defines processing steps that must be completed during the request or response lifecycle.
 * HTTPRouteFilters are meant as an extension point to express processing that may be done in Gateway
 * implementations. Some examples include request or response modification, implementing authentication
 * strategies, rate-limiting, and traffic shaping. API guarantee/conformance is defined based on the type of the
 * filter.
 */
export interface HTTPRouteFilter {
  /** CORS defines a schema for a filter that responds to the cross-origin request based on HTTP response header. */
  readonly cors?: HTTPCORSFilter;
  /**
   * ExtensionRef is an optional, implementation-specific extension to the "filter" behavior. For example, resource
   * "myroutefilter" in group "networking.example.net"). ExtensionRef MUST NOT be used for core and extended
   * filters.
   */
  readonly extensionRef?: LocalObjectReference;
  /**
   * ExternalAuth configures settings related to sending request details to an external auth service. The external
   * service MUST authenticate the request, and MAY authorize the request as well.
   */
  readonly externalAuth?: HTTPExternalAuthFilter;
  /** RequestHeaderModifier defines a schema for a filter that modifies request headers. */
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  /**
   * RequestMirror defines a schema for a filter that mirrors requests. Requests are sent to the specified
   * destination, but responses from that destination are ignored.
   */
  readonly requestMirror?: HTTPRequestMirrorFilter;
  /** RequestRedirect defines a schema for a filter that responds to the request with an HTTP redirection. */
  readonly requestRedirect?: HTTPRequestRedirectFilter;
  /** ResponseHeaderModifier defines a schema for a filter that modifies response headers. */
  readonly responseHeaderModifier?: HTTPHeaderFilter;
  /**
   * Type identifies the type of filter to apply. As with other API fields, types are classified into three
   * conformance levels:
   */
  readonly type: HTTPRouteFilterType;
  /** URLRewrite defines a schema for a filter that modifies a request during forwarding. */
  readonly urlRewrite?: HTTPURLRewriteFilter;
}

/**
 * Type identifies the type of filter to apply. As with other API fields, types are classified into three
 * conformance levels:
 */
export type HTTPRouteFilterType = 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'RequestMirror' | 'RequestRedirect' | 'URLRewrite' | 'ExtensionRef' | 'CORS' | 'ExternalAuth';

/**
 * HTTPRouteMatch defines the predicate used to match requests to a given action. Multiple match types are ANDed
 * together, i.e. the match will evaluate to true only if all conditions are satisfied.
 */
export interface HTTPRouteMatch {
  /**
   * Headers specifies HTTP request header matchers. Multiple match values are ANDed together, meaning, a request
   * must match all the specified headers to select the route.
   */
  readonly headers?: readonly HTTPHeaderMatch[];
  /**
   * Method specifies HTTP method matcher. When specified, this route will be matched only if the request has the
   * specified method.
   */
  readonly method?: HTTPMethod;
  /**
   * Path specifies a HTTP request path matcher. If this field is not specified, a default prefix match on the "/"
   * path is provided.
   */
  readonly path: HTTPPathMatch;
  /**
   * QueryParams specifies HTTP query parameter matchers. Multiple match values are ANDed together, meaning, a
   * request must match all the specified query parameters to select the route.
   */
  readonly queryParams?: readonly HTTPQueryParamMatch[];
}

/** Retry defines the configuration for when to retry an HTTP request. */
export interface HTTPRouteRetry {
  /**
   * Attempts specifies the maximum number of times an individual request from the Gateway to a backend should be
   * retried in addition to the initial request.
   */
  readonly attempts: number;
  /**
   * Backoff specifies the base interval for a backoff strategy between retry attempts and is represented in
   * Gateway API Duration formatting. The duration a Gateway waits before a retry attempt is determined by the base
   * interval and the implementation's retry strategy.
   */
  readonly backoff?: string;
  /** Codes defines the HTTP response status codes for which a backend request should be retried. */
  readonly codes?: readonly number[];
}

/**
 * HTTPRouteRule defines semantics for matching an HTTP request based on conditions (matches), processing it
 * (filters), and forwarding the request to an API object (backendRefs).
 */
export interface HTTPRouteRule {
  /** BackendRefs defines the backend(s) where matching requests should be sent. */
  readonly backendRefs?: readonly HTTPBackendRef[];
  /** Filters define the filters that are applied to requests that match this rule. */
  readonly filters?: readonly HTTPRouteFilter[];
  /**
   * Matches define conditions used for matching the rule against incoming HTTP requests. Each match is
   * independent, i.e. this rule will be matched if **any** one of the matches is satisfied.
   */
  readonly matches: readonly HTTPRouteMatch[];
  /** Name is the name of the route rule. This name MUST be unique within a Route if it is set. */
  readonly name?: string;
  /** Retry defines the configuration for when to retry an HTTP request. */
  readonly retry?: HTTPRouteRetry;
  /** Deprecated: use the Backend resource for session persistence (GEP-4894). */
  readonly sessionPersistence?: SessionPersistence;
  /** Timeouts defines the timeouts that can be configured for an HTTP request. */
  readonly timeouts?: HTTPRouteTimeouts;
}

/** Spec defines the desired state of HTTPRoute. */
export interface HTTPRouteSpec {
  /**
   * Hostnames defines a set of hostnames that should match against the HTTP Host header to select a HTTPRoute used
   * to process the request. Implementations MUST ignore any port value specified in the HTTP Host header while
   * performing a match and (absent of any applicable header modification configuration) MUST forward this header
   * unmodified to the backend.
   */
  readonly hostnames?: readonly string[];
  /**
   * ParentRefs references the resources (usually Gateways) that a Route wants to be attached to. Note that the
   * referenced parent resource needs to allow this for the attachment to be complete. For Gateways, that means the
   * Gateway needs to allow attachment from Routes of this kind and namespace. For Services, that means the Service
   * must either be in the same namespace for a "producer" route, or the mesh implementation must support and allow
   * "consumer" routes for the referenced Service. ReferenceGrant is not applicable for governing ParentRefs to
   * Services - it is not possible to create a "producer" route for a Service in a different namespace from the
   * Route.
   */
  readonly parentRefs?: readonly ParentReference[];
  /** Rules are a list of HTTP matchers, filters and actions. */
  readonly rules: readonly HTTPRouteRule[];
  /**
   * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
   * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
   * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
   * claim.
   */
  readonly useDefaultGateways?: GatewayDefaultScope;
}

/** Status defines the current state of HTTPRoute. */
export interface HTTPRouteStatus {
  /**
   * Parents is a list of parent resources (usually Gateways) that are associated with the route, and the status of
   * the route with respect to each parent. When this route attaches to a parent, the controller that manages the
   * parent must add an entry to this list when the controller first sees the route and should update the entry as
   * appropriate when the route or gateway is modified.
   */
  readonly parents: readonly RouteParentStatus[];
}

/** Timeouts defines the timeouts that can be configured for an HTTP request. */
export interface HTTPRouteTimeouts {
  /**
   * BackendRequest specifies a timeout for an individual request from the gateway to a backend. This covers the
   * time from when the request first starts being sent from the gateway to when the full response has been
   * received from the backend.
   */
  readonly backendRequest?: string;
  /**
   * Request specifies the maximum duration for a gateway to respond to an HTTP request. If the gateway has not
   * been able to respond before this deadline is met, the gateway MUST return a timeout error.
   */
  readonly request?: string;
}

/** URLRewrite defines a schema for a filter that modifies a request during forwarding. */
export interface HTTPURLRewriteFilter {
  /** Hostname is the value to be used to replace the Host header value during forwarding. */
  readonly hostname?: string;
  /** Path defines a path rewrite. */
  readonly path?: HTTPPathModifier;
}

/** Header provides configuration settings that are specific to header-based session persistence. */
export interface HeaderConfig {
  /**
   * Name defines the name of the header used for session persistence. The client must include this header in
   * subsequent requests to maintain the session.
   */
  readonly name: string;
}

/** Type specifies how to match against the value of the header. */
export type HeaderMatchType = 'Exact' | 'RegularExpression';

/**
 * LocalObjectReference identifies an API object within the namespace of the referrer. The API object must be
 * valid in the cluster; the Group and Kind must be registered in the cluster for this reference to be valid.
 */
export interface LocalObjectReference {
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is kind of the referent. For example "HTTPRoute" or "Service". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
}

/**
 * LocalPolicyTargetReference identifies an API object to apply a direct or inherited policy to. This should be
 * used as part of Policy resources that can target Gateway API resources. For more information on how this
 * policy attachment model works, and a sample Policy resource, refer to the policy attachment documentation for
 * Gateway API.
 */
export interface LocalPolicyTargetReference {
  /** Group is the group of the target resource. */
  readonly group: string;
  /** Kind is kind of the target resource. */
  readonly kind: string;
  /** Name is the name of the target resource. */
  readonly name: string;
}

/**
 * LocalPolicyTargetReferenceWithSectionName identifies an API object to apply a direct policy to. This should be
 * used as part of Policy resources that can target single resources. For more information on how this policy
 * attachment mode works, and a sample Policy resource, refer to the policy attachment documentation for Gateway
 * API.
 */
export interface LocalPolicyTargetReferenceWithSectionName {
  /** Group is the group of the target resource. */
  readonly group: string;
  /** Kind is kind of the target resource. */
  readonly kind: string;
  /** Name is the name of the target resource. */
  readonly name: string;
  /**
   * SectionName is the name of a section within the target resource. When unspecified, this targetRef targets the
   * entire resource. In the following resources, SectionName is interpreted as the following:
   */
  readonly sectionName?: string;
}

/** Spec defines the desired state of XMesh. */
export interface MeshSpec {
  /**
   * ControllerName is the name of a controller that is managing Gateway API resources for mesh traffic management.
   * The value of this field MUST be a domain prefixed path.
   */
  readonly controllerName: string;
  /** Description optionally provides a human-readable description of a Mesh. */
  readonly description?: string;
  /**
   * ParametersRef is an optional reference to a resource that contains implementation-specific configuration for
   * this Mesh. If no implementation-specific parameters are needed, this field MUST be omitted.
   */
  readonly parametersRef?: ParametersReference;
}

/** Status defines the current state of XMesh. */
export interface MeshStatus {
  /** Conditions is the current status from the controller for this Mesh. */
  readonly conditions: readonly Condition[];
  /**
   * SupportedFeatures is the set of features the Mesh support. It MUST be sorted in ascending alphabetical order
   * by the Name key.
   */
  readonly supportedFeatures?: readonly SupportedFeature[];
}

/**
 * ParametersRef is an optional reference to a resource that contains implementation-specific configuration for
 * this Mesh. If no implementation-specific parameters are needed, this field MUST be omitted.
 */
export interface ParametersReference {
  /** Group is the group of the referent. */
  readonly group: string;
  /** Kind is kind of the referent. */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /**
   * Namespace is the namespace of the referent. This field is required when referring to a Namespace-scoped
   * resource and MUST be unset when referring to a Cluster-scoped resource.
   */
  readonly namespace?: string;
}

/** ParentBasedSampling configures whether to respect the sampling decision of the parent span. */
export interface ParentBasedSampling {
  /**
   * Mode explicitly controls if parent-based sampling is enabled. Valid values are "Enabled", "Disabled",
   * "ImplementationDefault".
   */
  readonly mode: ParentBasedSamplingMode;
  /** SamplingRate is the sampling rate to apply when parent-based sampling is active. */
  readonly samplingRate?: Fraction;
}

/**
 * Mode explicitly controls if parent-based sampling is enabled. Valid values are "Enabled", "Disabled",
 * "ImplementationDefault".
 */
export type ParentBasedSamplingMode = 'Enabled' | 'Disabled' | 'ImplementationDefault';

/**
 * AncestorRef corresponds with a ParentRef in the spec that this PolicyAncestorStatus struct describes the
 * status of.
 */
export interface ParentReference {
  /**
   * Group is the group of the referent. When unspecified, "gateway.networking.k8s.io" is inferred. To set the core
   * API group (such as for a "Service" kind referent), Group must be explicitly set to "" (empty string).
   */
  readonly group: string;
  /** Kind is kind of the referent. */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the referent. When unspecified, this refers to the local namespace of the Route. */
  readonly namespace?: string;
  /**
   * Port is the network port this Route targets. It can be interpreted differently based on the type of parent
   * resource.
   */
  readonly port?: number;
  /**
   * SectionName is the name of a section within the target resource. In the following resources, SectionName is
   * interpreted as the following:
   */
  readonly sectionName?: string;
}

/** Type specifies how to match against the path Value. */
export type PathMatchType = 'Exact' | 'PathPrefix' | 'RegularExpression';

/** Pods, by their labels. */
export interface PodTargetReference {
  /** The API group of the target: empty, for pods. */
  readonly group: '';
  /** The kind of the target. */
  readonly kind: 'Pod';
  /** Selects pods by their labels: all parts must hold. An empty selector is every pod of the namespace. */
  readonly selector: LabelSelector;
}

/** PolicyAncestorStatus describes the status of a route with respect to an associated Ancestor. */
export interface PolicyAncestorStatus {
  /**
   * AncestorRef corresponds with a ParentRef in the spec that this PolicyAncestorStatus struct describes the
   * status of.
   */
  readonly ancestorRef: ParentReference;
  /** Conditions describes the status of the Policy with respect to the given Ancestor. */
  readonly conditions: readonly Condition[];
  /**
   * ControllerName is a domain/path string that indicates the name of the controller that wrote this status. This
   * corresponds with the controllerName field on GatewayClass.
   */
  readonly controllerName: string;
}

/** Status defines the current state of BackendTLSPolicy. */
export interface PolicyStatus {
  /**
   * Ancestors is a list of ancestor resources (usually Gateways) that are associated with the policy, and the
   * status of the policy with respect to each ancestor. When this policy attaches to a parent, the controller that
   * manages the parent and the ancestors MUST add an entry to this list when the controller first sees the policy
   * and SHOULD update the entry as appropriate when the relevant ancestor is modified.
   */
  readonly ancestors: readonly PolicyAncestorStatus[];
}

/** Type specifies how to match against the value of the query parameter. */
export type QueryParamMatchType = 'Exact' | 'RegularExpression';

/**
 * ReferenceGrant identifies kinds of resources in other namespaces that are trusted to reference the specified
 * kinds of resources in the same namespace as the policy.
 */
export interface ReferenceGrant {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'ReferenceGrant';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of ReferenceGrant. */
  readonly spec: ReferenceGrantSpec;
}

/** ReferenceGrantFrom describes trusted namespaces and kinds. */
export interface ReferenceGrantFrom {
  /** Group is the group of the referent. When empty, the Kubernetes core API group is inferred. */
  readonly group: string;
  /**
   * Kind is the kind of the referent. Although implementations may support additional resources, the following
   * types are part of the "Core" support level for this field.
   */
  readonly kind: string;
  /** Namespace is the namespace of the referent. */
  readonly namespace: string;
}

/** Spec defines the desired state of ReferenceGrant. */
export interface ReferenceGrantSpec {
  /**
   * From describes the trusted namespaces and kinds that can reference the resources described in "To". Each entry
   * in this list MUST be considered to be an additional place that references can be valid from, or to put this
   * another way, entries MUST be combined using OR.
   */
  readonly from: readonly ReferenceGrantFrom[];
  /**
   * To describes the resources that may be referenced by the resources described in "From". Each entry in this
   * list MUST be considered to be an additional place that references can be valid to, or to put this another way,
   * entries MUST be combined using OR.
   */
  readonly to: readonly ReferenceGrantTo[];
}

/** ReferenceGrantTo describes what Kinds are allowed as targets of the references. */
export interface ReferenceGrantTo {
  /** Group is the group of the referent. When empty, the Kubernetes core API group is inferred. */
  readonly group: string;
  /**
   * Kind is the kind of the referent. Although implementations may support additional resources, the following
   * types are part of the "Core" support level for this field:
   */
  readonly kind: string;
  /**
   * Name is the name of the referent. When unspecified, this policy refers to all resources of the specified Group
   * and Kind in the local namespace.
   */
  readonly name?: string;
}

/** MinRetryRate defines the minimum rate of retries that will be allowable over a specified duration of time. */
export interface RequestRate {
  /** Count specifies the number of requests per time interval. */
  readonly count?: number;
  /**
   * Interval specifies the divisor of the rate of requests, the amount of time during which the given count of
   * requests occur.
   */
  readonly interval?: string;
}

/**
 * RetryConstraint defines the configuration for when to allow or prevent further retries to a target backend, by
 * dynamically calculating a 'retry budget'. This budget is calculated based on the percentage of incoming
 * traffic composed of retries over a given time interval. Once the budget is exceeded, additional retries will
 * be rejected.
 */
export interface RetryConstraint {
  /** Budget holds the details of the retry budget configuration. */
  readonly budget: BudgetDetails;
  /** MinRetryRate defines the minimum rate of retries that will be allowable over a specified duration of time. */
  readonly minRetryRate: RequestRate;
}

/** RouteParentStatus describes the status of a route with respect to an associated Parent. */
export interface RouteParentStatus {
  /**
   * Conditions describes the status of the route with respect to the Gateway. Note that the route's availability
   * is also subject to the Gateway's own status conditions and listener status.
   */
  readonly conditions: readonly Condition[];
  /**
   * ControllerName is a domain/path string that indicates the name of the controller that wrote this status. This
   * corresponds with the controllerName field on GatewayClass.
   */
  readonly controllerName: string;
  /** ParentRef corresponds with a ParentRef in the spec that this RouteParentStatus struct describes the status of. */
  readonly parentRef: ParentReference;
}

/**
 * ClientCertificateRef is a reference to a Secret containing the client TLS certificate and private key for
 * mutual TLS. This field is required when mode is ClientAndServer and must be unset otherwise.
 */
export interface SecretObjectReference {
  /**
   * Group is the group of the referent. For example, "gateway.networking.k8s.io". When unspecified or empty
   * string, core API group is inferred.
   */
  readonly group: string;
  /** Kind is kind of the referent. For example "Secret". */
  readonly kind: string;
  /** Name is the name of the referent. */
  readonly name: string;
  /** Namespace is the namespace of the referenced object. When unspecified, the local namespace is inferred. */
  readonly namespace?: string;
}

/** Deprecated: use the Backend resource for session persistence (GEP-4894). */
export interface SessionPersistence {
  /**
   * AbsoluteTimeout defines the absolute timeout of the persistent session. Once the AbsoluteTimeout duration has
   * elapsed, the session becomes invalid.
   */
  readonly absoluteTimeout?: string;
  /** Cookie provides configuration settings that are specific to cookie-based session persistence. */
  readonly cookie?: CookieConfig;
  /** Header provides configuration settings that are specific to header-based session persistence. */
  readonly header?: HeaderConfig;
  /**
   * Type defines the type of session persistence such as through the use of a header or cookie. Defaults to cookie
   * based session persistence.
   */
  readonly type: SessionPersistenceType;
}

/**
 * Type defines the type of session persistence such as through the use of a header or cookie. Defaults to cookie
 * based session persistence.
 */
export type SessionPersistenceType = 'Cookie' | 'Header';

/** SubjectAltName represents Subject Alternative Name. */
export interface SubjectAltName {
  /**
   * Hostname contains Subject Alternative Name specified in DNS name format. Required when Type is set to
   * Hostname, ignored otherwise.
   */
  readonly hostname?: string;
  /** Type determines the format of the Subject Alternative Name. Always required. */
  readonly type: SubjectAltNameType;
  /**
   * URI contains Subject Alternative Name specified in a full URI format. It MUST include both a scheme (e.g.,
   * "http" or "ftp") and a scheme-specific-part. Common values include SPIFFE IDs like
   * "spiffe://mycluster.example.com/ns/myns/sa/svc1sa". Required when Type is set to URI, ignored otherwise.
   */
  readonly uri?: string;
}

/** Type determines the format of the Subject Alternative Name. Always required. */
export type SubjectAltNameType = 'Hostname' | 'URI';

export interface SupportedFeature {
  /** FeatureName is used to describe distinct features that are covered by conformance tests. */
  readonly name: string;
}

/**
 * TCPRoute provides a way to route TCP requests. When combined with a Gateway listener, it can be used to
 * forward connections on the port specified by the listener to a set of backends specified by the TCPRoute.
 */
export interface TCPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'TCPRoute';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of TCPRoute. */
  readonly spec: TCPRouteSpec;
  /** Status defines the current state of TCPRoute. */
  readonly status?: TCPRouteStatus;
}

/** TCPRouteRule is the configuration for a given rule. */
export interface TCPRouteRule {
  /**
   * BackendRefs defines the backend(s) where matching requests should be sent. If unspecified or invalid (refers
   * to a nonexistent resource or a Service with no endpoints), the underlying implementation MUST actively reject
   * connection attempts to this backend. Connection rejections must respect weight; if an invalid backend is
   * requested to have 80% of connections, then 80% of connections must be rejected instead.
   */
  readonly backendRefs: readonly BackendRef[];
  /** Name is the name of the route rule. This name MUST be unique within a Route if it is set. */
  readonly name?: string;
}

/** Spec defines the desired state of TCPRoute. */
export interface TCPRouteSpec {
  /**
   * ParentRefs references the resources (usually Gateways) that a Route wants to be attached to. Note that the
   * referenced parent resource needs to allow this for the attachment to be complete. For Gateways, that means the
   * Gateway needs to allow attachment from Routes of this kind and namespace. For Services, that means the Service
   * must either be in the same namespace for a "producer" route, or the mesh implementation must support and allow
   * "consumer" routes for the referenced Service. ReferenceGrant is not applicable for governing ParentRefs to
   * Services - it is not possible to create a "producer" route for a Service in a different namespace from the
   * Route.
   */
  readonly parentRefs?: readonly ParentReference[];
  /** Rules are a list of TCP matchers and actions. */
  readonly rules: readonly TCPRouteRule[];
  /**
   * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
   * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
   * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
   * claim.
   */
  readonly useDefaultGateways?: GatewayDefaultScope;
}

/** Status defines the current state of TCPRoute. */
export interface TCPRouteStatus {
  /**
   * Parents is a list of parent resources (usually Gateways) that are associated with the route, and the status of
   * the route with respect to each parent. When this route attaches to a parent, the controller that manages the
   * parent must add an entry to this list when the controller first sees the route and should update the entry as
   * appropriate when the route or gateway is modified.
   */
  readonly parents: readonly RouteParentStatus[];
}

/**
 * The TLSRoute resource is similar to TCPRoute, but can be configured to match against TLS-specific metadata.
 * This allows more flexibility in matching streams for a given TLS listener.
 */
export interface TLSRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'TLSRoute';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of TLSRoute. */
  readonly spec: TLSRouteSpec;
  /** Status defines the current state of TLSRoute. */
  readonly status?: TLSRouteStatus;
}

/** TLSRouteRule is the configuration for a given rule. */
export interface TLSRouteRule {
  /**
   * BackendRefs defines the backend(s) where matching requests should be sent. If unspecified or invalid (refers
   * to a nonexistent resource or a Service with no endpoints), the rule performs no forwarding; if no filters are
   * specified that would result in a response being sent, the underlying implementation must actively reject
   * request attempts to this backend, by rejecting the connection. Request rejections must respect weight; if an
   * invalid backend is requested to have 80% of requests, then 80% of requests must be rejected instead.
   */
  readonly backendRefs: readonly BackendRef[];
  /** Name is the name of the route rule. This name MUST be unique within a Route if it is set. */
  readonly name?: string;
}

/** Spec defines the desired state of TLSRoute. */
export interface TLSRouteSpec {
  /**
   * Hostnames defines a set of SNI hostnames that should match against the SNI attribute of TLS ClientHello
   * message in TLS handshake. This matches the RFC 1123 definition of a hostname with 2 notable exceptions:
   */
  readonly hostnames?: readonly string[];
  /**
   * ParentRefs references the resources (usually Gateways) that a Route wants to be attached to. Note that the
   * referenced parent resource needs to allow this for the attachment to be complete. For Gateways, that means the
   * Gateway needs to allow attachment from Routes of this kind and namespace. For Services, that means the Service
   * must either be in the same namespace for a "producer" route, or the mesh implementation must support and allow
   * "consumer" routes for the referenced Service. ReferenceGrant is not applicable for governing ParentRefs to
   * Services - it is not possible to create a "producer" route for a Service in a different namespace from the
   * Route.
   */
  readonly parentRefs?: readonly ParentReference[];
  /** Rules are a list of actions. */
  readonly rules: readonly TLSRouteRule[];
  /**
   * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
   * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
   * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
   * claim.
   */
  readonly useDefaultGateways?: GatewayDefaultScope;
}

/** Status defines the current state of TLSRoute. */
export interface TLSRouteStatus {
  /**
   * Parents is a list of parent resources (usually Gateways) that are associated with the route, and the status of
   * the route with respect to each parent. When this route attaches to a parent, the controller that manages the
   * parent must add an entry to this list when the controller first sees the route and should update the entry as
   * appropriate when the route or gateway is modified.
   */
  readonly parents: readonly RouteParentStatus[];
}

/** Spec defines the desired state of TelemetryPolicy. */
export interface TelemetryPolicySpec {
  /** TargetRefs identifies the gateways to which this policy applies (GEP-713). */
  readonly targetRefs: readonly LocalObjectReference[];
  /** Tracing defines the configuration for distributed tracing. */
  readonly tracing?: TracingConfig;
}

/** Status defines the observed state of TelemetryPolicy. */
export interface TelemetryPolicyStatus {
  /**
   * For Policy Status API conventions, see:
   * https://gateway-api.sigs.k8s.io/geps/gep-713/#the-status-stanza-of-policy-objects
   */
  readonly ancestors: readonly PolicyAncestorStatus[];
}

/** Tracing defines the configuration for distributed tracing. */
export interface TracingConfig {
  /** Attributes is a list of custom key-value pairs (or variables) attached to every span. */
  readonly attributes?: readonly Attribute[];
  /**
   * Mode explicitly controls if tracing is enabled. Valid values are "Enabled", "Disabled",
   * "ImplementationDefault".
   */
  readonly mode: TracingMode;
  /** ParentBasedSampling configures whether to respect the sampling decision of the parent span. */
  readonly parentBasedSampling?: ParentBasedSampling;
  /** Provider specifies the tracing collector or backend endpoint receiving OTLP spans. */
  readonly provider?: TracingProvider;
  /** SamplingRate specifies the base probability of sampling new traces. */
  readonly samplingRate?: Fraction;
  /**
   * ServiceName is the "service.name" attribute of the OpenTelemetry resource. If absent, the implementation's
   * default service name will be used.
   */
  readonly serviceName?: string;
  /** SpanName defines a custom name for the OTel span. By default, the name is implementation-specific. */
  readonly spanName?: string;
}

/**
 * Mode explicitly controls if tracing is enabled. Valid values are "Enabled", "Disabled",
 * "ImplementationDefault".
 */
export type TracingMode = 'Enabled' | 'Disabled' | 'ImplementationDefault';

/** Provider specifies the tracing collector or backend endpoint receiving OTLP spans. */
export interface TracingProvider {
  /** BackendRef is a reference to a Kubernetes Service or other supported backend that receives OTLP traces. */
  readonly backendRef: BackendObjectReference;
  /**
   * Headers specifies a list of custom headers to be added to the telemetry export requests (e.g., for
   * authentication).
   */
  readonly headers?: readonly HTTPHeader[];
}

/**
 * UDPRoute provides a way to route UDP traffic. When combined with a Gateway listener, it can be used to forward
 * traffic on the port specified by the listener to a set of backends specified by the UDPRoute.
 */
export interface UDPRoute {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'UDPRoute';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of UDPRoute. */
  readonly spec: UDPRouteSpec;
  /** Status defines the current state of UDPRoute. */
  readonly status?: UDPRouteStatus;
}

/** UDPRouteRule is the configuration for a given rule. */
export interface UDPRouteRule {
  /**
   * BackendRefs defines the backend(s) where matching requests should be sent. If unspecified or invalid (refers
   * to a nonexistent resource or a Service with no endpoints), the underlying implementation MUST actively reject
   * connection attempts to this backend. Packet drops must respect weight; if an invalid backend is requested to
   * have 80% of the packets, then 80% of packets must be dropped instead.
   */
  readonly backendRefs: readonly BackendRef[];
  /** Name is the name of the route rule. This name MUST be unique within a Route if it is set. */
  readonly name?: string;
}

/** Spec defines the desired state of UDPRoute. */
export interface UDPRouteSpec {
  /**
   * ParentRefs references the resources (usually Gateways) that a Route wants to be attached to. Note that the
   * referenced parent resource needs to allow this for the attachment to be complete. For Gateways, that means the
   * Gateway needs to allow attachment from Routes of this kind and namespace. For Services, that means the Service
   * must either be in the same namespace for a "producer" route, or the mesh implementation must support and allow
   * "consumer" routes for the referenced Service. ReferenceGrant is not applicable for governing ParentRefs to
   * Services - it is not possible to create a "producer" route for a Service in a different namespace from the
   * Route.
   */
  readonly parentRefs?: readonly ParentReference[];
  /** Rules are a list of UDP matchers and actions. */
  readonly rules: readonly UDPRouteRule[];
  /**
   * UseDefaultGateways indicates the default Gateway scope to use for this Route. If unset (the default) or set to
   * None, the Route will not be attached to any default Gateway; if set, it will be attached to any default
   * Gateway supporting the named scope, subject to the usual rules about which Routes a Gateway is allowed to
   * claim.
   */
  readonly useDefaultGateways?: GatewayDefaultScope;
}

/** Status defines the current state of UDPRoute. */
export interface UDPRouteStatus {
  /**
   * Parents is a list of parent resources (usually Gateways) that are associated with the route, and the status of
   * the route with respect to each parent. When this route attaches to a parent, the controller that manages the
   * parent must add an entry to this list when the controller first sees the route and should update the entry as
   * appropriate when the route or gateway is modified.
   */
  readonly parents: readonly RouteParentStatus[];
}

/**
 * XBackend is a Gateway API resource that represents a backend destination for routing traffic. It serves as a
 * Gateway-native way to define where and how a Gateway should connect to a backend.
 */
export interface XBackend {
  readonly apiVersion: 'gateway.networking.x-k8s.io/v1alpha1';
  readonly kind: 'XBackend';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of XBackend. */
  readonly spec: BackendSpec;
  /** Status defines the current state of XBackend. */
  readonly status?: BackendStatus;
}

/** XBackendTrafficPolicy defines the configuration for how traffic to a target backend should be handled. */
export interface XBackendTrafficPolicy {
  readonly apiVersion: 'gateway.networking.x-k8s.io/v1alpha1';
  readonly kind: 'XBackendTrafficPolicy';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of BackendTrafficPolicy. */
  readonly spec: BackendTrafficPolicySpec;
  /** Status defines the current state of BackendTrafficPolicy. */
  readonly status?: PolicyStatus;
}

/** XMesh defines mesh-wide characteristics of a GAMMA-compliant service mesh. */
export interface XMesh {
  readonly apiVersion: 'gateway.networking.x-k8s.io/v1alpha1';
  readonly kind: 'XMesh';
  readonly metadata: ObjectMeta;
  /** Spec defines the desired state of XMesh. */
  readonly spec: MeshSpec;
  /** Status defines the current state of XMesh. */
  readonly status: MeshStatus;
}

/** TelemetryPolicy defines a Direct Attached Policy to configure telemetry/observability signals for Gateways. */
export interface XTelemetryPolicy {
  readonly apiVersion: 'gateway.networking.x-k8s.io/v1alpha1';
  readonly kind: 'XTelemetryPolicy';
  readonly metadata: NamespacedObjectMeta;
  /** Spec defines the desired state of TelemetryPolicy. */
  readonly spec: TelemetryPolicySpec;
  /** Status defines the observed state of TelemetryPolicy. */
  readonly status?: TelemetryPolicyStatus;
}

/** Every kind of the Gateway API, and of our own, that this package decodes. */
export type GatewayApiObject = BackendTLSPolicy | GRPCRoute | HTTPRoute | ReferenceGrant | TCPRoute | TLSRoute | UDPRoute | XBackend | XBackendTrafficPolicy | XMesh | XTelemetryPolicy | AuthorizationPolicy;
