import { writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { backendPorts, matchHeader, routeHeader, weights } from './peers/peer.ts';
import type { PodProgram } from './peers/peer.ts';

/** Namespaces: of pods that no agent touches, and of those in the mesh. */
export const namespaces = { plain: 'bench', meshed: 'bench-mesh' } as const;

/** Addresses of the mesh's Services; the range that is left to those who ask by number. */
export const serviceAddresses = {
  across: '10.96.0.101',
  'same-node': '10.96.0.102',
  bulk: '10.96.0.103',
  h2: '10.96.0.104',
} as const;

/** A Kubernetes object. */
export type Manifest = { readonly [key: string]: unknown };

/** Both namespaces. */
export function namespaceManifests(): Manifest[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaces.plain } },
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespaces.meshed, labels: { 'tulle.dev/mesh': 'enabled' } },
    },
  ];
}

/** A pod of a namespace on a node; one without programs only sleeps. */
export function podManifest(
  pod: {
    readonly namespace: string;
    readonly name: string;
    readonly node: string;
    /** `default` where it is absent. */
    readonly serviceAccount?: string;
  },
  programs: readonly PodProgram[],
): Manifest {
  const sleeping: PodProgram = { name: 'sleep', command: ['sleep', 'infinity'], ports: [] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace: pod.namespace, labels: { app: pod.name } },
    spec: {
      nodeName: pod.node,
      ...(pod.serviceAccount === undefined ? {} : { serviceAccountName: pod.serviceAccount }),
      terminationGracePeriodSeconds: 1,
      containers: (programs.length === 0 ? [sleeping] : programs).map(({ name, command, ports }) => ({
        name,
        command,
        ...(ports.length === 0 ? {} : { ports: ports.map((containerPort) => ({ containerPort })) }),
      })),
    },
  };
}

/** A Service of the mesh's namespace that sends to the pod called `app`. */
export function serviceManifest(
  name: string,
  app: string,
  port: { readonly port: number; readonly targetPort: number; readonly appProtocol?: string },
  more: { readonly clusterIP?: string; readonly annotations?: { readonly [name: string]: string } } = {},
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: namespaces.meshed,
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
    },
    spec: {
      selector: { app },
      ports: [port],
      ...(more.clusterIP === undefined ? {} : { clusterIP: more.clusterIP }),
    },
  };
}

/** A Service with the route that every peer has, to the backends of the pod called `app`. */
export function routedService(
  name: string,
  app: string,
  clusterIP: string,
  protocol: 'http' | 'h2' = 'http',
): Manifest[] {
  const port = (version: 'v1' | 'v2') =>
    protocol === 'http'
      ? { port: 80, targetPort: backendPorts[version] }
      : { port: 80, targetPort: backendPorts[`h2${version}`], appProtocol: 'kubernetes.io/h2c' };
  const backend = (version: 'v1' | 'v2', weight?: number) => ({
    name: `${name}-${version}`,
    port: 80,
    ...(weight === undefined ? {} : { weight }),
  });
  const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [routeHeader] } }];
  return [
    serviceManifest(name, app, port('v1'), { clusterIP }),
    serviceManifest(`${name}-v1`, app, port('v1')),
    serviceManifest(`${name}-v2`, app, port('v2')),
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name, namespace: namespaces.meshed },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name, port: 80 }],
        rules: [
          {
            matches: [{ headers: [matchHeader] }],
            filters,
            backendRefs: [backend('v2')],
          },
          { filters, backendRefs: [backend('v1', weights.v1), backend('v2', weights.v2)] },
        ],
      },
    },
  ];
}

/** The Service for plain TCP, which is never looked into. */
export function bulkService(app: string): Manifest {
  const port = backendPorts.bulk;
  return serviceManifest(
    'bulk',
    app,
    { port, targetPort: port },
    { clusterIP: serviceAddresses.bulk, annotations: { 'tulle.dev/opaque-ports': `${port}` } },
  );
}

/** Writes a file of manifests so that a watcher sees all of it or nothing. */
export function writeManifests(directory: string, file: string, objects: readonly Manifest[]): void {
  const path = join(directory, file);
  writeFileSync(`${path}.tmp`, objects.map((each) => stringify(each, { aliasDuplicateObjects: false })).join('---\n'));
  renameSync(`${path}.tmp`, path);
}
