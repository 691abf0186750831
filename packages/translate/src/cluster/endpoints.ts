import type { CoreServicePort, EndpointSlice, Service, SliceEndpoint } from '@tulle/gateway-api';
import type { Endpoint, ServiceEndpoints } from '@tulle/ir';
import { tcpPorts } from './services.ts';

/** What endpoints are translated with. */
export interface EndpointContext {
  /** The Service's slices, in the order of their names. */
  readonly slices: readonly EndpointSlice[];
  readonly hasWorkload: (key: string) => boolean;
  /** The zone of a node that has one. */
  readonly zoneOf: (node: string) => string | undefined;
}

/** The endpoints of a Service, by its ports, from its EndpointSlices. */
export function translateEndpoints(service: Service, context: EndpointContext): ServiceEndpoints {
  const { namespace, name } = service.metadata;
  return {
    namespace,
    name,
    ports: tcpPorts(service).map((port) => ({ port: port.port, endpoints: endpointsOf(port, context) })),
  };
}

interface Candidate {
  readonly endpoint: Endpoint;
  /** Going, but still answering: used when nothing else is left (KEP-1669). */
  readonly isLastResort: boolean;
}

function endpointsOf(servicePort: CoreServicePort, context: EndpointContext): readonly Endpoint[] {
  const found = new Map<string, Candidate>();
  for (const slice of context.slices) {
    if (slice.addressType === 'FQDN') continue;
    const port = slice.ports?.find((one) => one.name === (servicePort.name ?? '') && one.protocol === 'TCP')?.port;
    if (port === undefined) continue;
    for (const one of slice.endpoints) {
      for (const address of one.addresses) {
        const key = `${address}|${port}`;
        const known = found.get(key);
        // While a pod moves between slices it is in both.
        if (known?.endpoint.ready === true) continue;
        found.set(key, candidate(one, { address, port, namespace: slice.metadata.namespace }, context));
      }
    }
  }
  const candidates = [...found.values()];
  const anyReady = candidates.some(({ endpoint }) => endpoint.ready);
  return candidates.map(({ endpoint, isLastResort }) =>
    !anyReady && isLastResort ? { ...endpoint, ready: true } : endpoint,
  );
}

function candidate(
  one: SliceEndpoint,
  at: { readonly address: string; readonly port: number; readonly namespace: string },
  context: EndpointContext,
): Candidate {
  const { conditions, hints, nodeName, targetRef } = one;
  const zone = one.zone ?? (nodeName === undefined ? undefined : context.zoneOf(nodeName));
  const workload =
    targetRef?.kind === 'Pod' && targetRef.name !== undefined
      ? `${targetRef.namespace ?? at.namespace}/${targetRef.name}`
      : undefined;
  return {
    endpoint: {
      address: at.address,
      port: at.port,
      ready: conditions?.ready !== false,
      ...(workload !== undefined && context.hasWorkload(workload) ? { workload } : {}),
      ...(nodeName === undefined ? {} : { node: nodeName }),
      ...(zone === undefined ? {} : { zone }),
      ...(hasHint(hints?.forZones) ? { forZones: hints.forZones.map(({ name }) => name) } : {}),
      ...(hasHint(hints?.forNodes) ? { forNodes: hints.forNodes.map(({ name }) => name) } : {}),
    },
    isLastResort: conditions?.serving === true && conditions.terminating === true,
  };
}

/** Whether a hint names anything; an empty one is none. */
function hasHint<T>(hint: readonly T[] | undefined): hint is readonly T[] {
  return hint !== undefined && hint.length > 0;
}
