import type {
  AuthorizationPolicy,
  BackendTls,
  MeshDelta,
  MeshService,
  ServiceEndpoints,
  ServicePort,
  ServiceRoutes,
  Workload,
} from '@tulle/ir';
import { serviceKey } from '@tulle/ir';
import type { CompiledRouteTable, PortEndpoint } from '@tulle/routing';
import { CompiledServiceRoutes, EndpointBalancer, RetryBudgetMeter } from '@tulle/routing';
import { hostPort } from './addresses.ts';

/**
 * What decides about a client's connections to a Service port: its routes; `implicit`, nothing but the Service;
 * `missing`, routes that the controller says exist but that have not come.
 */
export type Decision = CompiledRouteTable | { readonly kind: 'implicit' } | { readonly kind: 'missing' };

const implicit: Decision = { kind: 'implicit' };
const missing: Decision = { kind: 'missing' };

/** A port of a Service as the data path uses it: the frontend of its cluster address, and a backend of routes. */
export class ServicePortView {
  service: MeshService;
  port: ServicePort;
  readonly balancer: EndpointBalancer;
  /** Bounds how much retries add to the load of this Service. */
  retryBudget: RetryBudgetMeter;
  #routes: CompiledServiceRoutes | undefined;

  constructor(service: MeshService, port: ServicePort, balancer: EndpointBalancer) {
    this.service = service;
    this.port = port;
    this.balancer = balancer;
    this.retryBudget = new RetryBudgetMeter(service.retryBudget);
  }

  /** Takes the Service and the port as they are now. */
  describe(service: MeshService, port: ServicePort): void {
    if (!isSame(service.retryBudget, this.service.retryBudget)) {
      this.retryBudget = new RetryBudgetMeter(service.retryBudget);
    }
    this.service = service;
    // One object for one setting: connections are made anew where it is another.
    this.port = isSame(port.tls, this.port.tls) ? withTls(port, this.port.tls) : port;
  }

  /** Compiles the routes of the port; where the weights stand is carried over. */
  setRoutes(routes: ServiceRoutes | undefined): void {
    if (routes === this.#routes?.routes) return;
    this.#routes = routes === undefined ? undefined : new CompiledServiceRoutes(routes, this.#routes);
  }

  /** What applies to clients of a namespace. */
  decisionFor(clientNamespace: string): Decision {
    if (this.#routes === undefined) return this.port.routeKind === 'none' ? implicit : missing;
    return this.#routes.forClient(clientNamespace) ?? implicit;
  }
}

interface ServiceView {
  readonly service: MeshService;
  readonly ports: Map<number, ServicePortView>;
}

/** The mesh as one worker sees it: indexes by address over what the controller sent, kept up to date by its deltas. */
export class MeshView {
  readonly #node: string;
  readonly #services = new Map<string, ServiceView>();
  readonly #policies = new Map<string, AuthorizationPolicy>();
  readonly #workloads = new Map<string, Workload>();
  readonly #workloadByAddress = new Map<string, Workload>();
  readonly #frontends = new Map<string, ServicePortView>();
  readonly #endpoints = new Map<string, ServiceEndpoints>();
  readonly #routes = new Map<string, ServiceRoutes>();
  readonly #zone: string;

  constructor(place: { readonly node: string; readonly zone: string }) {
    this.#node = place.node;
    this.#zone = place.zone;
  }

  /** The Service port that listens on a cluster address. */
  frontend(address: string, port: number): ServicePortView | undefined {
    return this.#frontends.get(hostPort(address, port));
  }

  /** The port of the Service `namespace/name`, as a backend. */
  servicePort(service: string, port: number): ServicePortView | undefined {
    return this.#services.get(service)?.ports.get(port);
  }

  workloadAt(address: string): Workload | undefined {
    return this.#workloadByAddress.get(address);
  }

  workload(key: string): Workload | undefined {
    return this.#workloads.get(key);
  }

  policy(key: string): AuthorizationPolicy | undefined {
    return this.#policies.get(key);
  }

  /** Takes a change; what it does not name stays as it is. */
  apply(delta: MeshDelta): void {
    for (const key of delta.policies.removed) this.#policies.delete(key);
    for (const [key, policy] of delta.policies.changed) this.#policies.set(key, policy);
    for (const key of delta.workloads.removed) this.#removeWorkload(key);
    for (const [key, workload] of delta.workloads.changed) {
      this.#removeWorkload(key);
      this.#workloads.set(key, workload);
      for (const address of workload.addresses) this.#workloadByAddress.set(address, workload);
    }
    for (const key of delta.routes.removed) this.#routes.delete(key);
    for (const [key, routes] of delta.routes.changed) this.#routes.set(key, routes);
    for (const key of delta.endpoints.removed) this.#endpoints.delete(key);
    for (const [key, endpoints] of delta.endpoints.changed) this.#endpoints.set(key, endpoints);
    for (const key of delta.services.removed) this.#removeService(key);
    const touched = new Set<string>(delta.services.changed.keys());
    for (const key of [...delta.endpoints.changed.keys(), ...delta.endpoints.removed]) touched.add(key);
    for (const key of [...delta.routes.changed.keys(), ...delta.routes.removed]) touched.add(key.replace(/:\d+$/, ''));
    for (const key of touched) this.#rebuildService(key, delta.services.changed.get(key));
  }

  #removeWorkload(key: string): void {
    const workload = this.#workloads.get(key);
    if (workload === undefined) return;
    this.#workloads.delete(key);
    for (const address of workload.addresses) {
      if (this.#workloadByAddress.get(address) === workload) this.#workloadByAddress.delete(address);
    }
  }

  #removeService(key: string): void {
    const view = this.#services.get(key);
    if (view === undefined) return;
    this.#services.delete(key);
    for (const port of view.ports.values()) this.#dropFrontend(view.service, port);
  }

  #dropFrontend(service: MeshService, port: ServicePortView): void {
    for (const address of service.clusterIPs) {
      const key = hostPort(address, port.port.port);
      if (this.#frontends.get(key) === port) this.#frontends.delete(key);
    }
  }

  #rebuildService(key: string, changed: MeshService | undefined): void {
    const before = this.#services.get(key);
    const service = changed ?? before?.service;
    if (service === undefined) return;
    const ports = new Map<number, ServicePortView>();
    for (const port of service.ports) {
      const view = before?.ports.get(port.port) ?? this.#newPort(service, port);
      view.describe(service, port);
      view.setRoutes(this.#routes.get(`${serviceKey(service)}:${port.port}`));
      const endpoints = this.#endpointsOf(key, view.port);
      view.balancer.update(endpoints, performance.now(), service.trafficDistribution);
      ports.set(port.port, view);
    }
    for (const port of before?.ports.values() ?? []) {
      this.#dropFrontend(before?.service ?? service, port);
    }
    for (const view of ports.values()) {
      for (const address of service.clusterIPs) this.#frontends.set(hostPort(address, view.port.port), view);
    }
    this.#services.set(key, { service, ports });
  }

  #newPort(service: MeshService, port: ServicePort): ServicePortView {
    const locality = { node: this.#node, zone: this.#zone };
    const balancer = new EndpointBalancer({ locality, distribution: service.trafficDistribution });
    return new ServicePortView(service, port, balancer);
  }

  #endpointsOf(key: string, { port, tls }: ServicePort): readonly PortEndpoint[] {
    const endpoints = this.#endpoints.get(key)?.ports.find((candidate) => candidate.port === port)?.endpoints ?? [];
    return tls === undefined ? endpoints : endpoints.map((endpoint) => ({ ...endpoint, tls }));
  }
}

function withTls(port: ServicePort, tls: BackendTls | undefined): ServicePort {
  return tls === undefined ? port : { ...port, tls };
}

function isSame(a: object | undefined, b: object | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
