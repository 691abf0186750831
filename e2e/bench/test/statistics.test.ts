import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { estimate, isAtMost, median, percentile } from '../statistics.ts';

describe('median', () => {
  it('is the middle value, or between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe('estimate', () => {
  it.each([
    [[1, 2, 3, 4], 1, 4, false],
    // 1 - 2/32 = 0.94
    [[5, 4, 3, 2, 1], 1, 5, true],
    // Dropping one at each end of seven leaves 1 - 2 * 8/128 = 0.875, which is not enough; of eight 0.93, which is.
    [[1, 2, 3, 4, 5, 6, 7], 1, 7, true],
    [[1, 2, 3, 4, 5, 6, 7, 8], 2, 7, true],
  ])('of %j lies from %d to %d, certain: %p', (values, low, high, certain) => {
    expect(estimate(values)).toMatchObject({ low, high, certain, median: median(values) });
  });

  it('holds the true median in nine of ten runs', () => {
    let inside = 0;
    const runs = 2000;
    let state = 1;
    // A fixed sequence: the test gives the same result every time.
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let run = 0; run < runs; run++) {
      const { low, high } = estimate(Array.from({ length: 9 }, random));
      if (low <= 0.5 && high >= 0.5) inside++;
    }
    expect(inside / runs).toBeGreaterThan(0.9);
  });

  it('has its median between its ends', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const found = estimate(values);
        expect(found.low).toBeLessThanOrEqual(found.median);
        expect(found.high).toBeGreaterThanOrEqual(found.median);
      }),
    );
  });
});

describe('isAtMost', () => {
  const around = (low: number, high: number, certain = true) => ({
    median: (low + high) / 2,
    low,
    high,
    count: 5,
    certain,
  });

  it('decides only where the whole interval is on one side', () => {
    expect(isAtMost(around(0.2, 0.35), 0.35)).toBe(true);
    expect(isAtMost(around(0.36, 0.4), 0.35)).toBe(false);
    expect(isAtMost(around(0.2, 0.5), 0.35)).toBeNull();
    expect(isAtMost(around(0.1, 0.2, false), 0.35)).toBeNull();
  });
});

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(500);
    expect(percentile(values, 0.999)).toBe(999);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNull();
  });
});
