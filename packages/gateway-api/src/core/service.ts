import type { Condition, LabelSelector, NamespacedObjectMeta, ObjectMeta } from '../metadata.ts';

/** The protocols a port may have; the default is TCP. */
export type TransportProtocol = 'TCP' | 'UDP' | 'SCTP';

/** A port by number or by the name that a container gives it. */
export type IntOrString = number | string;

/** A Service (core v1). */
export interface Service {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: NamespacedObjectMeta;
  readonly spec: ServiceSpec;
  readonly status?: ServiceStatus;
}

/** What a Service asks for. */
export interface ServiceSpec {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** `None` for a headless Service; absent until one is assigned. */
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[];
  readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /** Absent: the Service's EndpointSlices are made by somebody else. */
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly CoreServicePort[];
  readonly externalName?: string;
  readonly externalIPs?: readonly string[];
  readonly internalTrafficPolicy: 'Cluster' | 'Local';
  readonly externalTrafficPolicy?: 'Cluster' | 'Local';
  readonly trafficDistribution?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly sessionAffinity: 'None' | 'ClientIP';
}

/** A port of a Service. */
export interface CoreServicePort {
  /** Required when there are several ports. */
  readonly name?: string;
  readonly protocol: TransportProtocol;
  readonly appProtocol?: string;
  readonly port: number;
  /** Absent: the same as `port`. */
  readonly targetPort?: IntOrString;
  readonly nodePort?: number;
}

/** What is observed of a Service. */
export interface ServiceStatus {
  readonly conditions?: readonly Condition[];
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
}

/** An EndpointSlice (discovery.k8s.io v1). Its Service is named by the label `kubernetes.io/service-name`. */
export interface EndpointSlice {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly metadata: NamespacedObjectMeta;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports?: readonly EndpointPort[];
}

/** One endpoint of a slice. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions?: {
    /** Absent counts as ready. */
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** A port of a slice: all its endpoints serve it. The name is the Service port's. */
export interface EndpointPort {
  readonly name: string;
  readonly protocol: TransportProtocol;
  /** Absent: all ports. */
  readonly port?: number;
  readonly appProtocol?: string;
}

/** A ServiceImport (multicluster.x-k8s.io v1alpha1, KEP-1645). */
export interface ServiceImport {
  readonly apiVersion: 'multicluster.x-k8s.io/v1alpha1';
  readonly kind: 'ServiceImport';
  readonly metadata: NamespacedObjectMeta;
  readonly spec: {
    readonly type: 'ClusterSetIP' | 'Headless';
    readonly ips?: readonly string[];
    readonly ports: readonly {
      readonly name?: string;
      readonly protocol: TransportProtocol;
      readonly appProtocol?: string;
      readonly port: number;
    }[];
  };
  readonly status?: { readonly clusters?: readonly { readonly cluster: string }[] };
}

/** A NetworkPolicy (networking.k8s.io v1): only its shape is known here, its rules are passed through. */
export interface NetworkPolicy {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'NetworkPolicy';
  readonly metadata: NamespacedObjectMeta;
  readonly spec: {
    readonly podSelector: LabelSelector;
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[];
    readonly ingress?: readonly unknown[];
    readonly egress?: readonly unknown[];
  };
}

/** A Namespace (core v1). */
export interface Namespace {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
  readonly metadata: ObjectMeta;
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}
