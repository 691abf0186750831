import type { RouteParentStatus } from '@tulle/gateway-api';
import { objectOf } from '../problem.ts';
import type { TranslationProblem } from '../problem.ts';
import type { Route } from '../input.ts';
import type { GroupOutcome } from '../routes/groups.ts';

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

/** Rules of a route (`key`) that no request can reach, in any of the groups that it is in. */
export function unreachableProblems(key: string, route: Route, groups: readonly GroupOutcome[]): TranslationProblem[] {
  const problems = new Map<number, TranslationProblem>();
  for (const { unreachable } of groups) {
    for (const { rule, takenBy } of unreachable.get(key) ?? []) {
      const other = takenBy.route === key ? `rules[${takenBy.index}]` : `rules[${takenBy.index}] of ${takenBy.route}`;
      problems.set(rule.index, {
        severity: 'warning',
        code: 'UnreachableRule',
        message: `rules[${rule.index}]: no request gets here, ${other} comes before it and takes them`,
        object: objectOf(route),
        hint: 'matches are tried in this order: exact paths, the longest prefixes, method, most headers, most query parameters, the oldest route',
      });
    }
  }
  return [...problems.values()];
}
