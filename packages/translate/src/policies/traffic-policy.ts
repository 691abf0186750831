import type { XBackendTrafficPolicy } from '@tulle/gateway-api';
import type { RetryBudget } from '@tulle/ir';
import type { PolicyLookup } from '../lookup.ts';
import { parseDurationMs } from '../routes/duration.ts';
import { sessionOf } from '../routes/rule-parts.ts';
import type { BackendTraffic } from './backend-traffic.ts';
import { policyTargets } from './policy.ts';
import type { TranslatedPolicy } from './policy.ts';

/** Translates an XBackendTrafficPolicy (GEP-3388, GEP-1619). */
export function translateTrafficPolicy(
  policy: XBackendTrafficPolicy,
  lookup: PolicyLookup,
): TranslatedPolicy<BackendTraffic> {
  const wrong: string[] = [];
  const value = {
    ...retryBudgetOf(policy, wrong),
    ...sessionOf(
      policy.spec.sessionPersistence,
      { path: 'spec', defaultName: 'tulle-session' },
      { refuse: ({ message }) => wrong.push(message), unresolved: ({ message }) => wrong.push(message) },
    ),
  };
  return {
    policy,
    ...policyTargets(policy, policy.spec.targetRefs, lookup),
    value: wrong.length > 0 ? undefined : value,
    refusal: wrong.length > 0 ? { reason: 'Invalid', message: wrong.join('; ') } : undefined,
    verdicts: [],
  };
}

function retryBudgetOf({ spec }: XBackendTrafficPolicy, wrong: string[]): { retryBudget?: RetryBudget } {
  if (spec.retryConstraint === undefined) return {};
  const { budget, minRetryRate } = spec.retryConstraint;
  const at = 'spec.retryConstraint';
  const intervalMs = positiveMs(budget.interval, `${at}.budget.interval`, wrong);
  const rateIntervalMs = positiveMs(minRetryRate.interval ?? '1s', `${at}.minRetryRate.interval`, wrong);
  const minPerSecond = ((minRetryRate.count ?? 10) * 1000) / rateIntervalMs;
  return { retryBudget: { percent: budget.percent, intervalMs, minPerSecond } };
}

function positiveMs(text: string, place: string, wrong: string[]): number {
  const ms = parseDurationMs(text) ?? 0;
  if (ms > 0) return ms;
  wrong.push(
    `${place}: "${text}" is no duration above zero; write numbers with the units h, m, s or ms, such as "10s"`,
  );
  return 1;
}
