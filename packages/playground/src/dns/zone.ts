import type { EndpointSlice, Service } from '@tulle/gateway-api';

/** What names mean, and which name an address has. */
export interface Zone {
  /** By lower-case name without the dot at its end. */
  readonly names: ReadonlyMap<string, ZoneEntry>;
  /** Names that exist only because names below them do: they have no records, but are not unknown either. */
  readonly parents: ReadonlySet<string>;
  readonly pointers: ReadonlyMap<string, string>;
}

/** What a name stands for. */
export type ZoneEntry =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'alias'; readonly name: string };

/** The domain that everything in the cluster is below. */
export const clusterDomain = 'cluster.local';

/** A Service with what it resolves to. */
export interface ZoneService {
  readonly service: Service;
  /** Its address; undefined when it has none (headless, `ExternalName`, or refused). */
  readonly clusterIP: string | undefined;
  readonly slices: readonly EndpointSlice[];
}

/**
 * The names of a cluster, by the rules of Kubernetes' DNS specification: a Service's address, or for a headless one the
 * addresses of its ready endpoints, and each endpoint that has a host name below it.
 */
export function makeZone(services: readonly ZoneService[]): Zone {
  const names = new Map<string, ZoneEntry>();
  const pointers = new Map<string, string>();
  for (const { service, clusterIP, slices } of services) {
    const name = `${service.metadata.name}.${service.metadata.namespace}.svc.${clusterDomain}`;
    if (service.spec.type === 'ExternalName') {
      if (service.spec.externalName !== undefined) {
        names.set(name, { kind: 'alias', name: service.spec.externalName.toLowerCase().replace(/\.$/, '') });
      }
    } else if (clusterIP !== undefined) {
      names.set(name, { kind: 'addresses', addresses: [clusterIP] });
      pointers.set(clusterIP, name);
    } else if (service.spec.clusterIP === 'None') {
      addHeadless(names, pointers, name, slices);
    }
  }
  return { names, parents: parentsOf(names.keys()), pointers };
}

function addHeadless(
  names: Map<string, ZoneEntry>,
  pointers: Map<string, string>,
  name: string,
  slices: readonly EndpointSlice[],
): void {
  const all: string[] = [];
  for (const endpoint of slices.flatMap((slice) => slice.endpoints)) {
    const [address] = endpoint.addresses;
    if (address === undefined || endpoint.conditions?.ready === false) continue;
    all.push(address);
    if (endpoint.hostname === undefined) continue;
    names.set(`${endpoint.hostname}.${name}`, { kind: 'addresses', addresses: [address] });
    pointers.set(address, `${endpoint.hostname}.${name}`);
  }
  names.set(name, { kind: 'addresses', addresses: [...new Set(all)] });
}

function parentsOf(names: Iterable<string>): Set<string> {
  const parents = new Set<string>([clusterDomain]);
  for (const name of names) {
    let rest = name;
    while (rest !== clusterDomain && rest.includes('.')) {
      rest = rest.slice(rest.indexOf('.') + 1);
      parents.add(rest);
    }
  }
  return parents;
}
