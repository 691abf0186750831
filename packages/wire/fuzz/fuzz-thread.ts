/** The thread that feeds one parser, until its time is over. */
import { parentPort, workerData } from 'node:worker_threads';
import { inputsOf, fuzzTargets } from './corpus.ts';
import { Dice, mutate, places } from './mutate.ts';
import { shorten } from './shorten.ts';
import type { FuzzLearned, FuzzWork } from './fuzz.ts';
import { runsAt, lengthAt, inputAt } from './fuzz.ts';

const maxInputBytes = 4096;
/** Inputs that made something new happen are changed further; at most so many. */
const maxKept = 4_000;

const { seed, endsAtMs, shared, target: index, maxLearned } = workerData as FuzzWork;
const counts = new Int32Array(shared, 0, 2);
const place = new Uint8Array(shared, inputAt);
const target = fuzzTargets[index];
if (target === undefined) throw new Error(`there is no parser ${index}`);
const dice = new Dice(seed);

const run = (input: Buffer, at: readonly number[]): string => {
  place.set(input.subarray(0, maxInputBytes));
  counts[lengthAt] = Math.min(input.length, maxInputBytes);
  Atomics.add(counts, runsAt, 1);
  return target.run(input, at);
};

const others = [...inputsOf(target)];
const committed = new Set(others.map((input) => run(input, [])));
const found = new Map<string, Buffer>();
while (Date.now() < endsAtMs) {
  const input = mutate(dice, dice.of(others), { others, words: target.words, maxBytes: maxInputBytes });
  const happened = run(input, places(dice, input.length));
  if (committed.has(happened) || found.has(happened) || found.size >= maxKept) continue;
  found.set(happened, input);
  others.push(input);
}

const shortest = [...found].sort(([, one], [, other]) => one.length - other.length).slice(0, maxLearned);
const learned: FuzzLearned[] = shortest.map(([happens, input]) => ({
  happens,
  input: shorten(input, (shorter) => run(shorter, []) === happens),
}));
parentPort?.postMessage({ behaviours: committed.size + found.size, learned });
