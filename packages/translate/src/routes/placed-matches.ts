import type { HttpMatch, HttpRule } from '@tulle/ir';
import { keyOf } from '../input.ts';
import type { TranslatedRoute } from './outcome.ts';
import { createdMs } from './precedence.ts';
import type { PlacedMatch } from './precedence.ts';

/** A match of a route with the rule that it leads to, and with what decides about its place. */
export interface RouteMatch extends PlacedMatch {
  readonly match: HttpMatch;
  readonly rule: HttpRule;
}

/** The matches of an HTTPRoute or GRPCRoute, in the order in which they are written. */
export function placedMatches({ route, content }: TranslatedRoute, kind: 'http' | 'grpc'): RouteMatch[] {
  if (content.kind !== kind) return [];
  const of = { createdMs: createdMs(route), route: keyOf(route) };
  return content.rules.flatMap(({ rule, matches }) =>
    matches.map(({ match, rank }, matchIndex) => ({ ...of, match, rank, rule, ruleIndex: rule.index, matchIndex })),
  );
}
