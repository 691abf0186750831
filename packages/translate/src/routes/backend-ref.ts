import { suggest } from '@tulle/gateway-api';
import type { CoreServicePort, Service } from '@tulle/gateway-api';
import type { BackendTarget } from '@tulle/ir';
import { appProtocolOf } from '../cluster/services.ts';
import { didYouMean } from '../problem.ts';
import type { RuleReporter, UnresolvedRef } from './outcome.ts';

/** A reference to a backend, of a rule or of a mirror. */
export interface BackendReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** What references are resolved with. */
export interface ReferenceContext {
  readonly services: ReadonlyMap<string, Service>;
  /** The route's namespace. */
  readonly namespace: string;
  /** What the route sends: requests, which a backend of raw bytes cannot take, or connections. */
  readonly sends: 'requests' | 'connections';
  readonly reporter: RuleReporter;
}

/** The names of the Services of a namespace. */
export function serviceNamesIn(services: ReadonlyMap<string, Service>, namespace: string): string[] {
  const prefix = `${namespace}/`;
  return [...services.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

/** `there is no Service "x" in namespace "y"`, with the one that was probably meant. */
export function noSuchService(services: ReadonlyMap<string, Service>, namespace: string, name: string): string {
  const meant = suggest(name, serviceNamesIn(services, namespace));
  if (meant !== undefined) return `there is no Service "${name}" in namespace "${namespace}"${didYouMean(meant)}`;
  const elsewhere = [...services.keys()].find((key) => key.endsWith(`/${name}`));
  const hint = elsewhere === undefined ? '' : ` (there is one in namespace "${elsewhere.slice(0, -name.length - 1)}")`;
  return `there is no Service "${name}" in namespace "${namespace}"${hint}`;
}

/** A Service's ports in words: `80, 8080 and 9090 (UDP)`. */
export function portsInWords(service: Service): string {
  const words = (service.spec.ports ?? []).map(
    ({ port, name, protocol }) =>
      `${port}${name === undefined ? '' : ` "${name}"`}${protocol === 'TCP' ? '' : ` (${protocol})`}`,
  );
  const last = words.pop();
  if (last === undefined) return 'no port';
  return words.length === 0 ? `only port ${last}` : `ports ${words.join(', ')} and ${last}`;
}

/**
 * What a reference leads to. One that leads nowhere is reported and comes back as an invalid target, so that its share
 * of the weight still counts. References into other namespaces need no ReferenceGrant in a mesh (GEP-1294).
 */
export function resolveBackend(reference: BackendReference, place: string, context: ReferenceContext): BackendTarget {
  const { group, kind, name } = reference;
  const namespace = reference.namespace ?? context.namespace;
  const invalid = (reason: UnresolvedRef['reason'], message: string): BackendTarget => {
    context.reporter.unresolved({ reason, message: `${place}: ${message}` });
    return { type: 'invalid', reason, message };
  };
  if (group !== '' || kind !== 'Service') {
    return invalid(
      'InvalidKind',
      `a ${group === '' ? kind : `${kind} of ${group}`} cannot be a backend, only a Service`,
    );
  }
  const service = context.services.get(`${namespace}/${name}`);
  if (service === undefined) return invalid('BackendNotFound', noSuchService(context.services, namespace, name));
  if (service.spec.type === 'ExternalName') {
    return invalid(
      'InvalidKind',
      `Service "${namespace}/${name}" is of type ExternalName, which has no endpoints in the cluster`,
    );
  }
  const { port } = reference;
  if (port === undefined) {
    return invalid('BackendNotFound', `no port is given; Service "${namespace}/${name}" has ${portsInWords(service)}`);
  }
  const ports = (service.spec.ports ?? []).filter((one) => one.port === port);
  if (ports.length === 0) {
    return invalid(
      'BackendNotFound',
      `Service "${namespace}/${name}" has no port ${port}, it has ${portsInWords(service)}`,
    );
  }
  const tcp = ports.find((one) => one.protocol === 'TCP');
  if (tcp === undefined) {
    return invalid('UnsupportedProtocol', `port ${port} of Service "${namespace}/${name}" is not TCP`);
  }
  const refusal = protocolRefusal(tcp, context.sends);
  if (refusal !== undefined) {
    return invalid('UnsupportedProtocol', `port ${port} of Service "${namespace}/${name}" ${refusal}`);
  }
  return { type: 'service', service: `${namespace}/${name}`, port };
}

/** Why requests cannot be sent to a port whose `appProtocol` is no plain HTTP; connections can go to any. */
function protocolRefusal(port: CoreServicePort, sends: 'requests' | 'connections'): string | undefined {
  if (sends === 'connections') return undefined;
  switch (appProtocolOf(port)) {
    case 'tcp':
      return `has appProtocol "${port.appProtocol}", which takes no HTTP requests`;
    case 'https':
      return `has appProtocol "${port.appProtocol}", and the mesh has no TLS settings for it`;
    default:
      return undefined;
  }
}
