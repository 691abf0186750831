import { writeFileSync } from 'node:fs';
import { learn, learnedOf } from './corpus.ts';
import { fuzz, fuzzedParsers } from './fuzz.ts';

/** So many inputs are kept of what fuzzing learned of a parser: the unit tests replay each. */
const maxLearned = 150;

/** Fuzzes every parser for `minutes` each, or `only` one. Gives whether there was no fault. */
export async function fuzzAll(options: {
  readonly minutes: number;
  readonly seed: number;
  readonly only?: string | undefined;
  /** Whether inputs by which something new happened are added to the corpus. */
  readonly learn: boolean;
  readonly log: (line: string) => void;
}): Promise<boolean> {
  const { minutes, seed, only, log } = options;
  const targets = fuzzedParsers.filter((target) => only === undefined || only === target);
  if (targets.length === 0) throw new Error(`there is no parser ${only}: ${fuzzedParsers.join(', ')}`);
  let sound = true;
  for (const target of targets) {
    const room = options.learn ? Math.max(0, maxLearned - learnedOf(target).length) : 0;
    const { finding, learned, runs, behaviours } = await fuzz({
      target,
      forMs: minutes * 60_000,
      seed,
      maxLearned: room,
    });
    learn(target, learned);
    const added = options.learn ? `, ${learned.length} added to the corpus` : '';
    log(`${target}: ${minutes} min, ${runs} inputs, ${behaviours} behaviours${added} (seed ${seed})`);
    if (finding === undefined) continue;
    sound = false;
    const file = `finding-${target}-${seed}.bin`;
    writeFileSync(file, finding.input);
    log(`!! ${target}, input in ${file}: ${finding.why}`);
  }
  return sound;
}
