import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sampler } from './sampler.ts';
import { WeightedShare } from './weighted-share.ts';

const phases = fc.integer({ min: 0, max: 0xffffffff }).map((place) => place / 0x1_0000_0000);

describe('WeightedShare', () => {
  it('keeps every share within half a point over any 1,000 picks in a row', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 1_000_000 }), fc.constantFrom(0, 1, 9, 90)), {
          minLength: 1,
          maxLength: 16,
        }),
        phases,
        fc.integer({ min: 0, max: 5000 }),
        (weights, phase, skipped) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const share = new WeightedShare(weights, phase);
          for (let i = 0; i < skipped; i++) share.next();
          const counts = weights.map(() => 0);
          for (let i = 0; i < 1000; i++) {
            const pick = share.next();
            if (total === 0) expect(pick).toBe(-1);
            else counts[pick] = (counts[pick] as number) + 1;
          }
          weights.forEach((weight, i) => {
            const ideal = total === 0 ? 0 : (weight / total) * 1000;
            expect(Math.abs((counts[i] as number) - ideal)).toBeLessThanOrEqual(5);
            if (weight === 0) expect(counts[i]).toBe(0);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stays near the shares in short runs, too', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), phases, fc.integer({ min: 1, max: 100 }), (percent, phase, run) => {
        const share = new WeightedShare([percent, 100 - percent], phase);
        let first = 0;
        for (let i = 0; i < run; i++) if (share.next() === 0) first++;
        expect(Math.abs(first - (run * percent) / 100)).toBeLessThanOrEqual(2.5);
      }),
      { numRuns: 1000 },
    );
  });

  it('divides also a thousand clients that pick once or twice each', () => {
    const picks = [0, 0];
    for (let client = 0; client < 1000; client++) {
      const share = new WeightedShare([90, 10], client / 1000);
      for (let i = 0; i < 2; i++) if (share.next() === 1) picks[i] = (picks[i] as number) + 1;
    }
    expect(picks[0]).toBeGreaterThanOrEqual(98);
    expect(picks[0]).toBeLessThanOrEqual(102);
    expect(picks[1]).toBeGreaterThanOrEqual(98);
    expect(picks[1]).toBeLessThanOrEqual(102);
  });

  it('does not fall into step with a client that alternates', () => {
    for (const period of [2, 3, 5, 10]) {
      const share = new WeightedShare([1, 1], 0.12345);
      let first = 0;
      for (let i = 0; i < 1000 * period; i++) {
        const pick = share.next();
        if (i % period === 0 && pick === 0) first++;
      }
      expect(Math.abs(first - 500)).toBeLessThanOrEqual(10);
    }
  });

  it('gives a weight of one in a million its share', () => {
    const share = new WeightedShare([1_000_000, 1], 0);
    let rare = 0;
    for (let i = 0; i < 3_000_003; i++) if (share.next() === 1) rare++;
    expect(rare).toBeGreaterThanOrEqual(1);
    expect(rare).toBeLessThanOrEqual(5);
  });

  it('has nothing to give without backends', () => {
    expect(new WeightedShare([], 1).next()).toBe(-1);
  });
});

describe('Sampler', () => {
  it('says yes for its share of any 1,000', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), phases, (numerator, phase) => {
        const sampler = new Sampler(numerator, 1000, phase);
        let yes = 0;
        for (let i = 0; i < 1000; i++) if (sampler.sample()) yes++;
        expect(Math.abs(yes - numerator)).toBeLessThanOrEqual(5);
        if (numerator === 0) expect(yes).toBe(0);
        if (numerator === 1000) expect(yes).toBe(1000);
      }),
    );
  });

  it('is not tied to the backends that the weights choose', () => {
    const share = new WeightedShare([1, 1], 0.7);
    const sampler = new Sampler(1, 2, 0.7);
    let both = 0;
    for (let i = 0; i < 1000; i++) {
      const sampled = sampler.sample();
      if (share.next() === 0 && sampled) both++;
    }
    expect(Math.abs(both - 250)).toBeLessThanOrEqual(25);
  });
});
