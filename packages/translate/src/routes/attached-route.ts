import type { ParentReference, Service } from '@tulle/gateway-api';
import type { RouteKind, ServiceRoutes } from '@tulle/ir';
import { compareText } from '../input.ts';
import type { Route } from '../input.ts';
import { attach, isServiceParent } from './attachment.ts';
import type { Attachment } from './attachment.ts';
import { mergeGroup, portKey, serviceRoutes } from './groups.ts';
import type { GroupOutcome, RouteGroup } from './groups.ts';
import { kindOrder } from './outcome.ts';
import type { TranslatedRoute } from './outcome.ts';
import { translateRoute } from './translate-route.ts';

/** A route with what became of each of its parentRefs that name a Service. */
export interface AttachedRoute {
  readonly translated: TranslatedRoute;
  readonly parents: readonly { readonly parentRef: ParentReference; readonly attachment: Attachment }[];
}

/** Everything that routes come to. */
export interface RoutesOutcome {
  readonly attached: readonly AttachedRoute[];
  readonly groups: ReadonlyMap<string, GroupOutcome>;
  readonly routes: ReadonlyMap<string, ServiceRoutes>;
  readonly routeKindOf: (service: string, port: number) => RouteKind;
}

/** The key of a group. */
export function groupKey(service: string, port: number, consumer: string): string {
  return `${portKey(service, port)} ${consumer}`;
}

/** Translates routes and puts them together by Service port and group. */
export function translateRoutes(routes: readonly Route[], services: ReadonlyMap<string, Service>): RoutesOutcome {
  const attached = routes.flatMap((route) => attachRoute(route, services));
  const byPort = new Map<string, { service: string; port: number; groups: Map<string, GroupOutcome> }>();
  const groups = new Map<string, GroupOutcome>();
  for (const group of collectGroups(attached)) {
    const { service, port, consumer } = group;
    const outcome = mergeGroup(group);
    groups.set(groupKey(service, port, consumer), outcome);
    const key = portKey(service, port);
    const known = byPort.get(key);
    if (known === undefined) byPort.set(key, { service, port, groups: new Map([[consumer, outcome]]) });
    else known.groups.set(consumer, outcome);
  }
  const result = new Map(
    [...byPort]
      .sort(([a], [b]) => compareText(a, b))
      .map(([key, of]) => [key, serviceRoutes(of.service, of.port, of.groups)] as const),
  );
  return {
    attached,
    groups,
    routes: result,
    routeKindOf: (service, port) => kindOf(result.get(portKey(service, port))),
  };
}

function attachRoute(route: Route, services: ReadonlyMap<string, Service>): AttachedRoute[] {
  const parents = (route.spec.parentRefs ?? []).filter(isServiceParent);
  if (parents.length === 0) return [];
  return [
    {
      translated: translateRoute(route, services),
      parents: parents.map((parentRef) => ({ parentRef, attachment: attach(route, parentRef, services) })),
    },
  ];
}

function collectGroups(attached: readonly AttachedRoute[]): Iterable<RouteGroup> {
  const groups = new Map<string, RouteGroup & { routes: TranslatedRoute[] }>();
  for (const { translated, parents } of attached) {
    if (translated.refusal !== undefined) continue;
    for (const { attachment } of parents) {
      if (attachment.type !== 'attached') continue;
      const { service, consumer } = attachment;
      for (const port of attachment.ports) {
        const key = groupKey(service, port, consumer);
        const known = groups.get(key);
        if (known === undefined) groups.set(key, { service, port, consumer, routes: [translated] });
        else if (!known.routes.includes(translated)) known.routes.push(translated);
      }
    }
  }
  return groups.values();
}

/** Which kind of routes a port has, whoever they act on; of several the one that comes first. */
function kindOf(routes: ServiceRoutes | undefined): RouteKind {
  if (routes === undefined) return 'none';
  const kinds = [routes.producer, ...Object.values(routes.consumers)].map((table) => table?.kind);
  return kindOrder.find((kind) => kinds.includes(kind)) ?? 'none';
}
