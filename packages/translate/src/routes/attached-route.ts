import type { ParentReference } from '@tulle/gateway-api';
import type { RouteKind, ServiceRoutes } from '@tulle/ir';
import type { Route } from '../input.ts';
import type { ServiceLookup } from '../lookup.ts';
import { attach, isServiceParent } from './attachment.ts';
import type { Attachment } from './attachment.ts';
import { portKey } from './groups.ts';
import { kindOrder } from './outcome.ts';
import type { TranslatedRoute } from './outcome.ts';
import { translateRoute } from './translate-route.ts';

/** A route with what became of each of its parentRefs that name a Service. */
export interface AttachedRoute {
  readonly translated: TranslatedRoute;
  readonly parents: readonly { readonly parentRef: ParentReference; readonly attachment: Attachment }[];
}

/** What tells a group of routes from others: its Service port and, unless it is the producer's, its consumer namespace. */
export interface GroupPlace {
  readonly service: string;
  readonly port: number;
  /** Empty: the producer's. */
  readonly consumer: string;
}

/** The key of a group. */
export function groupKey({ service, port, consumer }: GroupPlace): string {
  return `${portKey(service, port)} ${consumer}`;
}

/** Translates a route and attaches it to its parents; undefined when none of them is a Service. */
export function attachRoute(route: Route, services: ServiceLookup): AttachedRoute | undefined {
  const parents = (route.spec.parentRefs ?? []).filter(isServiceParent);
  if (parents.length === 0) return undefined;
  return {
    translated: translateRoute(route, services),
    parents: parents.map((parentRef) => ({ parentRef, attachment: attach(route, parentRef, services) })),
  };
}

/** The groups that a route is in: one for each port of each parent, but none for a route that cannot be used. */
export function groupsOf(attached: AttachedRoute | undefined): readonly GroupPlace[] {
  if (attached === undefined || attached.translated.refusal !== undefined) return [];
  const places = new Map<string, GroupPlace>();
  for (const { attachment } of attached.parents) {
    if (attachment.type !== 'attached') continue;
    const { service, consumer } = attachment;
    for (const port of attachment.ports) {
      const place = { service, port, consumer };
      places.set(groupKey(place), place);
    }
  }
  return [...places.values()];
}

/** Which kind of routes a port has, whoever they act on; of several the one that comes first. */
export function kindOf(routes: ServiceRoutes | undefined): RouteKind {
  if (routes === undefined) return 'none';
  const kinds = [routes.producer, ...Object.values(routes.consumers)].map((table) => table?.kind);
  return kindOrder.find((kind) => kinds.includes(kind)) ?? 'none';
}
