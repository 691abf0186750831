/** Whom a source of a rule stands for: one SPIFFE id, or all that begin with a text (every service account of a namespace). */
export type IdentityMatch =
  { readonly type: 'exact'; readonly identity: string } | { readonly type: 'prefix'; readonly prefix: string };

/** What one rule lets in: connections whose client and port both match. */
export interface AuthorizationRule {
  /** `any`: anybody, also a client without an identity. An empty list: nobody. */
  readonly sources: 'any' | readonly IdentityMatch[];
  /** Ports of the application. An empty list: none. */
  readonly ports: 'any' | readonly number[];
}

/**
 * An ALLOW policy on identity and port. The workloads that it is attached to name it in their `policies`, so that a rule
 * that changes is one small resource, and a pod that comes or goes changes no policy.
 */
export interface AuthorizationPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly AuthorizationRule[];
}

/** The key of a policy among the resources: `namespace/name`. */
export function authorizationPolicyKey(policy: { readonly namespace: string; readonly name: string }): string {
  return `${policy.namespace}/${policy.name}`;
}

/** A connection that is to be let in or not. */
export interface AuthorizationRequest {
  /** The client's SPIFFE id as its certificate proved it; undefined for plaintext. */
  readonly identity: string | undefined;
  /** The application's port. */
  readonly port: number;
}

/** Whether a connection is let in, and what decides. */
export type AuthorizationDecision =
  | { readonly allowed: true; readonly by: 'no-policy' }
  | { readonly allowed: true; readonly by: 'rule'; readonly policy: string; readonly rule: number }
  | { readonly allowed: false; readonly by: 'no-rule' };

const noPolicy: AuthorizationDecision = { allowed: true, by: 'no-policy' };
const noRule: AuthorizationDecision = { allowed: false, by: 'no-rule' };

/**
 * Decides about a connection to a workload with these policies, by key: without any everybody is let in, else only whom a
 * rule of one of them allows. A policy that `find` does not know allows nobody: it has not come yet.
 */
export function authorize(
  policies: readonly string[] | undefined,
  find: (key: string) => AuthorizationPolicy | undefined,
  request: AuthorizationRequest,
): AuthorizationDecision {
  if (policies === undefined || policies.length === 0) return noPolicy;
  for (const key of policies) {
    const rule = find(key)?.rules.findIndex((candidate) => ruleAllows(candidate, request)) ?? -1;
    if (rule >= 0) return { allowed: true, by: 'rule', policy: key, rule };
  }
  return noRule;
}

function ruleAllows({ sources, ports }: AuthorizationRule, { identity, port }: AuthorizationRequest): boolean {
  if (ports !== 'any' && !ports.includes(port)) return false;
  if (sources === 'any') return true;
  return identity !== undefined && sources.some((source) => isOf(identity, source));
}

function isOf(identity: string, source: IdentityMatch): boolean {
  switch (source.type) {
    case 'exact':
      return identity === source.identity;
    case 'prefix':
      return identity.startsWith(source.prefix);
  }
}
