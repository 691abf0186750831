import type { PolicyAncestorStatus } from '@tulle/gateway-api';
import { serviceInWords } from '../cluster/service-catalog.ts';
import { claimKey } from '../policies/claims.ts';
import type { ServiceClaims } from '../policies/claims.ts';
import { policyKey } from '../policies/policy.ts';
import type { PolicyTarget, PolicyVerdict, TranslatedPolicy } from '../policies/policy.ts';
import { objectOf } from '../problem.ts';
import type { TranslationProblem } from '../problem.ts';
import { conditionOf, isSameParent } from './condition.ts';
import { controllerName } from './controller-name.ts';

/** What statuses of policies are made with. */
export interface PolicyStatusContext {
  readonly claimsOf: (service: string) => ServiceClaims<unknown> | undefined;
  /** The statuses as they were last made: they count where the policy itself does not show ours. */
  readonly previous: readonly PolicyAncestorStatus[];
  readonly now: string;
}

/** The statuses of a policy: one for each target that is a Service, which is its own ancestor in a mesh. */
export function policyStatuses(
  translated: TranslatedPolicy<unknown>,
  { claimsOf, previous, now }: PolicyStatusContext,
): PolicyAncestorStatus[] {
  const { policy, targets, verdicts } = translated;
  return targets.map((target) => {
    const { group, kind, name, sectionName } = target.reference;
    const ancestorRef = {
      group,
      kind,
      namespace: policy.metadata.namespace,
      name,
      ...(sectionName === undefined ? {} : { sectionName }),
    };
    const before = [...(policy.status?.ancestors ?? []), ...previous].find(
      (entry) => entry.controllerName === controllerName && isSameParent(entry.ancestorRef, ancestorRef),
    );
    const accepted = acceptedOf(translated, target, claimsOf(target.service));
    const conditions = [accepted, ...verdicts].map((verdict) =>
      conditionOf(verdict, { before: before?.conditions ?? [], generation: policy.metadata.generation, now }),
    );
    return { ancestorRef, controllerName, conditions };
  });
}

function acceptedOf(
  { policy, refusal, verdicts }: TranslatedPolicy<unknown>,
  target: PolicyTarget,
  claims: ServiceClaims<unknown> | undefined,
): PolicyVerdict {
  const refused = (reason: string, message: string): PolicyVerdict => ({
    type: 'Accepted',
    status: 'False',
    reason,
    message,
  });
  if (target.missing !== undefined) return refused('TargetNotFound', target.missing);
  const conflict = claims?.conflicts.get(claimKey(policyKey(policy), target.section));
  if (conflict !== undefined) return refused('Conflicted', conflict);
  if (refusal !== undefined) return refused(refusal.reason, refusal.message);
  const where = target.section === '' ? '' : `, port "${target.section}"`;
  const isWhole = verdicts.every(({ status }) => status === 'True');
  const effect = isWhole ? 'acts on requests to' : 'lets no request through until its references are right:';
  const message = `${effect} ${serviceInWords(target.service)}${where}`;
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message };
}

/** What of a policy somebody should look at. */
export function policyProblems(
  { policy, leftOut }: TranslatedPolicy<unknown>,
  statuses: readonly PolicyAncestorStatus[],
): TranslationProblem[] {
  const object = objectOf(policy);
  const problems = new Map<string, TranslationProblem>();
  for (const { conditions } of statuses) {
    for (const { status, reason, message } of conditions) {
      if (status === 'True' || problems.has(message)) continue;
      problems.set(message, { severity: 'error', code: reason, message, object });
    }
  }
  for (const { service } of leftOut) {
    const message = `does not act on ${serviceInWords(service)}: its status has no room for another ancestor`;
    problems.set(message, { severity: 'error', code: 'TooManyAncestors', message, object });
  }
  return [...problems.values()];
}
