/**
 * Fuzzing of every parser of this package, one after the other:
 *
 *   node packages/wire/fuzz/main.ts [--minutes N] [--seed N] [--only PARSER] [--learn]
 *
 * `--minutes` is the time of each parser. `--learn` adds inputs by which something new happened to the corpus.
 * Ends with 1 when there was a fault, whose input it leaves in the current directory.
 */
import { parseArgs } from 'node:util';
import { fuzzAll } from './fuzz-all.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    learn: { type: 'boolean', default: false },
  },
});
const sound = await fuzzAll({
  minutes: Number(values.minutes),
  seed: Number(values.seed ?? Date.now() % 2 ** 31),
  only: values.only,
  learn: values.learn,
  log: (line) => process.stdout.write(`${line}\n`),
});
if (!sound) process.exitCode = 1;
