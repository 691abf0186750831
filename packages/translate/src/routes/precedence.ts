import { compareText, keyOf } from '../input.ts';
import type { Route } from '../input.ts';
import { grpcRankNames } from './grpc-match.ts';
import { httpRankNames } from './http-match.ts';

/** A match with all that decides whether it comes before another. */
export interface PlacedMatch {
  /** See `httpRank` and `grpcRank`. */
  readonly rank: readonly number[];
  /** When its route was made, milliseconds of the epoch. */
  readonly createdMs: number;
  /** `namespace/name` of its route. */
  readonly route: string;
  /** The rule's index in its route. */
  readonly ruleIndex: number;
  /** The match's index in its rule. */
  readonly matchIndex: number;
}

/** One line of the decision table: below zero, `a` comes first; zero, the next rule decides. */
export interface PrecedenceRule {
  readonly name: string;
  readonly compare: (a: PlacedMatch, b: PlacedMatch) => number;
}

/**
 * What decides among matches that say the same much: "the oldest Route based on creation timestamp; the Route appearing
 * first in alphabetical order by "{namespace}/{name}"", and within a route the first rule, and the first match of it.
 */
const ties: readonly PrecedenceRule[] = [
  { name: 'oldest route', compare: (a, b) => a.createdMs - b.createdMs },
  { name: 'first name', compare: (a, b) => compareText(a.route, b.route) },
  { name: 'first rule', compare: (a, b) => a.ruleIndex - b.ruleIndex },
  { name: 'first match', compare: (a, b) => a.matchIndex - b.matchIndex },
];

/** The decision table of each kind of route, in the order in which its rules decide. */
export const precedence: Readonly<Record<'http' | 'grpc', readonly PrecedenceRule[]>> = {
  http: [...byRank(httpRankNames), ...ties],
  grpc: [...byRank(grpcRankNames), ...ties],
};

function byRank(names: readonly string[]): PrecedenceRule[] {
  return names.map((name, i) => ({ name, compare: (a, b) => (b.rank[i] ?? 0) - (a.rank[i] ?? 0) }));
}

/** Compares by the first of the rules that tells two matches apart. */
export function comparePlaced(rules: readonly PrecedenceRule[]): (a: PlacedMatch, b: PlacedMatch) => number {
  return (a, b) => {
    for (const rule of rules) {
      const difference = rule.compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/** Which of two routes comes first where nothing else decides: the older one, then the first name. */
export function compareRoutes(a: Route, b: Route): number {
  return createdMs(a) - createdMs(b) || compareText(keyOf(a), keyOf(b));
}

/** When a route was made. Objects without a timestamp (from files) are equally old, and older than all with one. */
export function createdMs(route: Route): number {
  const ms = Date.parse(route.metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}
