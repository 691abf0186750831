/** 2^32 times the square root of 2 less 1, odd: another even step, so that samples do not follow {@link WeightedShare}. */
const step = 0x6a09e667;
const circle = 0x1_0000_0000;

/** Says yes for a share of the asks, spread evenly over any run of them, from a random start. */
export class Sampler {
  private readonly bound: number;
  private place: number;

  /** `numerator` of `denominator` asks are answered yes; `phase` as for a weighted share. */
  constructor(numerator: number, denominator: number, phase: number) {
    this.bound = denominator <= 0 ? 0 : Math.min(1, Math.max(0, numerator / denominator)) * circle;
    this.place = phase >>> 0;
  }

  /** Where the next ask will be; to carry on with a changed share. */
  get phase(): number {
    return this.place;
  }

  /** Whether this one is in the share. */
  sample(): boolean {
    const place = this.place;
    this.place = (place + step) >>> 0;
    return place < this.bound;
  }
}
