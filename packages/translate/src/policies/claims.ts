import { keyOf } from '../input.ts';
import { comparePolicies, policyKey } from './policy.ts';
import type { TranslatedPolicy } from './policy.ts';

/** What the policies of one kind come to at one Service. */
export interface ServiceClaims<T> {
  /** What applies, by the name of the port; that of all ports under the empty name. */
  readonly bySection: ReadonlyMap<string, T>;
  /** By policy and section: the policy that came before it. */
  readonly conflicts: ReadonlyMap<string, string>;
}

/** The key of a policy's claim to a section of a Service. */
export function claimKey(policy: string, section: string): string {
  return `${policy} ${section}`;
}

/** Settles which policy applies where several target the same section of a Service: the first in precedence. */
export function settleClaims<T>(service: string, policies: Iterable<TranslatedPolicy<T>>): ServiceClaims<T> {
  const bySection = new Map<string, T>();
  const winners = new Map<string, string>();
  const conflicts = new Map<string, string>();
  for (const { policy, targets, value } of [...policies].sort((a, b) => comparePolicies(a.policy, b.policy))) {
    if (value === undefined) continue;
    for (const target of targets) {
      if (target.service !== service || target.missing !== undefined) continue;
      const winner = winners.get(target.section);
      if (winner === undefined) {
        winners.set(target.section, keyOf(policy));
        bySection.set(target.section, value);
      } else {
        conflicts.set(
          claimKey(policyKey(policy), target.section),
          `${policy.kind} "${winner}" targets the same and comes first`,
        );
      }
    }
  }
  return { bySection, conflicts };
}
