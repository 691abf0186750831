/** The thread that feeds one target after the other, until its time is over. */
import { parentPort, workerData } from 'node:worker_threads';
import { corpusOf, fuzzTargets } from './corpus.ts';
import { Dice, mutate, places } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import type { FuzzWork } from './fuzz.ts';
import { runsAt, lengthAt, inputAt, targetAt } from './fuzz.ts';

const maxInputBytes = 4096;
const turns = 200;
/** Inputs that made something new happen are kept, and changed further; at most so many for each target. */
const maxKept = 4_000;

class Fuzzing {
  readonly #target: FuzzTarget;
  readonly #inputs: Buffer[];
  readonly #seen = new Set<string>();

  constructor(target: FuzzTarget) {
    this.#target = target;
    this.#inputs = corpusOf(target.corpus).map(([, input]) => input);
  }

  get kept(): number {
    return this.#seen.size;
  }

  turn(dice: Dice, announce: (input: Buffer) => void): void {
    const input = mutate(dice, dice.of(this.#inputs), {
      others: this.#inputs,
      words: this.#target.words,
      maxBytes: maxInputBytes,
    });
    announce(input);
    const signature = this.#target.run(input, places(dice, input.length));
    if (this.#seen.has(signature) || this.#inputs.length >= maxKept) return;
    this.#seen.add(signature);
    this.#inputs.push(input);
  }
}

const { seed, endsAtMs, shared } = workerData as FuzzWork;
const counts = new Int32Array(shared, 0, 4);
const place = new Uint8Array(shared, inputAt);
const dice = new Dice(seed);
const fuzzings = fuzzTargets.map((target) => new Fuzzing(target));
while (Date.now() < endsAtMs) {
  for (const [index, fuzzing] of fuzzings.entries()) {
    for (let i = 0; i < turns; i++) {
      fuzzing.turn(dice, (input) => {
        place.set(input);
        counts[lengthAt] = input.length;
        counts[targetAt] = index;
        Atomics.add(counts, runsAt, 1);
      });
    }
  }
}
parentPort?.postMessage(fuzzings.map((fuzzing) => fuzzing.kept));
