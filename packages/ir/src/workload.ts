/** Whether plaintext from outside the mesh is let in to a workload. */
export type MtlsMode = 'permissive' | 'strict';

/** A pod, as the data plane needs to know it: every pod of the cluster that has an address, meshed or not. */
export interface Workload {
  /** The pod's UID: tells a pod from one of the same name that came after it. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The node that the pod runs on. */
  readonly node: string;
  /** The pod's IP addresses, the primary one first. */
  readonly addresses: readonly string[];
  /** The owner that people know (Deployment, StatefulSet, Job … or the pod itself), for metrics. */
  readonly workloadName: string;
  /** The service account's name, and the SPIFFE id that follows from it. */
  readonly serviceAccount: string;
  readonly identity: string;
  /**
   * `in`: labelled to join and able to (its agent captures it; peers reach it through its tunnel port).
   * `out`: not in the mesh; `reason` says why a pod whose label asks for it is not (host network, finished, …).
   */
  readonly mesh: { readonly state: 'in' } | { readonly state: 'out'; readonly reason: string };
  readonly mtlsMode: MtlsMode;
  /**
   * The authorization policies attached to it, by key; absent or empty: everybody may connect. One that is not known
   * (yet) allows nobody.
   */
  readonly policies?: readonly string[];
  /** Ports of this pod that are never parsed (inbound and to its address). */
  readonly opaquePorts: readonly number[];
  /** The zone of its node, for topology-aware balancing; empty when unknown. */
  readonly zone: string;
}

/** The key of a workload among the resources: `namespace/name`. */
export function workloadKey(workload: Pick<Workload, 'namespace' | 'name'>): string {
  return `${workload.namespace}/${workload.name}`;
}
