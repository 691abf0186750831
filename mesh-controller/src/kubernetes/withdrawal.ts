import type { Workload } from '@tulle/ir';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';

/** Set to `true` on the system namespace, it takes every pod out of the mesh: the first step of `tulle uninstall`. */
export const withdrawAnnotation = 'tulle.dev/withdraw';

const reason = 'Tulle is being uninstalled';

/** Whether the mesh is being uninstalled. */
export function isWithdrawn(store: ObjectStore, systemNamespace: string): boolean {
  return store.get('Namespace', '', systemNamespace)?.metadata.annotations?.[withdrawAnnotation] === 'true';
}

/**
 * A snapshot with every workload out of the mesh while the system namespace asks for it: agents then release their pods
 * in the way they always do, and report that they did. No route has a status then, so what we wrote is taken away.
 */
export function withdrawn(snapshot: MeshSnapshot, store: ObjectStore, systemNamespace: string): MeshSnapshot {
  if (!isWithdrawn(store, systemNamespace)) return snapshot;
  const workloads = new Map<string, Workload>();
  for (const [key, workload] of snapshot.state.workloads) {
    workloads.set(key, workload.mesh.state === 'out' ? workload : { ...workload, mesh: { state: 'out', reason } });
  }
  return { ...snapshot, state: { ...snapshot.state, workloads }, routeStatuses: new Map(), policyStatuses: new Map() };
}
