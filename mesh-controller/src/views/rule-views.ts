import type { BackendView, ClientsView, RuleGroupView, RuleView } from '@tulle/admin-api';
import type {
  HttpRouteTable,
  HttpRule,
  MeshState,
  RouteTable,
  ServiceRoutes,
  TcpRule,
  TlsRule,
  WeightedBackend,
} from '@tulle/ir';
import { everything, httpMatchView, serverNameView } from './match-view.ts';
import { ruleDetails } from './rule-details.ts';

/** The rules of a Service port, a group for each set of clients, in the order of precedence. */
export function ruleGroups(routes: ServiceRoutes, state: MeshState): RuleGroupView[] {
  const target = { service: `${routes.namespace}/${routes.name}`, port: routes.port };
  const consumers = Object.keys(routes.consumers).sort();
  const group = (table: RouteTable, clients: ClientsView): RuleGroupView => ({
    ...target,
    protocol: table.kind,
    clients,
    rules: ruleViews(table, state),
  });
  return [
    ...(routes.producer === undefined ? [] : [group(routes.producer, otherClients(consumers))]),
    ...consumers.flatMap((namespace) => {
      const table = routes.consumers[namespace];
      return table === undefined ? [] : [group(table, clientsOf(namespace))];
    }),
  ];
}

/** Every client but those of the namespaces given. */
export function otherClients(exceptNamespaces: readonly string[]): ClientsView {
  if (exceptNamespaces.length === 0) return { type: 'others', exceptNamespaces, text: 'every client' };
  const noun = exceptNamespaces.length === 1 ? 'namespace' : 'namespaces';
  return {
    type: 'others',
    exceptNamespaces,
    text: `every client, except those of ${noun} ${exceptNamespaces.join(', ')}`,
  };
}

/** The clients of one namespace. */
export function clientsOf(namespace: string): ClientsView {
  return { type: 'namespace', namespace, text: `clients in namespace ${namespace}` };
}

function ruleViews(table: RouteTable, state: MeshState): RuleView[] {
  switch (table.kind) {
    case 'http':
    case 'grpc':
      return httpRuleViews(table.table, table.kind, state);
    case 'tls':
      return table.rules.map((rule, index) => connectionRuleView(rule, index, state));
    case 'tcp':
      return table.rules.map((rule, index) => connectionRuleView(rule, index, state));
  }
}

function httpRuleViews(table: HttpRouteTable, kind: 'http' | 'grpc', state: MeshState): RuleView[] {
  return table.matches.flatMap((entry, index) => {
    const rule = table.rules[entry.rule];
    return rule === undefined
      ? []
      : [httpRuleView(rule, { order: index + 1, match: httpMatchView(entry.match, kind) }, state)];
  });
}

function httpRuleView(rule: HttpRule, place: Pick<RuleView, 'order' | 'match'>, state: MeshState): RuleView {
  return {
    ...place,
    route: rule.route,
    ruleIndex: rule.index,
    ...(rule.name === undefined ? {} : { ruleName: rule.name }),
    backends: backendViews(rule.backends, state),
    details: ruleDetails(rule),
    ...(rule.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: rule.requestTimeoutMs }),
    ...(rule.backendRequestTimeoutMs === undefined ? {} : { backendRequestTimeoutMs: rule.backendRequestTimeoutMs }),
    ...(rule.retry === undefined ? {} : { retry: rule.retry }),
  };
}

function connectionRuleView(rule: TcpRule | TlsRule, index: number, state: MeshState): RuleView {
  return {
    order: index + 1,
    match: 'serverNames' in rule ? serverNameView(rule.serverNames) : { text: everything },
    route: rule.route,
    ruleIndex: rule.index,
    ...(rule.name === undefined ? {} : { ruleName: rule.name }),
    backends: backendViews(rule.backends, state),
    details: rule.backends.length === 0 ? ['closes the connection: the rule has no backend'] : [],
  };
}

function backendViews(backends: readonly WeightedBackend[], state: MeshState): BackendView[] {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return backends.map(({ target, weight }) => {
    const share = { weight, share: total === 0 ? 0 : weight / total };
    if (target.type === 'invalid') return { ...share, valid: false, reason: target.reason, message: target.message };
    const counts = endpointCounts(state, target.service, target.port);
    return {
      service: target.service,
      port: target.port,
      ...share,
      valid: true,
      ...(counts === undefined ? {} : { endpoints: counts }),
    };
  });
}

function endpointCounts(state: MeshState, service: string, port: number): BackendView['endpoints'] {
  const ofService = state.endpoints.get(service);
  if (ofService === undefined) return undefined;
  const endpoints = ofService.ports.find((entry) => entry.port === port)?.endpoints ?? [];
  return { ready: endpoints.filter((endpoint) => endpoint.ready).length, total: endpoints.length };
}
