import type { PolicyAncestorStatus } from '@tulle/gateway-api';
import { objectOf } from '../problem.ts';
import type { TranslationProblem } from '../problem.ts';
import { conditionOf } from '../status/condition.ts';
import { controllerName } from '../status/controller-name.ts';
import type { AttachedPolicy } from './attach-policies.ts';

/** Pods have no name in a selector: what a policy acts in is the mesh, so its status is about that. */
const ancestorRef = { group: 'gateway.networking.x-k8s.io', kind: 'XMesh', name: 'tulle' } as const;
const maxNamed = 5;

/** The status of a policy: one entry, for the mesh that enforces it. */
export function authorizationStatus(
  attached: AttachedPolicy,
  { previous, now }: { readonly previous: readonly PolicyAncestorStatus[]; readonly now: string },
): readonly PolicyAncestorStatus[] {
  const { metadata, status } = attached.object;
  const before = [...(status?.ancestors ?? []), ...previous].find((entry) => entry.controllerName === controllerName);
  const verdict = { type: 'Accepted', status: 'True', reason: 'Accepted', message: messageOf(attached) } as const;
  return [
    {
      ancestorRef,
      controllerName,
      conditions: [conditionOf(verdict, { before: before?.conditions ?? [], generation: metadata.generation, now })],
    },
  ];
}

function messageOf({ policy, protects, unprotected }: AttachedPolicy): string {
  const { length } = policy.rules;
  const allowed =
    length === 0 ? 'nobody' : length === 1 ? 'only what its rule allows' : `only what its ${length} rules allow`;
  const effect =
    protects.length === 0
      ? 'selects no pod of the mesh'
      : `protects ${protects.length} ${protects.length === 1 ? 'pod' : 'pods'}, lets in ${allowed}`;
  return unprotected.length === 0 ? effect : `${effect}; not enforced at ${named(unprotected)}: not in the mesh`;
}

/** What of a policy does nothing. */
export function authorizationProblems({ object, protects, unprotected }: AttachedPolicy): TranslationProblem[] {
  const warning = (code: string, message: string, hint: string): TranslationProblem => ({
    severity: 'warning',
    code,
    message,
    object: objectOf(object),
    hint,
  });
  if (unprotected.length > 0) {
    const message = `does not protect ${named(unprotected)}: not in the mesh, so everybody can connect`;
    return [warning('PolicyNotEnforced', message, 'label their namespace or pods tulle.dev/mesh=enabled')];
  }
  if (protects.length > 0) return [];
  return [
    warning('PolicySelectsNothing', 'no pod of its namespace has the labels that it selects', 'look at its selector'),
  ];
}

function named(keys: readonly string[]): string {
  const more = keys.length > maxNamed ? ` and ${keys.length - maxNamed} more` : '';
  return `${keys.slice(0, maxNamed).join(', ')}${more}`;
}
