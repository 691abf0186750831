import { CodedError, err, ok, type Result } from '@tulle/core';
import { SpiffeId, WatchedFile } from '@tulle/identity';
import type { Authorize, Caller } from './certificate-service.ts';

const maxFileBytes = 16 * 1024 * 1024;

/**
 * Lets each node have certificates of the identities that a JSON file lists for it, a workload its own while any node has
 * it, and nobody anything else:
 * `{"n1": ["spiffe://cluster.local/ns/shop/sa/cart"], "n2": []}`. The file is read again when it changes; while it cannot
 * be used, nothing is allowed. For an authority that runs without a controller, which would know the nodes' pods.
 */
export function authorizeFromFile(path: string): Authorize {
  const file = new WatchedFile(path, { maxBytes: maxFileBytes, parse: parseNodeIdentities });
  return (caller: Caller, wanted: SpiffeId) => {
    const allowed = file.read();
    if (!allowed.ok) return err(new CodedError('unavailable', allowed.error.message));
    if (caller.kind === 'node' && allowed.value.get(caller.node)?.has(wanted.text) === true) return ok(undefined);
    const isListed = [...allowed.value.values()].some((identities) => identities.has(wanted.text));
    if (caller.kind === 'workload' && caller.identity.text === wanted.text && isListed) return ok(undefined);
    const who = caller.kind === 'node' ? `node ${caller.node}` : caller.identity.text;
    return err(new CodedError('not-allowed', `${who} may not have a certificate of ${wanted.text}`));
  };
}

/** Parses the file of {@link authorizeFromFile}. Error code: `invalid-node-identities`. */
export function parseNodeIdentities(text: string): Result<ReadonlyMap<string, ReadonlySet<string>>, CodedError> {
  const refuse = (problem: string) => err(new CodedError('invalid-node-identities', problem));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    return refuse(`not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return refuse('expected an object: node names, each with a list of SPIFFE ids');
  }
  const nodes = new Map<string, ReadonlySet<string>>();
  for (const [node, list] of Object.entries(document)) {
    if (!Array.isArray(list)) return refuse(`${node}: expected a list of SPIFFE ids`);
    const identities = new Set<string>();
    for (const entry of list as readonly unknown[]) {
      const id = SpiffeId.parse(String(entry));
      if (!id.ok) return refuse(`${node}: ${id.error.message}`);
      identities.add(id.value.text);
    }
    nodes.set(node, identities);
  }
  return ok(nodes);
}
