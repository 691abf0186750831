import { selects } from '@tulle/gateway-api';
import type { AuthorizationPolicy as PolicyObject, AuthorizationSource, Pod } from '@tulle/gateway-api';
import type { AuthorizationPolicy, AuthorizationRule, IdentityMatch, Workload } from '@tulle/ir';
import { compareText, keyOf } from '../input.ts';

/** A policy, and the pods that it is attached to. */
export interface AttachedPolicy {
  readonly object: PolicyObject;
  readonly policy: AuthorizationPolicy;
  /** Keys of workloads that it protects. */
  readonly protects: readonly string[];
  /** Keys of pods that it selects and nobody captures: there it has no effect. */
  readonly unprotected: readonly string[];
}

/** What policies are translated with. */
export interface PolicyContext {
  readonly trustDomain: string;
  /** The workload of a pod, by key. */
  readonly workloadOf: (key: string) => Workload | undefined;
}

/** A policy with what it is attached to of the pods of its namespace. */
export function attachPolicy(object: PolicyObject, pods: readonly Pod[], context: PolicyContext): AttachedPolicy {
  const { namespace, name } = object.metadata;
  const selected = pods
    .filter(({ metadata }) => object.spec.targetRefs.some(({ selector }) => selects(selector, metadata.labels ?? {})))
    .map(keyOf)
    .sort(compareText);
  const isIn = (key: string) => context.workloadOf(key)?.mesh.state === 'in';
  return {
    object,
    policy: {
      namespace,
      name,
      rules: (object.spec.rules ?? []).map(({ sources, networkAttributes }): AuthorizationRule => ({
        sources: sources?.flatMap((source) => translateSource(source, namespace, context.trustDomain) ?? []) ?? 'any',
        ports: networkAttributes?.ports ?? 'any',
      })),
    },
    protects: selected.filter(isIn),
    unprotected: selected.filter((key) => context.workloadOf(key) !== undefined && !isIn(key)),
  };
}

/** Nothing for a source without what its type asks for: it stands for nobody. */
function translateSource(
  source: AuthorizationSource,
  ownNamespace: string,
  trustDomain: string,
): IdentityMatch | undefined {
  switch (source.type) {
    case 'SPIFFE':
      return source.spiffe === undefined ? undefined : { type: 'exact', identity: source.spiffe };
    case 'ServiceAccount': {
      if (source.serviceAccount === undefined) return undefined;
      const { name, namespace = ownNamespace } = source.serviceAccount;
      const prefix = `spiffe://${trustDomain}/ns/${namespace}/sa/`;
      return name === '*' ? { type: 'prefix', prefix } : { type: 'exact', identity: `${prefix}${name}` };
    }
  }
}
