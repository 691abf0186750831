import type { Condition, RouteParentStatus } from '@tulle/gateway-api';

/** The API server refuses longer messages. */
const maxMessageLength = 32_768;

/** What a condition is made with besides what it says. */
export interface ConditionContext {
  /** The conditions of the same parent or ancestor as they were. */
  readonly before: readonly Condition[];
  readonly generation: number | undefined;
  readonly now: string;
}

/** A condition keeps its time as long as its status stays (API conventions). */
export function conditionOf(
  verdict: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>,
  { before, generation, now }: ConditionContext,
): Condition {
  const old = before.find(({ type }) => type === verdict.type);
  return {
    ...verdict,
    message: verdict.message.slice(0, maxMessageLength),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: old?.status === verdict.status ? old.lastTransitionTime : now,
  };
}

/** Whether two references name the same parent or ancestor. */
export function isSameParent(a: RouteParentStatus['parentRef'], b: RouteParentStatus['parentRef']): boolean {
  return (
    a.group === b.group &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.sectionName === b.sectionName &&
    a.port === b.port
  );
}
