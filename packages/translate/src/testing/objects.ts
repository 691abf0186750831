import { decodeObject, formatObjectError } from '@tulle/gateway-api';
import type { KubernetesObject } from '@tulle/gateway-api';
import { translate } from '../translate.ts';
import type { Translation } from '../translation.ts';

/** Decodes an object as an API server would hand it out. */
export function decoded(input: unknown): KubernetesObject {
  const result = decodeObject(input);
  if (!result.ok) throw new Error(result.error.map(formatObjectError).join('; '));
  return result.value;
}

/** A Service of namespace `shop` with one port, 80. */
export function service(name: string): KubernetesObject {
  return decoded({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
  });
}

/** A route of namespace `shop`, attached to the Service `cart`. */
export function route(
  kind: 'HTTPRoute' | 'GRPCRoute',
  name: string,
  spec: Record<string, unknown>,
  more: { metadata?: Record<string, unknown>; status?: unknown } = {},
): KubernetesObject {
  return decoded({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'shop', ...more.metadata },
    spec: { parentRefs: [{ group: '', kind: 'Service', name: 'cart' }], ...spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  });
}

/** The objects with cluster addresses for those Services that wait for one, as an API server gives them. */
export function withClusterIPs(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.map((object, i) => {
    if (object.kind !== 'Service' || object.spec.clusterIP !== undefined || object.spec.type === 'ExternalName') {
      return object;
    }
    const clusterIP = `10.96.${i >> 8}.${i & 255}`;
    return { ...object, spec: { ...object.spec, clusterIP, clusterIPs: [clusterIP] } };
  });
}

/** Translates objects at a fixed time. */
export function translated(objects: readonly KubernetesObject[], now = '2026-01-01T00:00:00Z'): Translation {
  return translate({ objects, settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' }, now });
}
