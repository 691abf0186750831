import type {
  EndpointSlice,
  GRPCRoute,
  HTTPRoute,
  KubernetesObject,
  Namespace,
  Pod,
  Service,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '@tulle/gateway-api';
import type { MeshSettings } from '@tulle/ir';

/** What a translation is made from. */
export interface TranslationInput {
  /** Decoded objects, in any order; kinds that a translation does not read are passed over. */
  readonly objects: Iterable<KubernetesObject>;
  readonly settings: MeshSettings;
  /** The time, RFC 3339: when conditions that changed are said to have changed. */
  readonly now: string;
}

/** A route of any kind that may attach to a Service. */
export type Route = HTTPRoute | GRPCRoute | TLSRoute | TCPRoute | UDPRoute;

/** The objects, by what they are looked up by. */
export interface ObjectIndex {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  /** By the Service that they are of, `namespace/name`. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  /** The zone of each node that has one. */
  readonly zones: ReadonlyMap<string, string>;
  readonly routes: readonly Route[];
}

/** The order of strings by their UTF-16 code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `namespace/name` of an object. */
export function keyOf(object: { readonly metadata: { readonly namespace: string; readonly name: string } }): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/** `Kind/namespace/name` of a route: how rules and statuses name it. */
export function routeKey(route: Route): string {
  return `${route.kind}/${keyOf(route)}`;
}

/** Sorts the objects into an index; every list and map in it is in order of names, so that results do not depend on the input's. */
export function indexObjects(objects: Iterable<KubernetesObject>): ObjectIndex {
  const namespaces: [string, Namespace][] = [];
  const pods: [string, Pod][] = [];
  const services: [string, Service][] = [];
  const slices: EndpointSlice[] = [];
  const zones = new Map<string, string>();
  const routes: Route[] = [];
  for (const object of objects) {
    switch (object.kind) {
      case 'Namespace':
        namespaces.push([object.metadata.name, object]);
        break;
      case 'Pod':
        pods.push([keyOf(object), object]);
        break;
      case 'Service':
        services.push([keyOf(object), object]);
        break;
      case 'EndpointSlice':
        slices.push(object);
        break;
      case 'Node': {
        const zone = object.metadata.labels?.['topology.kubernetes.io/zone'];
        if (zone !== undefined) zones.set(object.metadata.name, zone);
        break;
      }
      case 'HTTPRoute':
      case 'GRPCRoute':
      case 'TLSRoute':
      case 'TCPRoute':
      case 'UDPRoute':
        routes.push(object);
        break;
      default:
        break;
    }
  }
  return {
    namespaces: sortedMap(namespaces),
    pods: sortedMap(pods),
    services: sortedMap(services),
    slices: slicesByService(slices),
    zones,
    routes: routes.sort((a, b) => compareText(routeKey(a), routeKey(b))),
  };
}

function sortedMap<T>(entries: [string, T][]): Map<string, T> {
  return new Map(entries.sort(([a], [b]) => compareText(a, b)));
}

function slicesByService(slices: EndpointSlice[]): Map<string, EndpointSlice[]> {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices.sort((a, b) => compareText(keyOf(a), keyOf(b)))) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const known = byService.get(key);
    if (known === undefined) byService.set(key, [slice]);
    else known.push(slice);
  }
  return byService;
}
