import type { AttachedRouteView, ClientsView } from '@tulle/admin-api';
import type { ParentReference, RouteParentStatus } from '@tulle/gateway-api';
import type { MeshState } from '@tulle/ir';
import { routeKey, type Route } from '@tulle/translate';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { clientsOf, otherClients } from './rule-views.ts';

/** The kinds of routes that may name a Service as their parent. */
export const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'] as const;

/** Every route, by kind. */
export function* allRoutes(store: ObjectStore): Generator<Route> {
  for (const kind of routeKinds) yield* store.ofKind(kind);
}

/** The Service that a parentRef names, as `namespace/name`; undefined when it names something else. */
export function parentService(route: Route, parent: ParentReference): string | undefined {
  if (parent.group !== '' || parent.kind !== 'Service') return undefined;
  return `${parent.namespace ?? route.metadata.namespace}/${parent.name}`;
}

/** What the status says to one parentRef of a route. */
export function statusOfParent(
  snapshot: MeshSnapshot,
  route: Route,
  parent: ParentReference,
): RouteParentStatus | undefined {
  const wanted = parentKey(parent, route.metadata.namespace);
  return snapshot.routeStatuses
    .get(routeKey(route))
    ?.find((status) => parentKey(status.parentRef, route.metadata.namespace) === wanted);
}

/** The routes that name the Service `namespace/name` as a parent, accepted or not: the producer's first, by name. */
export function attachedRoutes(service: string, store: ObjectStore, snapshot: MeshSnapshot): AttachedRouteView[] {
  const views: AttachedRouteView[] = [];
  for (const route of allRoutes(store)) {
    for (const parent of route.spec.parentRefs ?? []) {
      if (parentService(route, parent) === service) views.push(attachedRoute(service, route, parent, snapshot));
    }
  }
  const rank = (view: AttachedRouteView) =>
    `${view.role === 'producer' ? 0 : 1} ${view.namespace}/${view.name} ${view.kind}`;
  return views.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function attachedRoute(
  service: string,
  route: Route,
  parent: ParentReference,
  snapshot: MeshSnapshot,
): AttachedRouteView {
  const { namespace, name } = route.metadata;
  const role = service.startsWith(`${namespace}/`) ? 'producer' : 'consumer';
  const condition = statusOfParent(snapshot, route, parent)?.conditions.find(({ type }) => type === 'Accepted');
  const accepted = condition?.status === 'True';
  return {
    role,
    kind: route.kind,
    namespace,
    name,
    ...(parent.port === undefined ? {} : { port: parent.port }),
    accepted,
    reason: condition?.reason ?? 'Pending',
    message: condition?.message ?? 'the controller has not looked at it yet',
    ...(accepted ? { clients: clientsFor(service, role, namespace, snapshot.state) } : {}),
  };
}

function clientsFor(
  service: string,
  role: 'producer' | 'consumer',
  routeNamespace: string,
  state: MeshState,
): ClientsView {
  if (role === 'consumer') return clientsOf(routeNamespace);
  const consumers = new Set<string>();
  for (const routes of state.routes.values()) {
    if (`${routes.namespace}/${routes.name}` !== service) continue;
    for (const namespace of Object.keys(routes.consumers)) consumers.add(namespace);
  }
  return otherClients([...consumers].sort());
}

function parentKey(parent: ParentReference, routeNamespace: string): string {
  const namespace = parent.namespace ?? routeNamespace;
  return JSON.stringify([
    parent.group,
    parent.kind,
    namespace,
    parent.name,
    parent.sectionName ?? '',
    parent.port ?? 0,
  ]);
}
