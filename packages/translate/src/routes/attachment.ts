import type { ParentReference, Service } from '@tulle/gateway-api';
import { serviceInWords, serviceKeyOf, serviceKindOf } from '../cluster/service-catalog.ts';
import { frontendState } from '../cluster/services.ts';
import type { Route } from '../input.ts';
import type { ServiceLookup } from '../lookup.ts';
import { noSuchService, portsInWords } from './backend-ref.ts';
import type { AcceptedReason } from './outcome.ts';

/** What became of one parentRef. */
export type Attachment =
  | {
      readonly type: 'attached';
      /** `namespace/name` of the Service. */
      readonly service: string;
      readonly ports: readonly number[];
      /** Empty for a producer route, else the namespace whose clients the route acts on. */
      readonly consumer: string;
    }
  | {
      readonly type: 'refused';
      readonly reason: Extract<AcceptedReason, 'NoMatchingParent' | 'UnsupportedValue' | 'Pending'>;
      readonly message: string;
    };

/** Whether a parentRef is a Service's or ServiceImport's; any other belongs to somebody else and gets no status from us. */
export function isServiceParent(parent: ParentReference): boolean {
  return serviceKindOf(parent) !== undefined;
}

/** Finds the Service and the ports that a parentRef names. "`port` not set: all ports; both set: both must match." */
export function attach(route: Route, parent: ParentReference, services: ServiceLookup): Attachment {
  const namespace = parent.namespace ?? route.metadata.namespace;
  const kind = serviceKindOf(parent) ?? 'Service';
  const key = serviceKeyOf(kind, namespace, parent.name);
  const service = services.get(key);
  if (service === undefined) {
    return refused('NoMatchingParent', noSuchService(services, { kind, namespace, name: parent.name }));
  }
  const state = frontendState(service);
  switch (state.type) {
    case 'headless':
      return refused(
        'UnsupportedValue',
        `${serviceInWords(key)} is headless: routes act on a cluster address, and it has none`,
      );
    case 'external-name':
      return refused(
        'UnsupportedValue',
        `${serviceInWords(key)} is of type ExternalName: routes act on a cluster address, and it has none`,
      );
    case 'pending':
      return refused('Pending', `${serviceInWords(key)} has no cluster address yet`);
    case 'frontend':
      break;
  }
  const transport = route.kind === 'UDPRoute' ? 'UDP' : 'TCP';
  const ports = (service.spec.ports ?? [])
    .filter(
      ({ port, name, protocol }) =>
        protocol === transport &&
        (parent.port === undefined || parent.port === port) &&
        (parent.sectionName === undefined || parent.sectionName === (name ?? '')),
    )
    .map(({ port }) => port);
  if (ports.length === 0) return refused('NoMatchingParent', noSuchPort(service, key, { ...parent, transport }));
  return {
    type: 'attached',
    service: key,
    ports,
    consumer: namespace === route.metadata.namespace ? '' : route.metadata.namespace,
  };
}

function refused(reason: Extract<Attachment, { type: 'refused' }>['reason'], message: string): Attachment {
  return { type: 'refused', reason, message };
}

function noSuchPort(
  service: Service,
  key: string,
  { port, sectionName, transport }: ParentReference & { readonly transport: string },
): string {
  const wanted = [
    ...(port === undefined ? [] : [`${port}`]),
    ...(sectionName === undefined ? [] : [`named "${sectionName}"`]),
  ].join(' ');
  return `${serviceInWords(key)} has no ${transport} port${wanted === '' ? '' : ` ${wanted}`}; it has ${portsInWords(service)}`;
}
