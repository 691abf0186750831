import { Connection, KubernetesClient } from '@tulle/kubernetes';
import type { FakeApiServer, FakeResource } from '@tulle/testkit';

const gateway = 'gateway.networking.k8s.io/v1';

/** What the API server of a test serves. */
export const resources = {
  namespace: { groupVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  node: { groupVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false },
  pod: { groupVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
  service: { groupVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true },
  endpointSlice: {
    groupVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    namespaced: true,
  },
  httpRoute: { groupVersion: gateway, kind: 'HTTPRoute', plural: 'httproutes', namespaced: true },
} as const satisfies Record<string, FakeResource>;

/** Policies, what they name, and imports: an API server may do without any of them but ConfigMaps. */
export const optional = {
  backendTlsPolicy: { groupVersion: gateway, kind: 'BackendTLSPolicy', plural: 'backendtlspolicies', namespaced: true },
  backendTrafficPolicy: {
    groupVersion: 'gateway.networking.x-k8s.io/v1alpha1',
    kind: 'XBackendTrafficPolicy',
    plural: 'xbackendtrafficpolicies',
    namespaced: true,
  },
  clusterTrustBundle: {
    groupVersion: 'certificates.k8s.io/v1beta1',
    kind: 'ClusterTrustBundle',
    plural: 'clustertrustbundles',
    namespaced: false,
  },
  serviceImport: {
    groupVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ServiceImport',
    plural: 'serviceimports',
    namespaced: true,
  },
} as const satisfies Record<string, FakeResource>;

/** Resources that the controller writes. */
export const written = {
  lease: { groupVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true },
  secret: { groupVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
  configMap: { groupVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
  event: { groupVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true },
  xMesh: { groupVersion: 'gateway.networking.x-k8s.io/v1alpha1', kind: 'XMesh', plural: 'xmeshes', namespaced: false },
} as const satisfies Record<string, FakeResource>;

/** A client of a fake API server. */
export function clientOf(server: FakeApiServer): KubernetesClient {
  return new KubernetesClient(Connection.insecure(server.url));
}
