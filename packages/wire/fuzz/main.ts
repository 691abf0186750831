/**
 * Fuzzing of every parser of this package:
 *
 *   node packages/wire/fuzz/main.ts [--minutes N] [--seed N]
 *
 * Ends with 1 at the first fault, whose input it leaves in the current directory.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const { finding, ...result } = await fuzz({ forMs: Number(values.minutes) * 60_000, seed });
process.stdout.write(`${JSON.stringify(result)}\n`);
if (finding !== undefined) {
  const file = `finding-${finding.target}-${seed}.bin`;
  writeFileSync(file, finding.input);
  process.stdout.write(`${finding.target} (input in ${file}): ${finding.why}\n`);
  process.exitCode = 1;
}
