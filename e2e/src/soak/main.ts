// `npm run soak`: what takes too long for the tests. Fuzzing of every parser, large transfers over a bad link, and roots
// and certificates that are replaced under load.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { errorMessage } from '@tulle/core';
import { fuzz } from '../../../packages/wire/fuzz/fuzz.ts';
import { soakCertificates } from './certificates.ts';
import { transferAll } from './transfer.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    mebibytes: { type: 'string', default: '1024' },
    rotations: { type: 'string', default: '5' },
    seed: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(
    'usage: npm run soak [-- --minutes N] [-- --mebibytes N] [-- --seed N] [-- --only transfer|certificates|fuzz]\n' +
      '  --minutes    how long every parser is fuzzed, and how long certificates that live a minute are used (10)\n' +
      '  --rotations  how often the root is replaced under load (5)\n' +
      '  --mebibytes  how much is carried by each protocol each way (1024)\n',
  );
  process.exit(0);
}

/** Windows of both ends of the tunnel and of the application's connections, and room for the garbage collector. */
const maxGrownMebibytes = 192;
/** A transfer that is slower than a mebibyte a second has failed. */
const limitMsPerMebibyte = 1_000;
const minLimitMs = 60_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function transfers(): Promise<boolean> {
  const mebibytes = Number(values.mebibytes);
  const limitMs = Math.max(minLimitMs, mebibytes * limitMsPerMebibyte);
  const report = await transferAll({ bytes: mebibytes * 2 ** 20, limitMs, log: say });
  say(`link: ${report.link}`);
  const bad = report.results.filter(({ equal, grownMebibytes }) => !equal || grownMebibytes > maxGrownMebibytes);
  for (const { protocol, direction, equal, grownMebibytes } of bad) {
    say(`!! ${protocol} ${direction}: ${equal ? `the worker grew by ${grownMebibytes} MiB` : 'the hashes differ'}`);
  }
  return bad.length === 0;
}

async function fuzzing(): Promise<boolean> {
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const { finding, ...result } = await fuzz({ forMs: Number(values.minutes) * 60_000, seed });
  say(`fuzzing: ${JSON.stringify(result)}`);
  if (finding === undefined) return true;
  const file = `finding-${finding.target}-${seed}.bin`;
  writeFileSync(file, finding.input);
  say(`!! ${finding.target}, input in ${file}: ${finding.why}`);
  return false;
}

async function certificates(): Promise<boolean> {
  const options = { minutes: Number(values.minutes), rotations: Number(values.rotations), log: say };
  let good = true;
  for (const result of await soakCertificates(options)) {
    say(`certificates: ${JSON.stringify(result)}`);
    if (result.failed > 0 || result.requests === 0) good = false;
  }
  return good;
}

const parts = { transfer: transfers, certificates, fuzz: fuzzing };
for (const [name, part] of Object.entries(parts)) {
  if (values.only !== undefined && values.only !== name) continue;
  try {
    if (!(await part())) process.exitCode = 1;
  } catch (error) {
    say(`!! ${name}: ${errorMessage(error)}`);
    process.exitCode = 1;
  }
}
