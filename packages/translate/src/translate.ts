import type { RouteParentStatus } from '@tulle/gateway-api';
import type { MeshService, MeshState, ServiceEndpoints } from '@tulle/ir';
import { namespaceDefaults } from './cluster/labels.ts';
import { translateEndpoints } from './cluster/endpoints.ts';
import { translateService } from './cluster/services.ts';
import { translateWorkloads } from './cluster/workloads.ts';
import { indexObjects, routeKey } from './input.ts';
import type { TranslationInput } from './input.ts';
import type { TranslationProblem } from './problem.ts';
import { translateRoutes } from './routes/translate-routes.ts';
import { routeProblems, unreachableProblems } from './status/route-problems.ts';
import { routeStatuses } from './status/route-status.ts';

/** What a translation gives. */
export interface Translation {
  readonly state: MeshState;
  /**
   * By route (`Kind/namespace/name`), one entry for each parentRef that names a Service. Routes without such a parent
   * are not ours and have none.
   */
  readonly routeStatuses: ReadonlyMap<string, readonly RouteParentStatus[]>;
  readonly problems: readonly TranslationProblem[];
}

/**
 * Translates objects to what the data plane needs to know. Pure: the same objects give the same result, in whatever order
 * they come. Never throws on decoded objects; what is wrong in them is in the statuses and the problems.
 */
export function translate({ objects, settings, now }: TranslationInput): Translation {
  const index = indexObjects(objects);
  const problems: TranslationProblem[] = [];
  const report = (problem: TranslationProblem) => void problems.push(problem);
  const defaults = namespaceDefaults(index.namespaces, report);
  const workloads = translateWorkloads(index, { settings, defaults, zones: index.zones, report });
  const outcome = translateRoutes(index.routes, index.services);
  const services = new Map<string, MeshService>();
  const endpoints = new Map<string, ServiceEndpoints>();
  for (const [key, service] of index.services) {
    const translated = translateService(service, { defaults, report, routeKindOf: outcome.routeKindOf });
    if (translated === undefined) continue;
    services.set(key, translated);
    endpoints.set(key, translateEndpoints(service, { slices: index.slices, workloads, zones: index.zones }));
  }
  const statuses = new Map<string, readonly RouteParentStatus[]>();
  for (const attached of outcome.attached) {
    const { route } = attached.translated;
    const ofRoute = routeStatuses(attached, { groups: outcome.groups, now });
    statuses.set(routeKey(route), ofRoute);
    problems.push(...routeProblems(route, ofRoute), ...unreachableProblems(route, outcome.groups));
  }
  return {
    state: { settings, workloads, services, endpoints, routes: outcome.routes },
    routeStatuses: statuses,
    problems,
  };
}
