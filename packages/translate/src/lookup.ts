import type { ClusterTrustBundle, ConfigMap, Secret, Service } from '@tulle/gateway-api';
import type { BackendTls } from '@tulle/ir';
import type { NamedService, ServiceKind } from './cluster/service-catalog.ts';

/** What routes look up of Services. Each answer may change later; then what was made from it is made anew. */
export interface ServiceLookup {
  /** The Service (or ServiceImport in the shape of one) of a key. */
  get(key: string): Service | undefined;
  /** The names of objects of its kind and namespace that a misspelt name may stand for. */
  namesNear(missing: NamedService): readonly string[];
  /** A namespace that has an object of this kind and name. */
  namespaceOf(name: string, kind: ServiceKind): string | undefined;
  /** The TLS settings of a Service's port, by the port's name. */
  tlsOf(key: string, portName: string): BackendTls | undefined;
}

/** What policies look up. */
export interface PolicyLookup extends Pick<ServiceLookup, 'get' | 'namesNear' | 'namespaceOf'> {
  configMap(key: string): ConfigMap | undefined;
  /** Whether Secrets are read at all. */
  readonly readsSecrets: boolean;
  secret(key: string): Secret | undefined;
  clusterTrustBundle(name: string): ClusterTrustBundle | undefined;
}
