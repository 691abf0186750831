import type { Condition, RouteParentStatus } from '@tulle/gateway-api';
import { serviceInWords } from '../cluster/service-catalog.ts';
import { routeKey } from '../input.ts';
import type { Attachment } from '../routes/attachment.ts';
import type { GroupOutcome } from '../routes/groups.ts';
import type { AcceptedReason, TranslatedRoute, UnresolvedRef } from '../routes/outcome.ts';
import type { AttachedRoute, GroupPlace } from '../routes/attached-route.ts';
import { conditionOf, isSameParent } from './condition.ts';
import { controllerName } from './controller-name.ts';

/** What statuses are made with. */
export interface StatusContext {
  /** What became of a group. */
  readonly outcomeOf: (place: GroupPlace) => GroupOutcome | undefined;
  /** The statuses as they were last made: they count where the route itself does not show ours. */
  readonly previous: readonly RouteParentStatus[];
  readonly now: string;
}

/** A condition but for when it changed. */
type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The statuses of a route: one for each parentRef that names a Service, in their order. */
export function routeStatuses(attached: AttachedRoute, context: StatusContext): RouteParentStatus[] {
  const { route } = attached.translated;
  const before = [...(route.status?.parents ?? []), ...context.previous];
  return attached.parents.map(({ parentRef, attachment }) => {
    const verdicts = verdictsOf(attached.translated, attachment, context.outcomeOf);
    const old = before.find(
      (status) => status.controllerName === controllerName && isSameParent(status.parentRef, parentRef),
    );
    return {
      parentRef,
      controllerName,
      conditions: verdicts.map((verdict) =>
        conditionOf(verdict, {
          before: old?.conditions ?? [],
          generation: route.metadata.generation,
          now: context.now,
        }),
      ),
    };
  });
}

function verdictsOf(
  translated: TranslatedRoute,
  attachment: Attachment,
  outcomeOf: StatusContext['outcomeOf'],
): Verdict[] {
  const accepted = acceptedOf(translated, attachment, outcomeOf);
  const verdicts = [accepted, resolvedRefsOf(translated.unresolved)];
  // "This condition MUST NOT be set if a Route is fully valid, fully invalid, or not accepted."
  if (accepted.status === 'True' && translated.droppedRules.length > 0) {
    const message = `Dropped Rule: ${translated.droppedRules.join('; ')}`;
    verdicts.push({ type: 'PartiallyInvalid', status: 'True', reason: 'UnsupportedValue', message });
  }
  return verdicts;
}

function acceptedOf(
  translated: TranslatedRoute,
  attachment: Attachment,
  outcomeOf: StatusContext['outcomeOf'],
): Verdict {
  const accepted = (status: Verdict['status'], reason: AcceptedReason, message: string): Verdict => ({
    type: 'Accepted',
    status,
    reason,
    message,
  });
  if (attachment.type === 'refused') {
    const status = attachment.reason === 'Pending' ? 'Unknown' : 'False';
    return accepted(status, attachment.reason, attachment.message);
  }
  const { refusal, remarks } = translated;
  if (refusal !== undefined) return accepted('False', refusal.reason, refusal.message);
  const { service, ports, consumer } = attachment;
  const key = routeKey(translated.route);
  const conflictOn = (port: number) => outcomeOf({ service, port, consumer })?.conflicts.get(key);
  const byConflict = Map.groupBy(ports, conflictOn);
  const used = byConflict.get(undefined) ?? [];
  const conflicts = [...byConflict].flatMap(([conflict, lost]) =>
    conflict === undefined ? [] : `not on ${portsNamed(lost)}: ${conflict}`,
  );
  if (used.length === 0) return accepted('False', 'Conflicted', conflicts.join('; '));
  const clients = consumer === '' ? 'all clients' : `clients in namespace "${consumer}"`;
  const message = [
    `acts on ${clients} of ${serviceInWords(service)}, ${portsNamed(used)}`,
    ...conflicts,
    ...remarks,
  ].join('; ');
  return accepted('True', 'Accepted', message);
}

function portsNamed(ports: readonly number[]): string {
  return `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
}

function resolvedRefsOf(unresolved: readonly UnresolvedRef[]): Verdict {
  const [first] = unresolved;
  if (first === undefined) {
    return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'every reference leads somewhere' };
  }
  const message = unresolved.map((ref) => ref.message).join('; ');
  return { type: 'ResolvedRefs', status: 'False', reason: first.reason, message };
}
