import { estimate, isAtMost } from '../statistics.ts';
import type { Estimate } from '../statistics.ts';
import type { CostVerdict, FeatureCost, FeatureSample } from '../model.ts';
import type { Feature } from './model.ts';

/** The part of the reference within which an interval must lie on both sides for "nothing measurable". */
export const resolution = 0.05;

type Row = Pick<Feature, 'id' | 'against' | 'atMost'>;

/**
 * The costs of all rows that were measured, in their order. A row is compared within its round with what it is compared
 * with: with the mean of the measurements of it just before and just after, so that what changes with time counts little.
 */
export function costsOf(features: readonly Row[], samples: readonly FeatureSample[]): FeatureCost[] {
  return features.flatMap((feature) => {
    const own = samples.filter((sample) => sample.feature === feature.id);
    return own.length === 0 ? [] : [costOf(feature, own, samples)];
  });
}

function costOf(feature: Row, own: readonly FeatureSample[], samples: readonly FeatureSample[]): FeatureCost {
  const { id, against, atMost } = feature;
  const pairs = against === undefined ? [] : pairsOf(id, against, samples);
  const compared = pairs.length > 0;
  const ratio = compared ? estimate(pairs.map(([mine, reference]) => mine / reference)) : undefined;
  const errors = own.reduce((sum, sample) => sum + sample.errors, 0);
  const holds = atMost === undefined || ratio === undefined ? undefined : isAtMost(ratio, atMost);
  return {
    feature: id,
    against,
    micros: estimate(own.map(bothHops)),
    added: compared ? estimate(pairs.map(([mine, reference]) => mine - reference)) : undefined,
    ratio,
    verdict: ratio === undefined ? undefined : verdictOf(ratio),
    // What fails is not cheap.
    holds: holds !== undefined && errors > 0 ? false : holds,
    requestsPerSecond: estimate(own.map((sample) => sample.requestsPerSecond)),
    errors,
  };
}

/** CPU time of both hops of a measurement. */
export function bothHops(sample: FeatureSample): number {
  return sample.firstMicros + sample.secondMicros;
}

/** CPU times of a row and of its reference that belong together; one pair for each of what was measured less often. */
function pairsOf(id: string, against: string, samples: readonly FeatureSample[]): (readonly [number, number])[] {
  const mine = samples.filter((sample) => sample.feature === id);
  const theirs = samples.filter((sample) => sample.feature === against);
  if (mine.length <= theirs.length) {
    return mine.flatMap((sample) => {
      const reference = nearest(theirs, sample);
      return reference === undefined ? [] : [[bothHops(sample), reference] as const];
    });
  }
  return theirs.flatMap((reference) => {
    const own = nearest(mine, reference);
    return own === undefined ? [] : [[own, bothHops(reference)] as const];
  });
}

/** The mean of those just before and just after another one in its round. */
function nearest(among: readonly FeatureSample[], to: FeatureSample): number | undefined {
  const inRound = among.filter((sample) => sample.run === to.run);
  const before = inRound.filter((sample) => sample.at < to.at).sort((a, b) => b.at - a.at)[0];
  const after = inRound.filter((sample) => sample.at > to.at).sort((a, b) => a.at - b.at)[0];
  const found = [before, after].flatMap((sample) => (sample === undefined ? [] : [bothHops(sample)]));
  return found.length === 0 ? undefined : found.reduce((sum, each) => sum + each, 0) / found.length;
}

/** What a ratio to the reference means. */
export function verdictOf(ratio: Estimate): CostVerdict {
  if (!ratio.certain) return 'too few rounds';
  if (ratio.low > 1) return 'costs';
  if (ratio.high < 1) return 'saves';
  return ratio.low >= 1 - resolution && ratio.high <= 1 + resolution ? 'nothing measurable' : 'inconclusive';
}

/**
 * The order of a round: `reference` at its beginning, after every `every` of the others, and at its end, so that each of
 * them has it near on both sides.
 */
export function orderOf(ids: readonly string[], reference: string, every: number): string[] {
  const others = ids.filter((id) => id !== reference);
  if (!ids.includes(reference)) return others;
  const order = others.flatMap((id, index) => (index % every === 0 ? [reference, id] : [id]));
  return [...order, reference];
}
