import { compareText, keyOf } from '../input.ts';
import type { Route } from '../input.ts';

/**
 * Which of two routes comes first where nothing else decides: "the oldest Route based on creation timestamp; the Route
 * appearing first in alphabetical order by "{namespace}/{name}"". Objects without a timestamp (from files) are equally
 * old, and older than all with one.
 */
export function compareRoutes(a: Route, b: Route): number {
  return createdMs(a) - createdMs(b) || compareText(keyOf(a), keyOf(b));
}

function createdMs(route: Route): number {
  const ms = Date.parse(route.metadata.creationTimestamp ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}

/** Compares ranks number by number: the larger first. */
export function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (b[i] ?? 0) - (a[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
