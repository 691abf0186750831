import type {
  AuthorizationPolicy,
  HttpRouteTable,
  MeshService,
  MeshState,
  ServiceEndpoints,
  ServiceRoutes,
  Workload,
} from '@tulle/ir';

/** A pod of the test mesh. */
export function workload(name: string, changes: Partial<Workload> = {}): Workload {
  return {
    uid: `uid-${name}`,
    namespace: 'shop',
    name,
    node: 'n1',
    addresses: ['10.0.0.1'],
    workloadName: name,
    serviceAccount: name,
    identity: `spiffe://cluster.local/ns/shop/sa/${name}`,
    mesh: { state: 'in' },
    mtlsMode: 'permissive',
    opaquePorts: [],
    zone: '',
    ...changes,
  };
}

/** A Service of the test mesh. */
export function service(name: string, changes: Partial<MeshService> = {}): MeshService {
  return {
    namespace: 'shop',
    name,
    clusterIPs: ['10.96.0.1'],
    ports: [{ port: 80, name: 'http', protocol: 'http', routeKind: 'none' }],
    trafficDistribution: 'any',
    ...changes,
  };
}

/** Endpoints of a Service of the test mesh. */
export function endpoints(name: string, address = '10.0.0.1'): ServiceEndpoints {
  return {
    namespace: 'shop',
    name,
    ports: [{ port: 80, endpoints: [{ address, port: 8080, ready: true, workload: `shop/${name}` }] }],
  };
}

/** Routes of port 80 of a Service: one rule to another Service. */
export function routes(name: string, to: string): ServiceRoutes {
  const table: HttpRouteTable = {
    rules: [
      {
        route: `HTTPRoute/shop/${name}`,
        index: 0,
        filters: [],
        backends: [{ target: { type: 'service', service: `shop/${to}`, port: 80 }, weight: 1, filters: [] }],
      },
    ],
    matches: [{ match: { path: { type: 'prefix', value: '/' }, headers: [], queryParams: [] }, rule: 0 }],
  };
  return { namespace: 'shop', name, port: 80, producer: { kind: 'http', table }, consumers: {} };
}

/** A mesh of these resources. */
export function mesh(parts: {
  readonly policies?: readonly AuthorizationPolicy[];
  readonly workloads?: readonly Workload[];
  readonly services?: readonly MeshService[];
  readonly endpoints?: readonly ServiceEndpoints[];
  readonly routes?: readonly ServiceRoutes[];
}): MeshState {
  return {
    settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' },
    policies: new Map((parts.policies ?? []).map((one) => [`${one.namespace}/${one.name}`, one])),
    workloads: new Map((parts.workloads ?? []).map((one) => [`${one.namespace}/${one.name}`, one])),
    services: new Map((parts.services ?? []).map((one) => [`${one.namespace}/${one.name}`, one])),
    endpoints: new Map((parts.endpoints ?? []).map((one) => [`${one.namespace}/${one.name}`, one])),
    routes: new Map((parts.routes ?? []).map((one) => [`${one.namespace}/${one.name}:${one.port}`, one])),
  };
}
