import type { GRPCRoute, HTTPRoute, KubernetesObject, TCPRoute, TLSRoute, UDPRoute } from '@tulle/gateway-api';
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
