import type { Condition, RouteParentStatus } from '@tulle/gateway-api';
import { routeKey } from '../input.ts';
import type { Attachment } from '../routes/attachment.ts';
import type { GroupOutcome } from '../routes/groups.ts';
import type { AcceptedReason, TranslatedRoute, UnresolvedRef } from '../routes/outcome.ts';
import { groupKey } from '../routes/translate-routes.ts';
import type { AttachedRoute } from '../routes/translate-routes.ts';

/** The name of the controller in the statuses that are ours. */
export const controllerName = 'tulle.dev/mesh-controller';

/** The API server refuses longer messages. */
const maxMessageLength = 32_768;

/** What statuses are made with. */
export interface StatusContext {
  readonly groups: ReadonlyMap<string, GroupOutcome>;
  readonly now: string;
}

/** A condition but for when it changed. */
type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The statuses of a route: one for each parentRef that names a Service, in their order. */
export function routeStatuses(attached: AttachedRoute, context: StatusContext): RouteParentStatus[] {
  const { route } = attached.translated;
  const before = route.status?.parents ?? [];
  return attached.parents.map(({ parentRef, attachment }) => {
    const verdicts = verdictsOf(attached.translated, attachment, context.groups);
    const old = before.find(
      (status) => status.controllerName === controllerName && isSameParent(status.parentRef, parentRef),
    );
    return {
      parentRef,
      controllerName,
      conditions: verdicts.map((verdict) => condition(verdict, old, route.metadata.generation, context.now)),
    };
  });
}

function verdictsOf(
  translated: TranslatedRoute,
  attachment: Attachment,
  groups: ReadonlyMap<string, GroupOutcome>,
): Verdict[] {
  const accepted = acceptedOf(translated, attachment, groups);
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
  groups: ReadonlyMap<string, GroupOutcome>,
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
  const lost = new Map<number, string>();
  for (const port of ports) {
    const conflict = groups.get(groupKey(service, port, consumer))?.conflicts.get(key);
    if (conflict !== undefined) lost.set(port, conflict);
  }
  const conflicts = [...lost].map(([port, conflict]) => `not on port ${port}: ${conflict}`);
  if (lost.size === ports.length) return accepted('False', 'Conflicted', conflicts.join('; '));
  const used = ports.filter((port) => !lost.has(port));
  const clients = consumer === '' ? 'all clients' : `clients in namespace "${consumer}"`;
  const where = `${used.length === 1 ? 'port' : 'ports'} ${used.join(', ')}`;
  const message = [`acts on ${clients} of Service "${service}", ${where}`, ...conflicts, ...remarks].join('; ');
  return accepted('True', 'Accepted', message);
}

function resolvedRefsOf(unresolved: readonly UnresolvedRef[]): Verdict {
  const [first] = unresolved;
  if (first === undefined) {
    return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'every reference leads somewhere' };
  }
  const message = unresolved.map((ref) => ref.message).join('; ');
  return { type: 'ResolvedRefs', status: 'False', reason: first.reason, message };
}

/** A condition keeps its time as long as its status stays (API conventions). */
function condition(
  verdict: Verdict,
  before: RouteParentStatus | undefined,
  generation: number | undefined,
  now: string,
): Condition {
  const old = before?.conditions.find(({ type }) => type === verdict.type);
  return {
    ...verdict,
    message: verdict.message.slice(0, maxMessageLength),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: old?.status === verdict.status ? old.lastTransitionTime : now,
  };
}

function isSameParent(a: RouteParentStatus['parentRef'], b: RouteParentStatus['parentRef']): boolean {
  return (
    a.group === b.group &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.sectionName === b.sectionName &&
    a.port === b.port
  );
}
