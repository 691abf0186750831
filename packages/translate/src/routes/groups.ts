import type { HttpRouteTable, HttpRule, RouteTable, ServiceRoutes } from '@tulle/ir';
import { serviceRoutesKey } from '@tulle/ir';
import { compareText, keyOf, routeKey } from '../input.ts';
import { kindOrder } from './outcome.ts';
import type { RouteContent, TranslatedRoute } from './outcome.ts';
import { comparePlaced, compareRoutes, precedence } from './precedence.ts';
import { placedMatches } from './placed-matches.ts';
import { unreachableRules } from './unreachable.ts';
import type { UnreachableRule } from './unreachable.ts';

/** The routes that apply to the same clients of one Service port: the producer's, or those of one consumer namespace. */
export interface RouteGroup {
  readonly service: string;
  readonly port: number;
  /** Empty: the producer's. */
  readonly consumer: string;
  readonly routes: readonly TranslatedRoute[];
}

/** What a group comes to: a table, and the routes that another keeps from being used, with the reason. */
export interface GroupOutcome {
  readonly table: RouteTable;
  /** By route (`Kind/namespace/name`). */
  readonly conflicts: ReadonlyMap<string, string>;
  /** Rules that no request can reach, because others take every request before them, by route. */
  readonly unreachable: ReadonlyMap<string, readonly UnreachableRule[]>;
}

/**
 * Merges the routes of a group. "If multiple routes with different types both bind to the same Service and Port pair,
 * only a single route type should be applied" (GEP-1294): within a group; what a consumer namespace attaches never takes
 * the producer's routes from other clients.
 */
export function mergeGroup(group: RouteGroup): GroupOutcome {
  const ordered = [...group.routes].sort((a, b) => compareRoutes(a.route, b.route));
  const kind = kindOrder.find((one) => ordered.some(({ content }) => content.kind === one)) ?? 'http';
  const winners = ordered.filter(({ content }) => content.kind === kind);
  const conflicts = new Map<string, string>();
  for (const { route, content } of ordered) {
    if (content.kind === kind) continue;
    const stronger = winners[0]?.route;
    const name = stronger === undefined ? kind : `${stronger.kind} "${keyOf(stronger)}"`;
    conflicts.set(
      routeKey(route),
      `${name} is attached there, and ${winners[0]?.route.kind} comes before ${route.kind}`,
    );
  }
  switch (kind) {
    case 'http':
    case 'grpc': {
      const table = mergeHttp(winners, kind);
      return {
        table: { kind, table },
        conflicts,
        unreachable: Map.groupBy(unreachableRules(table), ({ rule }) => rule.route),
      };
    }
    case 'tls': {
      const rules = contentsOf(winners, kind).flatMap((content) => content.rules);
      return { table: { kind, rules }, conflicts, unreachable: new Map() };
    }
    case 'tcp': {
      // Nothing in a connection tells two TCPRoutes apart, so the first takes them all.
      const [first, ...others] = winners;
      for (const { route } of others) {
        const name = first === undefined ? '' : keyOf(first.route);
        conflicts.set(routeKey(route), `TCPRoute "${name}" is attached there before it and takes every connection`);
      }
      const rules = contentsOf(first === undefined ? [] : [first], kind).flatMap((content) => content.rules);
      return { table: { kind, rules }, conflicts, unreachable: new Map() };
    }
  }
}

function contentsOf<K extends RouteContent['kind']>(
  routes: readonly TranslatedRoute[],
  kind: K,
): Extract<RouteContent, { kind: K }>[] {
  return routes
    .map(({ content }) => content)
    .filter((content): content is Extract<RouteContent, { kind: K }> => content.kind === kind);
}

/** One table of all rules of routes, which are in their order: matches as the decision table has them. */
function mergeHttp(routes: readonly TranslatedRoute[], kind: 'http' | 'grpc'): HttpRouteTable {
  const rules: HttpRule[] = [];
  const placed = routes.flatMap((route) =>
    placedMatches(route, kind).map(({ rule, ...match }) => {
      if (rules.at(-1) !== rule) rules.push(rule);
      return { ...match, index: rules.length - 1 };
    }),
  );
  const matches = placed.sort(comparePlaced(precedence[kind])).map(({ match, index }) => ({ match, rule: index }));
  return { rules, matches };
}

/** Puts the groups of a Service port together. */
export function serviceRoutes(service: string, port: number, groups: ReadonlyMap<string, GroupOutcome>): ServiceRoutes {
  const slash = service.indexOf('/');
  const producer = groups.get('')?.table;
  const consumers = [...groups]
    .filter(([consumer]) => consumer !== '')
    .sort(([a], [b]) => compareText(a, b))
    .map(([consumer, { table }]) => [consumer, table] as const);
  return {
    namespace: service.slice(0, slash),
    name: service.slice(slash + 1),
    port,
    ...(producer === undefined ? {} : { producer }),
    consumers: Object.fromEntries(consumers),
  };
}

/** The key of a Service port among the routes, from the Service's key. */
export function portKey(service: string, port: number): string {
  const slash = service.indexOf('/');
  return serviceRoutesKey({ namespace: service.slice(0, slash), name: service.slice(slash + 1), port });
}
