/** A parser under test. `run` and `replay` throw when the input shows a fault. */
export interface FuzzTarget {
  readonly name: string;
  /** Where its first inputs are, under `corpus`: every file in it and below. */
  readonly corpus: string;
  /** What is worth putting in. */
  readonly words: readonly Buffer[];
  /** Reads the input whole and cut at `places`. Gives a short text of what happened: new ones are worth keeping. */
  run(input: Buffer, places: readonly number[]): string;
  /** Reads the input in every way there is. */
  replay(input: Buffer): void;
}
