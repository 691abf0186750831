import { cliApiVersion, type RouteParentView, type RouteView, type RuleGroupView } from '@tulle/admin-api';
import type { ParentReference } from '@tulle/gateway-api';
import { routeKey, type Route } from '@tulle/translate';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { parentService, routeKinds, statusOfParent } from './attached-routes.ts';
import { problemsOf } from './problem-views.ts';
import { ruleGroups } from './rule-views.ts';

/** What became of each route named `namespace/name`, of one kind or of all. */
export function routeViews(
  named: { readonly kind?: string; readonly namespace: string; readonly name: string },
  store: ObjectStore,
  snapshot: MeshSnapshot,
): RouteView[] {
  const wanted = named.kind?.toLowerCase();
  return routeKinds
    .filter((kind) => wanted === undefined || kind.toLowerCase() === wanted)
    .flatMap((kind) => {
      const route = store.get(kind, named.namespace, named.name);
      return route === undefined ? [] : [routeView(route, store, snapshot)];
    });
}

function routeView(route: Route, store: ObjectStore, snapshot: MeshSnapshot): RouteView {
  const { namespace, name } = route.metadata;
  const parents = (route.spec.parentRefs ?? []).map((parent) => parentView(route, parent, snapshot));
  return {
    apiVersion: cliApiVersion,
    kind: 'Route',
    routeKind: route.kind,
    namespace,
    name,
    applied: appliedOf(parents),
    parents,
    ruleGroups: ownRuleGroups(route, snapshot),
    problems: problemsOf({ kind: route.kind, namespace, name }, store, snapshot),
  };
}

function parentView(route: Route, parent: ParentReference, snapshot: MeshSnapshot): RouteParentView {
  const namespace = parent.namespace ?? route.metadata.namespace;
  return {
    parent: {
      group: parent.group,
      kind: parent.kind,
      namespace,
      name: parent.name,
      ...(parent.sectionName === undefined ? {} : { sectionName: parent.sectionName }),
      ...(parent.port === undefined ? {} : { port: parent.port }),
    },
    role: namespace === route.metadata.namespace ? 'producer' : 'consumer',
    conditions: (statusOfParent(snapshot, route, parent)?.conditions ?? []).map(
      ({ type, status, reason, message }) => ({
        type,
        status,
        reason,
        message,
      }),
    ),
  };
}

/** Parents that are not the mesh's to answer for (a Gateway) have no condition and do not count. */
function appliedOf(parents: readonly RouteParentView[]): RouteView['applied'] {
  const ours = parents.filter(({ conditions }) => conditions.length > 0);
  const accepted = ours.filter(({ conditions }) =>
    conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'),
  );
  if (accepted.length === 0) return 'notApplied';
  const clean = accepted.every(({ conditions }) =>
    conditions.every(({ type, status }) => (type === 'PartiallyInvalid' ? status !== 'True' : status === 'True')),
  );
  return clean && accepted.length === ours.length ? 'applied' : 'partiallyApplied';
}

/** The groups of every parent Service that rules of this route are in, with those rules alone. */
function ownRuleGroups(route: Route, { state }: MeshSnapshot): RuleGroupView[] {
  const key = routeKey(route);
  const services = new Set((route.spec.parentRefs ?? []).map((parent) => parentService(route, parent)));
  return [...state.routes.values()]
    .filter((routes) => services.has(`${routes.namespace}/${routes.name}`))
    .flatMap((routes) => ruleGroups(routes, state))
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => rule.route === key) }))
    .filter((group) => group.rules.length > 0);
}
