import type { KubernetesObject, ObjectKind } from '@tulle/gateway-api';

/** A kind that is watched. */
export interface WatchedKind {
  readonly kind: ObjectKind;
  /** Every cluster has it; those of custom resources come and go with their definitions. */
  readonly builtIn: boolean;
  /** Takes away what no mesh reads, before an object is decoded and kept. */
  readonly trim: (object: Json) => Json;
  /** It is watched only while an object of another kind names one of it; always when this is not given. */
  readonly namedBy?: NamedBy;
}

/** What makes a kind be watched. */
export interface NamedBy {
  readonly kind: ObjectKind;
  /** Whether an object of that kind names one of the watched kind. */
  readonly names: (object: KubernetesObject) => boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** What Tulle keeps of its own on objects: all other annotations are dropped. */
const ownPrefix = 'tulle.dev/';
/** Where a ConfigMap has CA certificates, as BackendTLSPolicies name them. */
const caCertificatesKey = 'ca.crt';
const podConditions = new Set(['Ready', 'ContainersReady']);

/** Every kind that the mesh is made from. */
export const watchedKinds: readonly WatchedKind[] = [
  { kind: 'Namespace', builtIn: true, trim: (object) => ({ ...head(object), spec: undefined }) },
  { kind: 'Node', builtIn: true, trim: trimNode },
  { kind: 'Service', builtIn: true, trim: trimService },
  { kind: 'ServiceImport', builtIn: false, trim: trimServiceImport },
  { kind: 'EndpointSlice', builtIn: true, trim: trimHead },
  { kind: 'Pod', builtIn: true, trim: trimPod },
  { kind: 'HTTPRoute', builtIn: false, trim: trimHead },
  { kind: 'GRPCRoute', builtIn: false, trim: trimHead },
  { kind: 'TLSRoute', builtIn: false, trim: trimHead },
  { kind: 'TCPRoute', builtIn: false, trim: trimHead },
  { kind: 'UDPRoute', builtIn: false, trim: trimHead },
  { kind: 'ReferenceGrant', builtIn: false, trim: trimHead },
  { kind: 'BackendTLSPolicy', builtIn: false, trim: trimHead },
  { kind: 'XBackendTrafficPolicy', builtIn: false, trim: trimHead },
  { kind: 'XMesh', builtIn: false, trim: trimHead },
  { kind: 'AuthorizationPolicy', builtIn: false, trim: trimHead },
  // Clusters have thousands of ConfigMaps, and most meshes no policy that names one.
  { kind: 'ConfigMap', builtIn: true, trim: trimConfigMap, namedBy: asCaCertificates('ConfigMap', '') },
  {
    kind: 'ClusterTrustBundle',
    builtIn: false,
    trim: trimHead,
    namedBy: asCaCertificates('ClusterTrustBundle', 'certificates.k8s.io'),
  },
];

/** By a BackendTLSPolicy, as what holds CA certificates. */
function asCaCertificates(kind: string, group: string): NamedBy {
  const names = (object: KubernetesObject) =>
    object.kind === 'BackendTLSPolicy' &&
    (object.spec.validation.caCertificateRefs ?? []).some((ref) => ref.kind === kind && ref.group === group);
  return { kind: 'BackendTLSPolicy', names };
}

function trimHead(object: Json): Json {
  return { ...object, ...head(object) };
}

/** Type and metadata, without the record of who set which field, which is often the larger half of an object. */
function head(object: Json): Json {
  const { managedFields: _, annotations, finalizers: __, selfLink: ___, ...metadata } = record(object['metadata']);
  const { apiVersion, kind } = object;
  return { apiVersion, kind, metadata: { ...metadata, ...ownAnnotations(annotations) } };
}

function ownAnnotations(annotations: unknown): { annotations?: Json } {
  const own = Object.entries(record(annotations)).filter(([name]) => name.startsWith(ownPrefix));
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own) };
}

function trimNode(object: Json): Json {
  const { addresses } = record(object['status']);
  return { ...head(object), status: addresses === undefined ? {} : { addresses } };
}

function trimService(object: Json): Json {
  return { ...head(object), spec: object['spec'] };
}

/** Which clusters stand behind it is told by its EndpointSlices. */
function trimServiceImport(object: Json): Json {
  return { ...head(object), spec: object['spec'] };
}

/** Nothing of it but CA certificates: what else people keep in ConfigMaps is none of the mesh's business. */
function trimConfigMap(object: Json): Json {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid, resourceVersion } = record(metadata);
  const data = defined({ [caCertificatesKey]: record(object['data'])[caCertificatesKey] });
  return { apiVersion, kind, metadata: defined({ namespace, name, uid, resourceVersion }), data };
}

/** Containers stay as names and ports; that is all that routing and `tulle describe` ask of them. */
function trimPod(object: Json): Json {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const { nodeName, serviceAccountName, hostNetwork, hostname, subdomain } = spec;
  const { phase, podIP, podIPs, hostIP } = status;
  return {
    ...head(object),
    spec: {
      ...defined({ nodeName, serviceAccountName, hostNetwork, hostname, subdomain }),
      containers: list(spec['containers']).map(trimContainer),
    },
    status: {
      ...defined({ phase, podIP, podIPs, hostIP }),
      conditions: list(status['conditions'])
        .filter((each) => podConditions.has(String(record(each)['type'])))
        .map(trimCondition),
    },
  };
}

function trimContainer(container: unknown): Json {
  const { name, ports } = record(container);
  return defined({ name, ports });
}

function trimCondition(condition: unknown): Json {
  const { type, status } = record(condition);
  return defined({ type, status });
}

function defined(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
