import { describe, expect, it } from '@jest/globals';
import { corpusOf, fuzzTargets, inputsOf, learnedOf } from '../fuzz/corpus.ts';
import { Dice, mutate, places } from '../fuzz/mutate.ts';

// The HTTP/1.1 corpus has a test of its own, which also knows what must happen to each file.
const replayed = fuzzTargets.filter(({ name }) => !name.startsWith('http1-'));

describe.each(replayed.map((target) => [target.name, target] as const))('the corpus of %s', (_name, target) => {
  it.each(corpusOf(target.corpus))('%s is read the same however it is cut', (_path, input) => {
    target.replay(input);
  });
});

describe.each(fuzzTargets.map((target) => [target.name, target] as const))(
  'what fuzzing has learned of %s',
  (name, target) => {
    const learned = learnedOf(name).map(({ input, happens }) => [Buffer.from(input, 'latin1'), happens] as const);

    it('happens as it did, however the input is cut', () => {
      for (const [input, happens] of learned) {
        const everyByte = Array.from({ length: input.length }, (_, at) => at);
        for (const cuts of [[], everyByte, ...everyByte.map((at) => [at])]) {
          expect([input.toString('latin1'), target.run(input, cuts)]).toEqual([input.toString('latin1'), happens]);
        }
      }
    });
  },
);

it.each(fuzzTargets.map((target) => [target.name, target] as const))(
  '%s stands some hundred changed inputs, the same in every run',
  (_name, target) => {
    const others = inputsOf(target);
    const dice = new Dice(7_541);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const input = mutate(dice, dice.of(others), { others, words: target.words, maxBytes: 2_048 });
      seen.add(target.run(input, places(dice, input.length)));
    }
    // Inputs that are all refused at once would prove little.
    expect(seen.size).toBeGreaterThan(1);
  },
);
