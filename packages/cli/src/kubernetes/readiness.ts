import { isApiStatus, type KubernetesClient } from '@tulle/kubernetes';
import { systemNamespace } from './installation.ts';

/** How many of a workload's pods are as they should be. */
export interface WorkloadState {
  readonly name: string;
  readonly found: boolean;
  readonly ready: number;
  readonly wanted: number;
  /** The controllers of Kubernetes have seen the newest version, and all of its pods are ready. */
  readonly settled: boolean;
  readonly images: readonly string[];
}

interface WorkloadObject {
  readonly metadata: { readonly generation?: number };
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
  };
  readonly status?: Readonly<Record<string, number | undefined>>;
}

/** The state of the controller's Deployment. Throws an `ApiError`. */
export async function controllerState(client: KubernetesClient): Promise<WorkloadState> {
  const object = await read(client, 'deployments', 'mesh-controller');
  const { replicas: wanted = 1 } = object?.spec ?? {};
  const { availableReplicas = 0, observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = object?.status ?? {};
  const isNew = observedGeneration >= (object?.metadata.generation ?? 0) && updatedReplicas === wanted;
  const settled = isNew && replicas === wanted && availableReplicas === wanted;
  return {
    ...common('mesh controller', object),
    ready: availableReplicas,
    wanted,
    settled: object !== undefined && settled,
  };
}

/** The state of the agents' DaemonSet. Throws an `ApiError`. */
export async function agentsState(client: KubernetesClient): Promise<WorkloadState> {
  const object = await read(client, 'daemonsets', 'agent');
  const status = object?.status ?? {};
  const { desiredNumberScheduled: wanted = 0, numberAvailable = 0, observedGeneration = 0 } = status;
  const { updatedNumberScheduled = 0 } = status;
  const isNew = observedGeneration >= (object?.metadata.generation ?? 0) && updatedNumberScheduled === wanted;
  const settled = isNew && numberAvailable === wanted && wanted > 0;
  return { ...common('agents', object), ready: numberAvailable, wanted, settled: object !== undefined && settled };
}

/** `agents 1 of 2 ready`. */
export function describeState({ found, name, ready, settled, wanted }: WorkloadState): string {
  if (!found) return `${name} not there`;
  return `${name} ${ready} of ${wanted} ready${ready === wanted && !settled ? ', older ones are being replaced' : ''}`;
}

function common(name: string, object: WorkloadObject | undefined) {
  const containers = object?.spec?.template?.spec?.containers ?? [];
  return { name, found: object !== undefined, images: containers.flatMap(({ image }) => image ?? []) };
}

async function read(client: KubernetesClient, plural: string, name: string): Promise<WorkloadObject | undefined> {
  try {
    return (await client.get(`/apis/apps/v1/namespaces/${systemNamespace}/${plural}/${name}`)) as WorkloadObject;
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return undefined;
    throw thrown;
  }
}

interface PodObject {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly {
      readonly ready?: boolean;
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: { readonly reason?: string };
      };
    }[];
  };
}

/** Why pods of the mesh's own are not ready, a line each. Throws an `ApiError`. */
export async function podTroubles(client: KubernetesClient): Promise<string[]> {
  const list = (await client.get(`/api/v1/namespaces/${systemNamespace}/pods`)) as { items?: readonly PodObject[] };
  return (list.items ?? []).flatMap(({ metadata, status }) => {
    const broken = status?.containerStatuses?.find(({ ready }) => ready !== true);
    const { waiting, terminated } = broken?.state ?? {};
    const reason = waiting?.message ?? waiting?.reason ?? terminated?.reason;
    return reason === undefined ? [] : [`${metadata.name}: ${reason}`];
  });
}
