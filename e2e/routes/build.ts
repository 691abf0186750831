import type { Check, Expectation, Manifest, Question, RouteCase } from './model.ts';

const gateway = 'gateway.networking.k8s.io/v1';

/** Cases of a group, each with a Service `GROUP-NUMBER`. */
export class CaseGroup {
  readonly cases: RouteCase[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** A case with routes that are made for its Service. */
  add(name: string, routes: (service: string) => readonly Manifest[], ...checks: readonly Check[]): void {
    const service = `${this.#name}-${this.cases.length + 1}`;
    this.cases.push({ name: `${this.#name}: ${name}`, service, manifests: routes(service), checks });
  }

  /** A case with an HTTPRoute of these rules. */
  http(name: string, rules: readonly object[], ...checks: readonly Check[]): void {
    this.add(name, (service) => [route('HTTPRoute', service, { rules })], ...checks);
  }

  /** A case with a GRPCRoute of these rules. */
  grpc(name: string, rules: readonly object[], ...checks: readonly Check[]): void {
    this.add(name, (service) => [route('GRPCRoute', service, { rules })], ...checks);
  }
}

/** Where a route is and what it is attached to, when that is not its case's Service in its own namespace. */
export interface RoutePlace {
  readonly name?: string;
  readonly namespace?: string;
  /** More of the parentRef: a port or a section's name. */
  readonly parent?: object;
  readonly created?: string;
}

/** A route of the Service of a case. */
export function route(kind: string, service: string, spec: object, place: RoutePlace = {}): Manifest {
  const { name = service, namespace = 'routes', parent = {}, created } = place;
  return {
    apiVersion: gateway,
    kind,
    metadata: { name, namespace, ...(created === undefined ? {} : { creationTimestamp: created }) },
    spec: { parentRefs: [{ group: '', kind: 'Service', name: service, namespace: 'routes', ...parent }], ...spec },
  };
}

/** A backendRef: port 80 of a Service of the suite. */
export function to(name: string, more: object = {}): object {
  return { name, namespace: 'routes', port: 80, ...more };
}

/** A rule that leads to one version. */
export function rule(version: string, matches: readonly object[] = [], more: object = {}): object {
  return { ...(matches.length === 0 ? {} : { matches }), backendRefs: [to(version)], ...more };
}

export const exact = (value: string) => ({ path: { type: 'Exact', value } });
export const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });
export const regex = (value: string) => ({ path: { type: 'RegularExpression', value } });

/** A GET of a path. */
export function get(path: string, expectation: Expectation, question: Question = {}): Check {
  return { question: { path, ...question }, expectation };
}

/** A gRPC call. */
export function call(path: string, expectation: Expectation, question: Question = {}): Check {
  return { question: { over: 'grpc', path, ...question }, expectation };
}

/** A connection over TCP. */
export function dial(expectation: Expectation, question: Question = {}): Check {
  return { question: { over: 'tcp', ...question }, expectation };
}

/** A request over TLS of the client's own. */
export function dialTls(serverName: string, expectation: Expectation, question: Question = {}): Check {
  return { question: { over: 'tls', serverName, fresh: true, ...question }, expectation };
}

/** How many requests of a key a version has counted, once the least of them came. */
export function counted(version: string, key: string, count: number | readonly [number, number]): Check {
  const least = typeof count === 'number' ? count : count[0];
  return { question: { to: version, path: `/counted?${key}/${least}` }, expectation: { counted: count } };
}

export const ok = (version: 'red' | 'blue' | 'green'): Expectation => ({ status: 200, version });
export const noRoute: Expectation = { status: 404, reason: 'no-route' };
export const invalidBackend: Expectation = { status: 500, reason: 'invalid-backend' };
export const noEndpoint: Expectation = { status: 503, reason: 'no-healthy-endpoint' };
