/** 1 divided by the golden ratio: the step that spreads a sequence most evenly over a circle of length 1. */
const goldenStep = (Math.sqrt(5) - 1) / 2;

/**
 * Divides picks by weight: a weight is a share, not a chance that clumps.
 *
 * Each backend owns an arc of a circle as long as its share. A place walks on the circle by the golden ratio, which
 * spreads any run of steps evenly (a Weyl sequence), so that the count of any run stays within a few picks of its
 * share. Plain turns would be a little nearer still, but fall into step with clients that alternate: with 50/50, every
 * GET would go to one backend and every POST to the other. The golden ratio falls into step with no period.
 *
 * The start is random, so many clients that each pick once see the shares too. Weights are whole numbers from 0 to
 * 1,000,000; a backend of weight 0 is never picked.
 */
export class WeightedShare {
  private readonly bounds: Float64Array;
  private readonly last: number;
  private place: number;

  /** `phase` is a place on the circle, in [0, 1): a random one, or that of the share which this one follows. */
  constructor(weights: readonly number[], phase: number) {
    this.place = phase;
    this.bounds = new Float64Array(weights.length);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    let last = -1;
    for (let i = 0; i < weights.length; i++) {
      sum += weights[i] as number;
      if ((weights[i] as number) > 0) last = i;
      this.bounds[i] = total === 0 ? 0 : sum / total;
    }
    this.last = last;
  }

  /** The place on the circle where the next pick will be. */
  get phase(): number {
    return this.place;
  }

  /** The index of the next backend, or -1 when there is none or all weights are zero. */
  next(): number {
    if (this.last <= 0) return this.last;
    const place = this.place;
    const next = place + goldenStep;
    this.place = next >= 1 ? next - 1 : next;
    for (let i = 0; i < this.last; i++) if (place < (this.bounds[i] as number)) return i;
    return this.last;
  }
}
