import type { CompiledTcpRule } from '@tulle/routing';
import type { ServicePortView } from './mesh-view.ts';
import type { Pod } from './pod.ts';

/** Why a connection that is carried as bytes ended, or never began; empty where it ended well. A closed list. */
export type ConnectionReason =
  | ''
  | 'no-route'
  | 'invalid-backend'
  | 'no-healthy-endpoint'
  | 'connect-failed'
  | 'connect-timeout'
  | 'backend-tls'
  | 'policy-denied'
  | 'routes-missing'
  | 'bad-client-hello'
  | 'header-timeout'
  | 'overload'
  | 'client-closed'
  | 'reset';

/** What is counted of connections that are refused, by a closed list of events. */
const events: Readonly<Partial<Record<ConnectionReason, string>>> = {
  'no-route': 'outbound_no_route',
  'invalid-backend': 'outbound_invalid_backend',
  'no-healthy-endpoint': 'outbound_no_endpoint',
  'connect-failed': 'outbound_connect_failed',
  'connect-timeout': 'outbound_connect_failed',
  'backend-tls': 'outbound_connect_failed',
  'policy-denied': 'outbound_connect_failed',
  'routes-missing': 'outbound_routes_missing',
  'bad-client-hello': 'outbound_bad_client_hello',
  'header-timeout': 'outbound_header_timeout',
  overload: 'outbound_overload',
};

/** One connection to a Service that is carried as bytes: what metrics and the access log say of it. */
export class ConnectionRecord {
  readonly #pod: Pod;
  readonly #frontend: ServicePortView | undefined;
  readonly #protocol: 'tcp' | 'tls';
  readonly #startedMs = performance.now();
  rule: CompiledTcpRule | undefined;
  /** The server name that the client asked for. */
  serverName: string | undefined;
  /** `address:port` of the endpoint that was chosen last. */
  endpoint: string | undefined;
  #done = false;

  /** Without a `frontend` it is a connection to an address, of which only failures are counted. */
  constructor(pod: Pod, frontend: ServicePortView | undefined, protocol: 'tcp' | 'tls') {
    this.#pod = pod;
    this.#frontend = frontend;
    this.#protocol = protocol;
  }

  /** The connection is over; further calls change nothing. */
  finish(reason: ConnectionReason, sentBytes = 0, receivedBytes = 0): void {
    if (this.#done) return;
    this.#done = true;
    const { accessLog, counters, connections } = this.#pod.context;
    const event = events[reason];
    if (event !== undefined) counters.add(event);
    const frontend = this.#frontend;
    if (frontend === undefined) return;
    const { name, namespace, workloadName } = this.#pod.spec;
    const { port, service } = frontend;
    const route = this.rule === undefined ? '' : routeLabel(this.rule.rule);
    const protocol = this.#protocol;
    const labels = [workloadName, namespace, service.name, service.namespace, route, protocol, reason] as const;
    connections.series(labels).record(sentBytes, receivedBytes);
    // Whoever resets a connection may mean it: what the mesh refused or could not do is a failure.
    if (!accessLog.wants(reason !== '' && reason !== 'client-closed' && reason !== 'reset')) return;
    accessLog.add({
      time: Date.now(),
      access: 'connection',
      source: `${namespace}/${name}`,
      sourceWorkload: workloadName,
      destination: `${service.namespace}/${service.name}:${port.port}`,
      ...(route === '' ? {} : { route }),
      protocol,
      durationMs: Math.round((performance.now() - this.#startedMs) * 1_000) / 1_000,
      ...(this.endpoint === undefined ? {} : { endpoint: this.endpoint }),
      ...(this.serverName === undefined ? {} : { serverName: this.serverName }),
      ...(reason === '' ? {} : { reason }),
      sentBytes,
      receivedBytes,
    });
  }
}

/** How metrics and logs name a rule: its route, and its name or, without one, its index. */
export function routeLabel(rule: { readonly route: string; readonly index: number; readonly name?: string }): string {
  return `${rule.route}#${rule.name ?? rule.index}`;
}
