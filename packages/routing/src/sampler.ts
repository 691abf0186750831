/** The square root of 2 less 1: another even step, so that samples do not follow a {@link WeightedShare}'s picks. */
const step = Math.SQRT2 - 1;

/** Says yes for a share of the asks, spread evenly over any run of them, from a random start. */
export class Sampler {
  private readonly bound: number;
  private place: number;

  /** `numerator` of `denominator` asks are answered yes; `phase` in [0, 1): random, or carried on. */
  constructor(numerator: number, denominator: number, phase: number) {
    this.bound = denominator <= 0 ? 0 : Math.min(1, Math.max(0, numerator / denominator));
    this.place = phase;
  }

  /** Where the next ask will be; to carry on with a changed share. */
  get phase(): number {
    return this.place;
  }

  /** Whether this one is in the share. */
  sample(): boolean {
    const place = this.place;
    const next = place + step;
    this.place = next >= 1 ? next - 1 : next;
    return place < this.bound;
  }
}
