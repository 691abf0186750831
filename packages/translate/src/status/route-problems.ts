import type { RouteParentStatus } from '@tulle/gateway-api';
import { objectOf } from '../problem.ts';
import type { TranslationProblem } from '../problem.ts';
import type { Route } from '../input.ts';

/** What of a route's statuses somebody should look at: conditions that are not as they should be, each text once. */
export function routeProblems(route: Route, statuses: readonly RouteParentStatus[]): TranslationProblem[] {
  const problems = new Map<string, TranslationProblem>();
  for (const { conditions } of statuses) {
    for (const { type, status, reason, message } of conditions) {
      const isGood = type === 'PartiallyInvalid' ? status === 'False' : status === 'True';
      if (isGood) continue;
      const severity = status === 'Unknown' ? 'warning' : 'error';
      problems.set(`${reason} ${message}`, { severity, code: reason, message, object: objectOf(route) });
    }
  }
  return [...problems.values()];
}
