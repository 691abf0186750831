import type { ClusterTrustBundle, ConfigMap, Secret } from './core/configuration.ts';
import type { Deployment, Node, Pod, ServiceAccount } from './core/pod.ts';
import type { EndpointSlice, Namespace, NetworkPolicy, Service, ServiceImport } from './core/service.ts';
import type { GatewayApiObject } from './generated/types.ts';
import type { ObjectReference } from './metadata.ts';

/** Every kind of Kubernetes' own that is decoded. */
export type CoreObject =
  | ClusterTrustBundle
  | ConfigMap
  | Deployment
  | EndpointSlice
  | Namespace
  | NetworkPolicy
  | Node
  | Pod
  | Secret
  | Service
  | ServiceAccount
  | ServiceImport;

/** Every kind that is decoded; `kind` tells them apart. */
export type KubernetesObject = CoreObject | GatewayApiObject;

/** The name of a decoded kind. */
export type ObjectKind = KubernetesObject['kind'];

/** The object type of one kind. */
export type ObjectOfKind<K extends ObjectKind> = Extract<KubernetesObject, { readonly kind: K }>;

/** Whether `object` is of the kind given. */
export function isKind<K extends ObjectKind>(object: KubernetesObject, kind: K): object is ObjectOfKind<K> {
  return object.kind === kind;
}

/** The API group in an `apiVersion`; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** What names an object in a cluster. */
export function referenceOf(object: KubernetesObject): ObjectReference {
  const { namespace, name } = object.metadata;
  const group = groupOf(object.apiVersion);
  return namespace === undefined ? { group, kind: object.kind, name } : { group, kind: object.kind, namespace, name };
}

/**
 * The key of an object in a store: `Kind.group/namespace/name`, without `.group` for the core group and with an empty
 * namespace for cluster-scoped objects.
 */
export function objectKey(reference: ObjectReference): string {
  const kind = reference.group === '' ? reference.kind : `${reference.kind}.${reference.group}`;
  return `${kind}/${reference.namespace ?? ''}/${reference.name}`;
}
