import { isDeepStrictEqual } from 'node:util';
import type { Condition, RouteParentStatus } from '@tulle/gateway-api';

/** The most entries that `status.parents` may have. */
const maxParents = 32;

/**
 * `status.parents` of a route with our entries as they should be and those of other controllers as they are; undefined
 * when nothing would change. A condition whose status stays keeps the time at which it last changed.
 */
export function mergeParentStatuses(
  present: readonly RouteParentStatus[],
  wanted: readonly RouteParentStatus[],
  controllerName: string,
): readonly RouteParentStatus[] | undefined {
  const others = present.filter((entry) => entry.controllerName !== controllerName);
  const before = present.filter((entry) => entry.controllerName === controllerName);
  const ours = wanted.slice(0, Math.max(0, maxParents - others.length)).map((entry) =>
    keepTimes(
      entry,
      before.find(({ parentRef }) => isDeepStrictEqual(parentRef, entry.parentRef)),
    ),
  );
  return isDeepStrictEqual(before, ours) ? undefined : [...others, ...ours];
}

/** Conditions with the times of those before whose status was the same. */
export function keepTransitionTimes(wanted: readonly Condition[], before: readonly Condition[]): Condition[] {
  return wanted.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    return old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  });
}

function keepTimes(wanted: RouteParentStatus, before: RouteParentStatus | undefined): RouteParentStatus {
  if (before === undefined) return wanted;
  return { ...wanted, conditions: keepTransitionTimes(wanted.conditions, before.conditions) };
}
