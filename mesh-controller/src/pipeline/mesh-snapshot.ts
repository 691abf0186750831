import type { ProblemView } from '@tulle/admin-api';
import type { PolicyAncestorStatus, RouteParentStatus } from '@tulle/gateway-api';
import { serviceRoutesKey, type MeshState, type ServiceRoutes } from '@tulle/ir';

/** What one translation gave: consistent in itself, and never changed afterwards. */
export interface MeshSnapshot {
  readonly state: MeshState;
  /** The status of each route, an entry a parentRef, by `Kind/namespace/name`. */
  readonly routeStatuses: ReadonlyMap<string, readonly RouteParentStatus[]>;
  /** The status of each policy, what of its `ancestors` is ours, by `AuthorizationPolicy/namespace/name`. */
  readonly policyStatuses: ReadonlyMap<string, readonly PolicyAncestorStatus[]>;
  readonly problems: readonly ProblemView[];
}

/** The snapshot before anything was translated. */
export function emptySnapshot(settings: MeshState['settings']): MeshSnapshot {
  return {
    state: {
      settings,
      policies: new Map(),
      workloads: new Map(),
      services: new Map(),
      endpoints: new Map(),
      routes: new Map(),
    },
    routeStatuses: new Map(),
    policyStatuses: new Map(),
    problems: [],
  };
}

/** The routes of one Service port, if it has any. */
export function routesOfPort(state: MeshState, service: string, port: number): ServiceRoutes | undefined {
  const slash = service.indexOf('/');
  const key = serviceRoutesKey({ namespace: service.slice(0, slash), name: service.slice(slash + 1), port });
  return state.routes.get(key);
}
