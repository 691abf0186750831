import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { editDistance, suggest } from './suggest.ts';

/** The same by its definition, in exponential time. */
function distance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  if (a[0] === b[0]) return distance(a.slice(1), b.slice(1));
  const edits = [distance(a.slice(1), b), distance(a, b.slice(1)), distance(a.slice(1), b.slice(1))];
  if (a[0] === b[1] && a[1] === b[0] && a.length > 1) edits.push(distance(a.slice(2), b.slice(2)));
  return 1 + Math.min(...edits);
}

describe('editDistance', () => {
  it('is the least number of edits, up to the limit', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, fc.integer({ min: 1, max: 8 }), (a, b, limit) => {
        expect(editDistance(a, b, limit)).toBe(Math.min(limit, distance(a, b)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('suggest', () => {
  it.each([
    ['carts', ['web', 'cart', 'cart-v2'], 'cart'],
    ['crat', ['cart', 'web'], 'cart'],
    ['HttpRoute', ['HTTPRoute', 'GRPCRoute'], 'HTTPRoute'],
    ['cart', ['cart'], undefined],
    ['payments', ['cart', 'web'], undefined],
    ['x'.repeat(65), ['x'.repeat(64)], undefined],
  ])('%s among %j: %s', (word, candidates, expected) => {
    expect(suggest(word, candidates)).toBe(expected);
  });
});
