import type { RouteParentStatus } from '@tulle/gateway-api';
import type { HttpRule, MeshState, ServiceRoutes, Workload } from '@tulle/ir';
import type { MeshSnapshot } from '../src/pipeline/mesh-snapshot.ts';

/** A workload of namespace shop. */
export function workload(name: string, parts: Partial<Workload> = {}): Workload {
  return {
    uid: `uid-${name}`,
    namespace: 'shop',
    name,
    node: 'n1',
    addresses: ['10.244.1.7'],
    workloadName: name,
    serviceAccount: 'cart',
    identity: 'spiffe://cluster.local/ns/shop/sa/cart',
    mesh: { state: 'in' },
    mtlsMode: 'permissive',
    opaquePorts: [],
    zone: '',
    ...parts,
  };
}

/** A map by namespace/name. */
export function byName<T extends { readonly namespace: string; readonly name: string }>(
  items: readonly T[],
): Map<string, T> {
  return new Map(items.map((item) => [`${item.namespace}/${item.name}`, item]));
}

/** A rule without anything but what is given. */
export function httpRule(parts: Partial<HttpRule>): HttpRule {
  return { route: 'HTTPRoute/shop/cart-canary', index: 0, filters: [], backends: [], ...parts };
}

/** An Accepted and a ResolvedRefs condition for a parentRef to a Service. */
export function parentStatus(
  parent: { namespace?: string; name: string; port?: number },
  accepted: { status: 'True' | 'False'; reason: string; message: string },
  resolved: { status: 'True' | 'False'; reason: string; message: string } = {
    status: 'True',
    reason: 'ResolvedRefs',
    message: '',
  },
): RouteParentStatus {
  const lastTransitionTime = '2026-05-01T10:00:00Z';
  return {
    controllerName: 'tulle.dev/mesh-controller',
    parentRef: { group: '', kind: 'Service', ...parent },
    conditions: [
      { type: 'Accepted', lastTransitionTime, ...accepted },
      { type: 'ResolvedRefs', lastTransitionTime, ...resolved },
    ],
  };
}

/** A snapshot with a state made from what is given. */
export function snapshotOf(
  parts: Partial<Pick<MeshState, 'workloads' | 'services' | 'endpoints'>> & { routes?: readonly ServiceRoutes[] },
  routeStatuses: ReadonlyMap<string, readonly RouteParentStatus[]> = new Map(),
): MeshSnapshot {
  const state: MeshState = {
    settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' },
    policies: new Map(),
    workloads: parts.workloads ?? new Map(),
    services: parts.services ?? new Map(),
    endpoints: parts.endpoints ?? new Map(),
    routes: new Map(
      (parts.routes ?? []).map((routes) => [`${routes.namespace}/${routes.name}:${routes.port}`, routes]),
    ),
  };
  return { state, routeStatuses, policyStatuses: new Map(), problems: [] };
}
