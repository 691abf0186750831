import { isDeepStrictEqual } from 'node:util';
import type { Condition, PolicyAncestorStatus, RouteParentStatus } from '@tulle/gateway-api';

/** What several controllers each write their own of: `status.parents` of a route, `status.ancestors` of a policy. */
export type StatusEntry = RouteParentStatus | PolicyAncestorStatus;

/** The most entries that the API server takes. */
export const maxEntries = { parents: 32, ancestors: 16 } as const;

/**
 * The entries with ours as they should be and those of other controllers as they are; undefined when nothing would
 * change. A condition whose status stays keeps the time at which it last changed. Ours go where there is no more room.
 */
export function mergeEntries(
  present: readonly StatusEntry[],
  wanted: readonly StatusEntry[],
  { controllerName, most }: { readonly controllerName: string; readonly most: number },
): readonly StatusEntry[] | undefined {
  const others = present.filter((entry) => entry.controllerName !== controllerName);
  const before = present.filter((entry) => entry.controllerName === controllerName);
  const ours = wanted.slice(0, Math.max(0, most - others.length)).map((entry) =>
    keepTimes(
      entry,
      before.find((old) => isDeepStrictEqual(refOf(old), refOf(entry))),
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

function keepTimes(wanted: StatusEntry, before: StatusEntry | undefined): StatusEntry {
  if (before === undefined) return wanted;
  return { ...wanted, conditions: keepTransitionTimes(wanted.conditions, before.conditions) };
}

function refOf(entry: StatusEntry): object {
  return 'parentRef' in entry ? entry.parentRef : entry.ancestorRef;
}
