import type { EndpointSlice, KubernetesObject, Namespace, Node, Pod, Service } from '@tulle/gateway-api';
import { nodes } from '../network/addresses.ts';
import type { PodPhase } from '../state.ts';
import { stableUid } from './wishes.ts';
import type { Labels } from './labels.ts';

/** A pod as the API server would show it. */
export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly createdAt: string;
  /** When its deletion began. */
  readonly deletedAt: string | undefined;
  readonly owner: { readonly name: string; readonly uid: string; readonly hash: string } | undefined;
  /** As the manifest has it. */
  readonly containers: readonly {
    readonly name: string;
    readonly ports: readonly {
      readonly name: string | undefined;
      readonly containerPort: number;
      readonly protocol: 'TCP' | 'UDP';
    }[];
  }[];
  readonly serviceAccountName: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly terminationGracePeriodSeconds: number;
  readonly hostname: string | undefined;
  readonly subdomain: string | undefined;
  readonly node: { readonly name: string; readonly address: string };
  readonly ip: string;
  readonly phase: PodPhase;
  readonly ready: boolean;
}

/** The phases of the API, of which the ones shown to people are more. */
const apiPhase = {
  Pending: 'Pending',
  Running: 'Running',
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  CrashLoopBackOff: 'Running',
  Terminating: 'Running',
} as const;

/** The Pod object, complete with its status. */
export function podObject(pod: PodView): Pod {
  const owner = pod.owner;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      creationTimestamp: pod.createdAt,
      ...(pod.deletedAt === undefined ? {} : { deletionTimestamp: pod.deletedAt }),
      labels: owner === undefined ? pod.labels : { ...pod.labels, 'pod-template-hash': owner.hash },
      annotations: pod.annotations,
      ...(owner === undefined ? {} : { ownerReferences: [replicaSet(owner)] }),
    },
    spec: {
      nodeName: pod.node.name,
      serviceAccountName: pod.serviceAccountName,
      restartPolicy: pod.restartPolicy,
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
      ...(pod.hostname === undefined ? {} : { hostname: pod.hostname }),
      ...(pod.subdomain === undefined ? {} : { subdomain: pod.subdomain }),
      containers: pod.containers.map(({ name, ports }) => ({
        name,
        ports: ports.map(({ name: portName, containerPort, protocol }) => ({
          ...(portName === undefined ? {} : { name: portName }),
          containerPort,
          protocol,
        })),
      })),
    },
    status: {
      phase: apiPhase[pod.phase],
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      hostIP: pod.node.address,
      conditions: [{ type: 'Ready', status: pod.ready ? 'True' : 'False' }],
    },
  };
}

function replicaSet(owner: { readonly name: string; readonly uid: string; readonly hash: string }) {
  const name = `${owner.name}-${owner.hash}`;
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name,
    uid: stableUid(`ReplicaSet/${owner.uid}/${name}`),
    controller: true,
  };
}

/** A Service with the address that it was given. */
export function serviceObject(service: Service, clusterIP: string | undefined): Service {
  if (clusterIP === undefined) return service;
  return { ...service, spec: { ...service.spec, clusterIP, clusterIPs: [clusterIP] } };
}

/** The Namespace object. */
export function namespaceObject(name: string, labels: Labels): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels }, status: { phase: 'Active' } };
}

/** The Node objects. */
export function nodeObjects(): Node[] {
  return nodes.map(({ name, address }) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
    },
  }));
}

/** Every object of the cluster, by the name of the file that the controller reads it from. */
export function objectFiles(objects: Iterable<KubernetesObject | EndpointSlice>): Map<string, string> {
  const files = new Map<string, string>();
  for (const object of objects) files.set(fileName(object), `${JSON.stringify(object, null, 1)}\n`);
  return files;
}

/** Unique for an object: group, kind, namespace and name never hold a "_". */
function fileName(object: KubernetesObject): string {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : 'core';
  const { namespace = '', name } = object.metadata;
  const whole = `${object.kind.toLowerCase()}_${group}_${namespace}_${name}`;
  // A file's name has at most 255 bytes.
  return whole.length <= 200 ? `${whole}.json` : `${whole.slice(0, 150)}_${stableUid(whole)}.json`;
}
