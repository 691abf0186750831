import { authorizationPolicyKey } from './authorization.ts';
import type { AuthorizationPolicy } from './authorization.ts';
import { settingsKey } from './mesh.ts';
import type { MeshState, ResourceKind, ResourceTypes } from './mesh.ts';
import { serviceRoutesKey } from './route.ts';
import type { RouteTable, ServiceRoutes, WeightedBackend } from './route.ts';
import { serviceKey } from './service.ts';
import type { MeshService, ServiceEndpoints } from './service.ts';
import { inspect } from './validation/inspection.ts';
import { resourceShapes } from './validation/resource-shapes.ts';
import { workloadKey } from './workload.ts';
import type { Workload } from './workload.ts';

/** What is wrong at one place of a resource. */
export interface ResourceProblem {
  readonly kind: ResourceKind;
  readonly key: string;
  /** Begins with `$`, the resource itself. */
  readonly path: string;
  readonly message: string;
}

/** A resource whose shape is known to be its kind's, or everything that is wrong with it. */
export type ResourceValidation<K extends ResourceKind> =
  | { readonly ok: true; readonly resource: ResourceTypes[K] }
  | { readonly ok: false; readonly problems: readonly ResourceProblem[] };

/** The key of a resource, from its own names. */
export function resourceKey<K extends ResourceKind>(kind: K, resource: ResourceTypes[K]): string {
  const given: ResourceTypes[ResourceKind] = resource;
  switch (kind) {
    case 'settings':
      return settingsKey;
    case 'policy':
      return authorizationPolicyKey(given as AuthorizationPolicy);
    case 'workload':
      return workloadKey(given as Workload);
    case 'service':
      return serviceKey(given as MeshService);
    case 'endpoints':
      return serviceKey(given as ServiceEndpoints);
    case 'routes':
      return serviceRoutesKey(given as ServiceRoutes);
    default:
      return '';
  }
}

/**
 * Checks a value that came as a resource of a kind and key: its shape must be the kind's, and its own names must give
 * the key. Fields that are not known are passed over. Never throws; gives at most 100 problems.
 */
export function validateResource<K extends ResourceKind>(kind: K, key: string, value: unknown): ResourceValidation<K> {
  const found = inspect(resourceShapes[kind], value).map((problem) => ({ kind, key, ...problem }));
  if (found.length > 0) return { ok: false, problems: found };
  const resource = value as ResourceTypes[K];
  const ownKey = resourceKey(kind, resource);
  if (ownKey === key) return { ok: true, resource };
  return { ok: false, problems: [{ kind, key, path: '$', message: `its own names make it ${ownKey}` }] };
}

/**
 * Everything that is wrong with a whole state: each resource by itself, and, when all are sound, what they say of each other:
 * backends and endpoints that lead to nothing, ports whose kind of routes is not that of their routes.
 */
export function validate(state: MeshState): readonly ResourceProblem[] {
  const problems = [
    ...problemsOf('settings', new Map([[settingsKey, state.settings]])),
    ...problemsOf('policy', state.policies),
    ...problemsOf('workload', state.workloads),
    ...problemsOf('service', state.services),
    ...problemsOf('endpoints', state.endpoints),
    ...problemsOf('routes', state.routes),
  ];
  return problems.length > 0 ? problems : relationProblems(state);
}

function problemsOf(kind: ResourceKind, resources: ReadonlyMap<string, unknown>): ResourceProblem[] {
  return [...resources].flatMap(([key, value]) => {
    const checked = validateResource(kind, key, value);
    return checked.ok ? [] : checked.problems;
  });
}

function relationProblems(state: MeshState): ResourceProblem[] {
  const { policies, workloads, services, endpoints, routes } = state;
  const problems: ResourceProblem[] = [];
  const report = (kind: ResourceKind, key: string, path: string, message: string) =>
    void problems.push({ kind, key, path, message });
  for (const [key, workload] of workloads) {
    for (const policy of workload.policies ?? []) {
      if (!policies.has(policy)) report('workload', key, '$.policies', `there is no policy ${policy}`);
    }
  }
  for (const [key, { ports }] of endpoints) {
    if (!services.has(key)) report('endpoints', key, '$', 'there is no such service');
    for (const { workload } of ports.flatMap((port) => port.endpoints)) {
      if (workload !== undefined && !workloads.has(workload)) {
        report('endpoints', key, '$.ports', `there is no workload ${workload}`);
      }
    }
  }
  for (const [key, service] of services) {
    for (const [i, { port, routeKind }] of service.ports.entries()) {
      const kind = strongestKind(routes.get(`${key}:${port}`));
      if (kind === routeKind) continue;
      report('service', key, `$.ports[${i}].routeKind`, `is ${routeKind}, and the port's routes are of kind ${kind}`);
    }
  }
  for (const [key, { producer, consumers }] of routes) {
    const tables = [
      ...(producer === undefined ? [] : [['$.producer', producer] as const]),
      ...Object.entries(consumers).map(([namespace, table]) => [`$.consumers.${namespace}`, table] as const),
    ];
    for (const [path, table] of tables) {
      for (const { target } of backendsOf(table)) {
        if (target.type !== 'service') continue;
        const isThere = services.get(target.service)?.ports.some(({ port }) => port === target.port) === true;
        if (!isThere) report('routes', key, path, `there is no port ${target.port} of service ${target.service}`);
      }
    }
  }
  return problems;
}

function strongestKind(routes: ServiceRoutes | undefined): string {
  const tables = routes === undefined ? [] : [routes.producer, ...Object.values(routes.consumers)];
  const kinds = tables.map((table) => table?.kind);
  return (['grpc', 'http', 'tls', 'tcp'] as const).find((kind) => kinds.includes(kind)) ?? 'none';
}

function backendsOf(table: RouteTable): WeightedBackend[] {
  const rules = 'table' in table ? table.table.rules : table.rules;
  return rules.flatMap(({ backends }) => backends);
}
