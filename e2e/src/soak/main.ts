// `npm run soak`: what takes too long for the tests. Fuzzing of every parser, large transfers over a bad link, and roots
// and certificates that are replaced under load.
import { parseArgs } from 'node:util';
import { errorMessage } from '@tulle/core';
import { fuzzAll } from '../../../packages/wire/fuzz/fuzz-all.ts';
import { soakCertificates } from './certificates.ts';
import { transferAll } from './transfer.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    mebibytes: { type: 'string', default: '1024' },
    rotations: { type: 'string', default: '5' },
    seed: { type: 'string' },
    parser: { type: 'string' },
    learn: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(
    'usage: npm run soak -- [--only transfer|certificates|fuzz] [--minutes N] [--parser NAME] [--learn] [--seed N] [--mebibytes N]\n' +
      '  --minutes    how long each parser is fuzzed, and how long certificates that live a minute are used (10)\n' +
      '  --rotations  how often the root is replaced under load (5)\n' +
      '  --parser     only this one is fuzzed\n' +
      '  --learn      inputs by which something new happened are added to the corpus\n' +
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
  for (const { way, direction, equal, grownMebibytes } of bad) {
    say(`!! ${way} ${direction}: ${equal ? `the worker grew by ${grownMebibytes} MiB` : 'the hashes differ'}`);
  }
  return bad.length === 0;
}

async function fuzzing(): Promise<boolean> {
  const { parser: only, learn } = values;
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  return await fuzzAll({ minutes: Number(values.minutes), seed, only, learn, log: say });
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
