import { isIPv4 } from 'node:net';
import type { EndpointSlice, Service } from '@tulle/gateway-api';
import type { ServicePortRule } from '../network/service-rules.ts';
import type { ContainerPort } from './pod-spec.ts';
import { hasLabels } from './labels.ts';
import type { Labels } from './labels.ts';

/** A pod as Services see it. */
export interface ServedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly nodeName: string;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly hostname: string | undefined;
  readonly subdomain: string | undefined;
}

/**
 * The EndpointSlices of a Service with a selector. Pods whose named ports are at different numbers get slices of their
 * own, since all endpoints of a slice share its ports. Pods that are not ready are in the slices, marked so.
 */
export function slicesOf(service: Service, pods: readonly ServedPod[]): EndpointSlice[] {
  const { selector, ports = [] } = service.spec;
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const { namespace, name } = service.metadata;
  const byPorts = new Map<string, EndpointSlice & { readonly endpoints: EndpointSlice['endpoints'][number][] }>();
  for (const pod of pods) {
    if (pod.namespace !== namespace || !hasLabels(pod.labels, selector)) continue;
    const slicePorts = ports.flatMap((port) => {
      const number = targetPort(port, pod.ports);
      if (number === undefined) return [];
      const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
      return [{ name: port.name ?? '', protocol: port.protocol, port: number, ...appProtocol }];
    });
    const key = JSON.stringify(slicePorts);
    const slice = byPorts.get(key) ?? {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace,
        name: byPorts.size === 0 ? `${name}-playground` : `${name}-playground-${byPorts.size + 1}`,
        labels: {
          'kubernetes.io/service-name': name,
          'endpointslice.kubernetes.io/managed-by': 'playground.tulle.dev',
        },
      },
      addressType: 'IPv4',
      endpoints: [],
      ports: slicePorts,
    };
    byPorts.set(key, slice);
    slice.endpoints.push({
      addresses: [pod.ip],
      conditions: {
        ready: (pod.ready || service.spec.publishNotReadyAddresses === true) && !pod.terminating,
        serving: pod.ready,
        terminating: pod.terminating,
      },
      nodeName: pod.nodeName,
      targetRef: { kind: 'Pod', namespace, name: pod.name, uid: pod.uid },
      ...(pod.hostname !== undefined && pod.subdomain === name ? { hostname: pod.hostname } : {}),
    });
  }
  return [...byPorts.values()];
}

type ServicePort = NonNullable<Service['spec']['ports']>[number];

/** The number of the port that a pod serves a Service's port at, or undefined when it has no port of that name. */
function targetPort(port: ServicePort, podPorts: readonly ContainerPort[]): number | undefined {
  const { targetPort: target = port.port } = port;
  if (typeof target === 'number') return target;
  return podPorts.find((each) => each.name === target && each.protocol === port.protocol)?.containerPort;
}

/** The name of the Service that a slice belongs to. */
export function serviceOfSlice(slice: EndpointSlice): string | undefined {
  return slice.metadata.labels?.['kubernetes.io/service-name'];
}

/** What the nodes' rules say of a Service at `clusterIP`: for each port, the endpoints of its slices that are ready. */
export function portRules(service: Service, clusterIP: string, slices: readonly EndpointSlice[]): ServicePortRule[] {
  const { namespace, name } = service.metadata;
  return (service.spec.ports ?? []).flatMap((port) => {
    if (port.protocol === 'SCTP') return [];
    const endpoints = new Map<string, { ip: string; port: number }>();
    for (const slice of slices) {
      if (slice.addressType !== 'IPv4') continue;
      const slicePort = slice.ports?.find((each) => each.name === (port.name ?? '') && each.protocol === port.protocol);
      if (slicePort?.port === undefined) continue;
      for (const endpoint of slice.endpoints) {
        const [ip] = endpoint.addresses;
        if (ip === undefined || !isIPv4(ip) || endpoint.conditions?.ready === false) continue;
        endpoints.set(`${ip}:${slicePort.port}`, { ip, port: slicePort.port });
      }
    }
    return [
      {
        name: `${namespace}/${name}:${port.name ?? port.port}`,
        clusterIP,
        protocol: port.protocol === 'TCP' ? 'tcp' : 'udp',
        port: port.port,
        endpoints: [...endpoints.values()],
      },
    ];
  });
}
