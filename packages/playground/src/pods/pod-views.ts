import type { ServedPod } from '../cluster/endpoints.ts';
import type { PodView } from '../cluster/objects.ts';
import type { PodState } from '../state.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** What the state file says of a pod; `wanted`: whether it ought to be in the mesh. */
export function podState(pod: PodRuntime, wanted: boolean): PodState {
  const { reason } = pod;
  const { namespace, name, uid, owner, spec } = pod.identity;
  return {
    namespace,
    name,
    uid,
    node: pod.node.name,
    ip: pod.ip,
    netns: pod.link.netns,
    phase: pod.phase,
    ready: pod.ready,
    ...(owner === undefined ? {} : { deployment: owner.name }),
    wanted,
    restarts: pod.restarts,
    ...(reason === undefined ? {} : { reason }),
    containers: spec.containers.map((each) => each.name),
    ...pod.entrance(),
  };
}

/** What a Pod object is made of. */
export function podView(pod: PodRuntime): PodView {
  const { namespace, name, uid, owner, spec, createdAt } = pod.identity;
  return {
    namespace,
    name,
    uid,
    owner,
    createdAt,
    deletedAt: pod.deletedAt,
    labels: pod.metadata.labels,
    annotations: pod.metadata.annotations,
    containers: spec.containers,
    serviceAccountName: spec.serviceAccountName,
    restartPolicy: spec.restartPolicy,
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
    hostname: spec.hostname,
    subdomain: spec.subdomain,
    node: pod.node,
    ip: pod.ip,
    phase: pod.phase,
    ready: pod.ready,
  };
}

/** What Services see of a pod. */
export function servedPod(pod: PodRuntime): ServedPod {
  const { namespace, name, uid, spec } = pod.identity;
  return {
    namespace,
    name,
    uid,
    ip: pod.ip,
    nodeName: pod.node.name,
    labels: pod.metadata.labels,
    ports: spec.containers.flatMap((each) => each.ports),
    ready: pod.ready,
    terminating: pod.stopping,
    hostname: spec.hostname,
    subdomain: spec.subdomain,
  };
}
