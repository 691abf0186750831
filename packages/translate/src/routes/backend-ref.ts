import { suggest } from '@tulle/gateway-api';
import type { CoreServicePort, Service } from '@tulle/gateway-api';
import type { BackendTarget, BackendTls } from '@tulle/ir';
import { serviceInWords, serviceKeyOf, serviceKindOf } from '../cluster/service-catalog.ts';
import type { NamedService } from '../cluster/service-catalog.ts';
import { appProtocolOf } from '../cluster/services.ts';
import type { ServiceLookup } from '../lookup.ts';
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
  readonly services: ServiceLookup;
  /** The route's namespace. */
  readonly namespace: string;
  /** What the route sends: requests, which a backend of raw bytes cannot take, connections, or datagrams. */
  readonly sends: 'requests' | 'connections' | 'datagrams';
  readonly reporter: RuleReporter;
}

/** `there is no Service "x" in namespace "y"`, with the one that was probably meant. */
export function noSuchService(services: Pick<ServiceLookup, 'namesNear' | 'namespaceOf'>, named: NamedService): string {
  const { kind, namespace, name } = named;
  const missing = `there is no ${kind} "${name}" in namespace "${namespace}"`;
  const meant = suggest(name, services.namesNear(named));
  if (meant !== undefined) return `${missing}${didYouMean(meant)}`;
  const elsewhere = services.namespaceOf(name, kind);
  return elsewhere === undefined ? missing : `${missing} (there is one in namespace "${elsewhere}")`;
}

/** The most ports that a message lists. */
const maxPortsInWords = 12;

/** A Service's ports in words: `80, 8080 and 9090 (UDP)`. */
export function portsInWords(service: Service): string {
  const ports = service.spec.ports ?? [];
  const words = ports
    .slice(0, maxPortsInWords)
    .map(
      ({ port, name, protocol }) =>
        `${port}${name === undefined ? '' : ` "${name}"`}${protocol === 'TCP' ? '' : ` (${protocol})`}`,
    );
  if (ports.length > maxPortsInWords) words.push(`${ports.length - maxPortsInWords} more`);
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
  const serviceKind = serviceKindOf(reference);
  if (serviceKind === undefined) {
    return invalid(
      'InvalidKind',
      `kind ${group === '' ? kind : `${kind} of ${group}`} cannot be a backend, only a Service or ServiceImport can`,
    );
  }
  const key = serviceKeyOf(serviceKind, namespace, name);
  const words = serviceInWords(key);
  const service = context.services.get(key);
  if (service === undefined) {
    return invalid('BackendNotFound', noSuchService(context.services, { kind: serviceKind, namespace, name }));
  }
  if (service.spec.type === 'ExternalName') {
    return invalid('InvalidKind', `${words} is of type ExternalName, which has no endpoints in the cluster`);
  }
  const { port } = reference;
  if (port === undefined) return invalid('BackendNotFound', `no port is given; ${words} has ${portsInWords(service)}`);
  const ports = (service.spec.ports ?? []).filter((one) => one.port === port);
  if (ports.length === 0) {
    return invalid('BackendNotFound', `${words} has no port ${port}, it has ${portsInWords(service)}`);
  }
  const transport = context.sends === 'datagrams' ? 'UDP' : 'TCP';
  const one = ports.find(({ protocol }) => protocol === transport);
  if (one === undefined) return invalid('UnsupportedProtocol', `port ${port} of ${words} is not ${transport}`);
  const tls = context.services.tlsOf(key, one.name ?? '');
  // The reference is sound, so it is the policy's status that says what is wrong; requests get an error all the same.
  if (tls?.type === 'invalid') return { type: 'invalid', reason: 'InvalidBackendTLSPolicy', message: tls.message };
  const refusal = protocolRefusal(one, context.sends, tls);
  if (refusal !== undefined) return invalid('UnsupportedProtocol', `port ${port} of ${words} ${refusal}`);
  return { type: 'service', service: key, port };
}

/** Why requests cannot be sent to a port whose `appProtocol` is no plain HTTP; connections can go to any. */
function protocolRefusal(
  port: CoreServicePort,
  sends: ReferenceContext['sends'],
  tls: BackendTls | undefined,
): string | undefined {
  if (sends !== 'requests') return undefined;
  switch (appProtocolOf(port)) {
    case 'tcp':
      return `has appProtocol "${port.appProtocol}", which takes no HTTP requests`;
    case 'https':
      return tls === undefined
        ? `has appProtocol "${port.appProtocol}", and no BackendTLSPolicy says how to speak TLS to it`
        : undefined;
    default:
      return undefined;
  }
}
