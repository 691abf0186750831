import {
  cliApiVersion,
  type EndpointView,
  type RuleGroupView,
  type ServicePortView,
  type ServiceView,
} from '@tulle/admin-api';
import type { Service } from '@tulle/gateway-api';
import type { Endpoint, MeshService, MeshState } from '@tulle/ir';
import type { ObjectStore } from '../objects/object-store.ts';
import { routesOfPort, type MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { attachedRoutes } from './attached-routes.ts';
import { problemsOf } from './problem-views.ts';
import { ruleGroups } from './rule-views.ts';

/** What the mesh does with the Service `namespace/name`; undefined when there is none. */
export function serviceView(
  namespace: string,
  name: string,
  store: ObjectStore,
  snapshot: MeshSnapshot,
): ServiceView | undefined {
  const { state } = snapshot;
  const key = `${namespace}/${name}`;
  const object = store.get('Service', namespace, name);
  const service = state.services.get(key);
  if (object === undefined && service === undefined) return undefined;
  const ports = portViews(object, service);
  const groups = ports.flatMap(({ port }) => {
    const routes = routesOfPort(state, key, port);
    return routes === undefined ? [] : ruleGroups(routes, state);
  });
  // Where producer rules decide about a port, its own endpoints get only what a rule sends to them.
  const decided = new Set(groups.filter(({ clients }) => clients.type === 'others').map(({ port }) => port));
  const ownPorts = ports.map(({ port }) => port).filter((port) => !decided.has(port));
  return {
    apiVersion: cliApiVersion,
    kind: 'Service',
    namespace,
    name,
    clusterIPs: service?.clusterIPs ?? [],
    ports,
    routes: attachedRoutes(key, store, snapshot),
    ruleGroups: groups,
    endpoints: endpointViews([{ service: key, ports: ownPorts }, ...backendsOf(groups)], state),
    problems: problemsOf({ kind: 'Service', namespace, name }, store, snapshot),
  };
}

function portViews(object: Service | undefined, service: MeshService | undefined): ServicePortView[] {
  const declared = object?.spec.ports ?? [];
  if (service === undefined) {
    // A headless Service is none of the mesh's: no route applies to it, and its connections are not looked at.
    return declared.map(({ port, name, targetPort }) => ({
      port,
      name: name ?? '',
      ...(targetPort === undefined ? {} : { targetPort }),
      protocol: 'opaque',
      routeKind: 'none',
    }));
  }
  return service.ports.map(({ port, name, protocol, routeKind }) => {
    const targetPort = declared.find(
      (candidate) => candidate.port === port && candidate.protocol === 'TCP',
    )?.targetPort;
    return { port, name, ...(targetPort === undefined ? {} : { targetPort }), protocol, routeKind };
  });
}

interface ServicePorts {
  readonly service: string;
  readonly ports: readonly number[];
}

/** The Services and ports that rules send to, each once, ordered by name. */
function backendsOf(groups: readonly RuleGroupView[]): ServicePorts[] {
  const ports = new Map<string, Set<number>>();
  for (const { service, port } of groups.flatMap((group) => group.rules.flatMap((rule) => rule.backends))) {
    if (service === undefined || port === undefined) continue;
    ports.set(service, (ports.get(service) ?? new Set()).add(port));
  }
  return [...ports]
    .map(([service, numbers]) => ({ service, ports: [...numbers].sort((a, b) => a - b) }))
    .sort((a, b) => (a.service < b.service ? -1 : 1));
}

function endpointViews(services: readonly ServicePorts[], state: MeshState): EndpointView[] {
  const seen = new Set<string>();
  const views: EndpointView[] = [];
  for (const { service, ports } of services) {
    for (const servicePort of ports) {
      if (seen.has(`${service}:${servicePort}`)) continue;
      seen.add(`${service}:${servicePort}`);
      const endpoints =
        state.endpoints.get(service)?.ports.find((entry) => entry.port === servicePort)?.endpoints ?? [];
      for (const endpoint of endpoints) views.push(endpointView(endpoint, { service, servicePort }, state));
    }
  }
  return views;
}

function endpointView(
  endpoint: Endpoint,
  of: Pick<EndpointView, 'service' | 'servicePort'>,
  state: MeshState,
): EndpointView {
  const { address, port, ready, workload: pod } = endpoint;
  const workload = pod === undefined ? undefined : state.workloads.get(pod);
  const node = endpoint.node ?? workload?.node;
  return {
    ...of,
    address,
    port,
    ready,
    ...(pod === undefined ? {} : { pod }),
    ...(node === undefined ? {} : { node }),
    ...(workload === undefined ? {} : { mesh: workload.mesh.state }),
    ...(workload?.mesh.state === 'out' ? { meshReason: workload.mesh.reason } : {}),
    ...(workload?.mesh.state === 'in' ? { identity: workload.identity } : {}),
  };
}
