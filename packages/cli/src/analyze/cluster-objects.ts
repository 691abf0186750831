import { acceptedApiVersions, decodeObject } from '@tulle/gateway-api';
import type { KubernetesObject, ObjectKind } from '@tulle/gateway-api';
import { collectionPath, isApiStatus, objectPath, ResourceCatalog } from '@tulle/kubernetes';
import type { ApiResource, KubernetesClient } from '@tulle/kubernetes';
import { CodedError } from '@tulle/core';
import { objectName } from './object-name.ts';

/** The kinds that an analysis reads whole. */
const listedKinds: readonly ObjectKind[] = [
  'Namespace',
  'Service',
  'Pod',
  'NetworkPolicy',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'UDPRoute',
  'ServiceImport',
  'BackendTLSPolicy',
  'XBackendTrafficPolicy',
  'XMesh',
  'AuthorizationPolicy',
];
const pageSize = 500;

/**
 * The objects of a cluster that an analysis looks at, by `Kind namespace/name`: all of the kinds that a mesh is made from,
 * and of those that hold CA certificates only what policies name, since nobody should have to read all Secrets for it.
 */
export async function readClusterObjects(client: KubernetesClient): Promise<ReadonlyMap<string, KubernetesObject>> {
  const catalog = new ResourceCatalog(client);
  const found = new Map<string, KubernetesObject>();
  const add = (input: unknown) => {
    // What the API server took is not told of here, even if it could not be read.
    const decoded = decodeObject(input, { status: 'drop' });
    if (decoded.ok) found.set(objectName({ ...decoded.value.metadata, kind: decoded.value.kind }), decoded.value);
  };
  for (const kind of listedKinds) {
    const resource = await servedResource(catalog, kind);
    if (resource !== undefined) for await (const object of listed(client, resource)) add(object);
  }
  for (const { kind, namespace, name } of namedSources(found.values())) {
    const resource = await servedResource(catalog, kind);
    if (resource === undefined) continue;
    const path = objectPath(resource, { name, ...(kind === 'ClusterTrustBundle' ? {} : { namespace }) });
    const object = await client.get(path).catch((thrown: unknown) => {
      if (isApiStatus(thrown, 404)) return undefined;
      throw thrown;
    });
    if (object !== undefined) add(object);
  }
  return found;
}

/** The resource of a kind in the first of its versions that is served; undefined when none is. */
async function servedResource(catalog: ResourceCatalog, kind: ObjectKind): Promise<ApiResource | undefined> {
  for (const version of acceptedApiVersions(kind)) {
    try {
      return await catalog.resource(version, kind);
    } catch (thrown) {
      if (!(thrown instanceof CodedError) || thrown.code !== 'UnknownKind') throw thrown;
    }
  }
  return undefined;
}

/** All objects of a kind, a page at a time. A list does not repeat the kind in its items. */
async function* listed(client: KubernetesClient, resource: ApiResource): AsyncGenerator {
  const { group, version, kind } = resource;
  let next: string | undefined;
  do {
    const query = { limit: pageSize, continue: next };
    const { items = [], metadata } = (await client.get(collectionPath(resource), query)) as {
      readonly items?: readonly object[];
      readonly metadata?: { readonly continue?: string };
    };
    for (const item of items) yield { ...item, apiVersion: group === '' ? version : `${group}/${version}`, kind };
    next = metadata?.continue === '' ? undefined : metadata?.continue;
  } while (next !== undefined);
}

/** What BackendTLSPolicies take CA certificates from. */
function namedSources(objects: Iterable<KubernetesObject>) {
  const sources = new Map<string, { readonly kind: ObjectKind; readonly namespace: string; readonly name: string }>();
  for (const object of objects) {
    if (object.kind !== 'BackendTLSPolicy') continue;
    for (const { kind, name } of object.spec.validation.caCertificateRefs ?? []) {
      if (kind !== 'ConfigMap' && kind !== 'Secret' && kind !== 'ClusterTrustBundle') continue;
      const { namespace } = object.metadata;
      sources.set(`${kind} ${namespace}/${name}`, { kind, namespace, name });
    }
  }
  return [...sources.values()];
}
