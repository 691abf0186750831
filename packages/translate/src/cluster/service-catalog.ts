import type { Service, ServiceImport } from '@tulle/gateway-api';
import { NameIndex } from './name-index.ts';

/** The kinds of objects that routes may attach to and lead to. */
export type ServiceKind = 'Service' | 'ServiceImport';

/** What stands at the end of a ServiceImport's name, so that it never is a Service's: those have no dots. */
const importSuffix = '.clusterset';

/** The API group of ServiceImports (KEP-1645). */
export const importGroup = 'multicluster.x-k8s.io';

/** Which of the kinds a reference names; undefined when it names neither. */
export function serviceKindOf(reference: { readonly group: string; readonly kind: string }): ServiceKind | undefined {
  if (reference.group === '' && reference.kind === 'Service') return 'Service';
  return reference.group === importGroup && reference.kind === 'ServiceImport' ? 'ServiceImport' : undefined;
}

/** The key of a Service or ServiceImport: `namespace/name`, with `.clusterset` after the name of an import. */
export function serviceKeyOf(kind: ServiceKind, namespace: string, name: string): string {
  return `${namespace}/${name}${kind === 'ServiceImport' ? importSuffix : ''}`;
}

/** What names a Service or ServiceImport. */
export interface NamedService {
  readonly kind: ServiceKind;
  readonly namespace: string;
  readonly name: string;
}

/** What {@link serviceKeyOf} makes a key of. */
export function namesOfServiceKey(key: string): NamedService {
  const slash = key.indexOf('/');
  const [namespace, name] = [key.slice(0, slash), key.slice(slash + 1)];
  return name.endsWith(importSuffix)
    ? { kind: 'ServiceImport', namespace, name: name.slice(0, -importSuffix.length) }
    : { kind: 'Service', namespace, name };
}

/** What people call the object of a key: `Service "shop/cart"` or `ServiceImport "shop/cart"`. */
export function serviceInWords(key: string): string {
  return key.endsWith(importSuffix) ? `ServiceImport "${key.slice(0, -importSuffix.length)}"` : `Service "${key}"`;
}

/** A ServiceImport as the Service that it is to the mesh: its addresses are those of the cluster set. */
export function serviceOfImport(imported: ServiceImport): Service {
  const { metadata, spec } = imported;
  const ips = spec.ips ?? [];
  const clusterIP = spec.type === 'Headless' ? 'None' : ips[0];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name: `${metadata.name}${importSuffix}` },
    spec: {
      type: 'ClusterIP',
      ...(clusterIP === undefined ? {} : { clusterIP }),
      ...(spec.type === 'Headless' ? {} : { clusterIPs: ips }),
      ports: spec.ports,
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
    },
  };
}

/** The Services and ServiceImports, by key, and by what suggestions for misspelt names are made from. */
export class ServiceCatalog {
  readonly #services = new Map<string, Service>();
  /** By kind and namespace the names there; by kind and name the namespaces with such. */
  readonly #names = new NameIndex();
  readonly #namespaces = new NameIndex();

  /** The Service, or the ServiceImport in the shape of one, of a key. */
  get(key: string): Service | undefined {
    return this.#services.get(key);
  }

  /** Sets or removes; tells whether there is one more or one less than before. */
  set(key: string, service: Service | undefined): boolean {
    const existed = this.#services.has(key);
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);
    if (existed === (service !== undefined)) return false;
    const { kind, namespace, name } = namesOfServiceKey(key);
    this.#names.set(`${kind} ${namespace}`, name, !existed);
    this.#namespaces.set(`${kind} ${name}`, namespace, !existed);
    return true;
  }

  /** The names of objects of a kind in a namespace that are near `name` in alphabetical order. */
  namesNear({ kind, namespace, name }: NamedService): readonly string[] {
    return this.#names.around(`${kind} ${namespace}`, name);
  }

  /** The first namespace with an object of this kind and name. */
  namespaceOf(name: string, kind: ServiceKind): string | undefined {
    return this.#namespaces.first(`${kind} ${name}`);
  }
}
