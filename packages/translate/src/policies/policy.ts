import type { BackendTLSPolicy, XBackendTrafficPolicy } from '@tulle/gateway-api';
import { serviceInWords, serviceKeyOf, serviceKindOf } from '../cluster/service-catalog.ts';
import { compareText, keyOf } from '../input.ts';
import type { PolicyLookup } from '../lookup.ts';
import { noSuchService, portsInWords } from '../routes/backend-ref.ts';
import { controllerName } from '../status/controller-name.ts';

/** A policy of any kind that may target a Service. */
export type Policy = BackendTLSPolicy | XBackendTrafficPolicy;

/** The reference of a policy to what it acts on. */
export interface TargetReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

/** A target of a policy that is a Service or ServiceImport. */
export interface PolicyTarget {
  readonly reference: TargetReference;
  /** The Service's key. */
  readonly service: string;
  /** The name of the port that is meant; empty for all of them. */
  readonly section: string;
  /** Why there is no such target. */
  readonly missing: string | undefined;
}

/** A condition but for its times. */
export interface PolicyVerdict {
  readonly type: 'Accepted' | 'ResolvedRefs';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** What a policy says, whatever becomes of it at its targets. */
export interface TranslatedPolicy<T> {
  readonly policy: Policy;
  readonly targets: readonly PolicyTarget[];
  /** Targets that nothing is done for, since the status has no room for them. */
  readonly leftOut: readonly PolicyTarget[];
  /** What applies at the targets; undefined when nothing of it can be used. */
  readonly value: T | undefined;
  /** Why it is not accepted anywhere. */
  readonly refusal: { readonly reason: string; readonly message: string } | undefined;
  /** Conditions besides Accepted. */
  readonly verdicts: readonly PolicyVerdict[];
}

/** The most entries that `status.ancestors` may have, those of other controllers among them. */
export const maxAncestors = 16;

/** `Kind/namespace/name` of a policy: how statuses name it. */
export function policyKey(policy: Policy): string {
  return `${policy.kind}/${keyOf(policy)}`;
}

/**
 * The targets of a policy that are Services; others belong to somebody else. "If this slice is full, implementations
 * MUST NOT add further entries" but take the policy as one that cannot be implemented there.
 */
export function policyTargets(
  policy: Policy,
  references: readonly TargetReference[],
  lookup: PolicyLookup,
): Pick<TranslatedPolicy<unknown>, 'targets' | 'leftOut'> {
  const others = (policy.status?.ancestors ?? []).filter((entry) => entry.controllerName !== controllerName).length;
  const targets = references.flatMap((reference) => policyTarget(policy.metadata.namespace, reference, lookup) ?? []);
  const room = Math.max(0, maxAncestors - others);
  return { targets: targets.slice(0, room), leftOut: targets.slice(room) };
}

function policyTarget(namespace: string, reference: TargetReference, lookup: PolicyLookup): PolicyTarget | undefined {
  const kind = serviceKindOf(reference);
  if (kind === undefined) return undefined;
  const { name, sectionName: section = '' } = reference;
  const key = serviceKeyOf(kind, namespace, name);
  const target = { reference, service: key, section };
  const service = lookup.get(key);
  if (service === undefined) return { ...target, missing: noSuchService(lookup, { kind, namespace, name }) };
  if (section === '' || (service.spec.ports ?? []).some((port) => port.name === section)) {
    return { ...target, missing: undefined };
  }
  const missing = `${serviceInWords(key)} has no port named "${section}"; it has ${portsInWords(service)}`;
  return { ...target, missing };
}

/** Which of two policies comes first: the older one, then the first in alphabetical order of `namespace/name`. */
export function comparePolicies(a: Policy, b: Policy): number {
  return createdMs(a) - createdMs(b) || compareText(keyOf(a), keyOf(b));
}

function createdMs(policy: Policy): number {
  const ms = Date.parse(policy.metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}
