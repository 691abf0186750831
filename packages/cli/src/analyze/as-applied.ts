import type { KubernetesObject } from '@tulle/gateway-api';

/** The objects as an API server would hold them: Services get the cluster addresses that manifests leave to it. */
export function asApplied(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.map((object, i) => {
    if (object.kind !== 'Service' || object.spec.type === 'ExternalName' || object.spec.clusterIP !== undefined) {
      return object;
    }
    return { ...object, spec: { ...object.spec, clusterIP: `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}` } };
  });
}
