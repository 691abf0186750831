import type { CoreServicePort, Service } from '@tulle/gateway-api';
import type { BackendTls, MeshService, PortProtocol, RouteKind, ServicePort, TrafficDistribution } from '@tulle/ir';
import type { BackendTraffic } from '../policies/backend-traffic.ts';
import { objectOf } from '../problem.ts';
import type { ReportProblem } from '../problem.ts';
import { opaquePorts } from './labels.ts';
import type { NamespaceDefaults } from './labels.ts';

/** What a Service is to routes: whether it may be a parent, or why not. */
export type FrontendState =
  | { readonly type: 'frontend'; readonly addresses: readonly string[] }
  | { readonly type: 'pending' }
  | { readonly type: 'headless' }
  | { readonly type: 'external-name' };

/** Whether a Service has a cluster address that routes can act on (GEP-1294, "Allowed service types"). */
export function frontendState(service: Service): FrontendState {
  const { type, clusterIP, clusterIPs } = service.spec;
  if (type === 'ExternalName') return { type: 'external-name' };
  if (clusterIP === 'None') return { type: 'headless' };
  const addresses = [...new Set([clusterIP ?? '', ...(clusterIPs ?? [])])].filter((address) => address !== '');
  return addresses.length === 0 ? { type: 'pending' } : { type: 'frontend', addresses };
}

/** The ports of a Service that a mesh carries: those of TCP. */
export function tcpPorts(service: Service): readonly CoreServicePort[] {
  return (service.spec.ports ?? []).filter((port) => port.protocol === 'TCP');
}

const protocols: Readonly<Record<string, PortProtocol>> = {
  // Kubernetes' standard application protocols (KEP-3726), and the IANA names that people use.
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'https',
  http: 'http',
  ws: 'http',
  'grpc-web': 'http',
  http2: 'http2',
  h2c: 'http2',
  grpc: 'grpc',
  https: 'https',
  tls: 'https',
  wss: 'https',
  tcp: 'tcp',
  mysql: 'tcp',
  postgresql: 'tcp',
  redis: 'tcp',
  mongo: 'tcp',
  smtp: 'tcp',
};

/** What `appProtocol` says is spoken; `detect` when it says nothing, or nothing that is known here. */
export function appProtocolOf(port: CoreServicePort): PortProtocol {
  const name = port.appProtocol?.toLowerCase();
  return name === undefined || !Object.hasOwn(protocols, name) ? 'detect' : (protocols[name] ?? 'detect');
}

function distributionOf({ spec }: Service): TrafficDistribution {
  if (spec.internalTrafficPolicy === 'Local') return 'local-only';
  switch (spec.trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return 'prefer-same-zone';
    case 'PreferSameNode':
      return 'prefer-same-node';
    default:
      return 'any';
  }
}

/** What Services are translated with. */
export interface ServiceContext {
  readonly defaults: (namespace: string) => NamespaceDefaults;
  readonly report: ReportProblem;
  /** Which kind of routes decides about a port of a Service (`namespace/name`). */
  readonly routeKindOf: (service: string, port: number) => RouteKind;
  /** The TLS settings of a Service's port, by the port's name. */
  readonly tlsOf: (service: string, portName: string) => BackendTls | undefined;
  readonly trafficOf: (service: string) => BackendTraffic | undefined;
}

/**
 * The Service as agents know it; undefined for an ExternalName. One that is headless, or waits for its cluster address,
 * has no address to capture, but may be a backend.
 */
export function translateService(service: Service, context: ServiceContext): MeshService | undefined {
  const state = frontendState(service);
  if (state.type === 'external-name') return undefined;
  const { namespace, name } = service.metadata;
  const opaque = opaquePorts(service, context.report) ?? context.defaults(namespace).opaquePorts ?? [];
  const key = `${namespace}/${name}`;
  const ports = tcpPorts(service).map((port): ServicePort => {
    const tls = context.tlsOf(key, port.name ?? '');
    return {
      port: port.port,
      name: port.name ?? '',
      protocol: opaque.includes(port.port) ? 'opaque' : appProtocolOf(port),
      routeKind: context.routeKindOf(key, port.port),
      ...(tls === undefined ? {} : { tls }),
    };
  });
  ports.forEach((port) => reportMisfit(service, port, context.report));
  return {
    namespace,
    name,
    clusterIPs: state.type === 'frontend' ? state.addresses : [],
    ports,
    trafficDistribution: distributionOf(service),
    ...context.trafficOf(key),
  };
}

/** Routes of requests on a port that says it speaks something else: the routes win, and clients that do as it says fail. */
function reportMisfit(service: Service, { port, protocol, routeKind }: ServicePort, report: ReportProblem): void {
  if (routeKind !== 'http' && routeKind !== 'grpc') return;
  if (protocol !== 'https' && protocol !== 'tcp' && protocol !== 'opaque') return;
  const says = protocol === 'opaque' ? 'is annotated as opaque' : `has an appProtocol that is ${protocol}, not HTTP`;
  const message = `port ${port} ${says}, but has routes for HTTP: clients that speak anything else get an error`;
  const hint = 'attach a TLSRoute or TCPRoute instead, or let the port say that it speaks HTTP';
  report({ severity: 'warning', code: 'RouteOnOtherProtocol', message, object: objectOf(service), hint });
}
