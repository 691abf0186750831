import { CodedError, err, ok, type Result } from '@tulle/core';
import type { Authorize, Caller } from '@tulle/ca';
import type { SpiffeId } from '@tulle/identity';
import type { MeshState } from '@tulle/ir';
import type { MeshPipeline } from '../pipeline/mesh-pipeline.ts';

/** A node's agent may know of a new pod before we do: for this long its request waits for the pod to appear. */
const graceMs = 2000;

/**
 * Lets a node's agent have certificates of the identities of the pods that are in the mesh on that node, and of no
 * others; lets a workload have its own, and one that proves itself by a certificate only as long as a pod of the mesh has
 * its identity: else whoever once had a certificate could have another for ever.
 */
export function authorizeFromMesh(pipeline: MeshPipeline): Authorize {
  const identities = new IdentityIndex();
  const allowed = (caller: Caller, wanted: SpiffeId) =>
    caller.kind === 'workload'
      ? caller.identity.text === wanted.text &&
        (caller.by !== 'certificate' || identities.any(pipeline.snapshot.state).has(wanted.text))
      : identities.of(pipeline.snapshot.state, caller.node).has(wanted.text);
  return async (caller, wanted): Promise<Result<void, CodedError>> => {
    pipeline.flush();
    if (allowed(caller, wanted)) return ok(undefined);
    if (caller.kind === 'workload' && caller.identity.text === wanted.text) {
      return err(new CodedError('not-allowed', `no pod in the mesh has the identity ${wanted.text} any more`));
    }
    if (caller.kind === 'node' && (await pipeline.until(() => allowed(caller, wanted), graceMs))) {
      return ok(undefined);
    }
    const reason =
      caller.kind === 'workload'
        ? `${caller.identity.text} may have its own certificate only, not one of ${wanted.text}`
        : `no pod in the mesh on node ${caller.node} has the identity ${wanted.text}`;
    return err(new CodedError('not-allowed', reason));
  };
}

/** The identities of each node's pods, made once a state. */
class IdentityIndex {
  #state: MeshState | undefined;
  #byNode = new Map<string, Set<string>>();
  #all: ReadonlySet<string> = new Set();

  of(state: MeshState, node: string): ReadonlySet<string> {
    this.#read(state);
    return this.#byNode.get(node) ?? new Set();
  }

  /** Those of all nodes. */
  any(state: MeshState): ReadonlySet<string> {
    this.#read(state);
    return this.#all;
  }

  #read(state: MeshState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#byNode = identitiesByNode(state);
    this.#all = new Set([...this.#byNode.values()].flatMap((identities) => [...identities]));
  }
}

function identitiesByNode(state: MeshState): Map<string, Set<string>> {
  const byNode = new Map<string, Set<string>>();
  for (const { node, identity, mesh } of state.workloads.values()) {
    if (mesh.state !== 'in') continue;
    const identities = byNode.get(node);
    if (identities === undefined) byNode.set(node, new Set([identity]));
    else identities.add(identity);
  }
  return byNode;
}
