// `npm test`: static checks, unit tests, then the integration tests in network namespaces, which need root.
// Ends with one line `N passed, N failed` that counts every check and every test.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './prepare.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    // For --only proofs: the names of some, as h2spec or websocket.
    proof: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  process.stdout.write('usage: npm test [-- --only static|unit|integration|proofs [--proof NAME]...]\n');
  process.exit(0);
}
/** All proofs take some ten minutes on two cores, and as long again where the tools have to be built first. */
const proofsLimitMs = 3_600_000;
const bin = (name) => join(root, 'node_modules', '.bin', name);
const staticChecks = [
  ['types', bin('tsc'), ['-p', '.']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', '--quiet']],
  [
    'import boundaries',
    bin('depcruise'),
    ['--config', '.dependency-cruiser.mjs', 'packages', 'agent', 'ca', 'mesh-controller', 'deploy/images', 'e2e'],
  ],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
];

let passed = 0;
let failed = 0;
const wants = (kind) => values.only === undefined || values.only === kind;

if (wants('static')) {
  for (const [label, file, argv] of staticChecks) {
    const started = Date.now();
    const status = await run(file, argv);
    report(label, status === 0, started);
    if (status === 0) passed += 1;
    else failed += 1;
  }
}
if (wants('unit')) await jest('unit tests', ['--config', 'jest.config.mjs']);
if (wants('integration')) await jest('integration tests', ['--config', 'jest.integration.config.mjs', '--runInBand']);
// Apart from the tests: they take minutes, build others' tools and need more of Debian.
if (values.only === 'proofs') {
  const notes = join(mkdtempSync(join(tmpdir(), 'tulle-proofs-')), 'notes');
  writeFileSync(notes, '');
  await jest('proofs', ['--config', 'jest.proofs.config.mjs', '--runInBand', ...values.proof], {
    environment: { TULLE_PROOF_NOTES: notes },
    limitMs: proofsLimitMs,
    each: true,
  });
  process.stdout.write(readFileSync(notes, 'utf8').replaceAll(/^(?=.)/gm, '     '));
  rmSync(dirname(notes), { recursive: true, force: true });
}

process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

/** Runs jest and adds its counts; a skipped test counts as failed, because here nothing may be skipped. */
async function jest(label, argv, { environment = {}, limitMs, each = false } = {}) {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'tulle-test-'));
  const resultFile = join(folder, 'result.json');
  const status = await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      // A test that fails may leave its sockets behind: the run ends all the same, and tells.
      '--forceExit',
      ...argv,
      '--json',
      `--outputFile=${resultFile}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment }, timeout: limitMs },
  );
  try {
    const result = JSON.parse(readFileSync(resultFile, 'utf8'));
    if (each) {
      for (const { ancestorTitles, title, status: outcome, duration } of result.testResults.flatMap(
        ({ assertionResults }) => assertionResults,
      )) {
        const seconds = ((duration ?? 0) / 1000).toFixed(1);
        const sign = outcome === 'passed' ? 'ok' : '!!';
        process.stdout.write(` ${sign}  ${[...ancestorTitles, title].join(': ')}  (${seconds} s)\n`);
      }
    }
    passed += result.numPassedTests;
    const skipped = result.numPendingTests + result.numTodoTests;
    if (skipped > 0)
      process.stdout.write(` !!  ${skipped} tests were skipped: each needs what this machine does not give\n`);
    // A suite that could not even be loaded has no test to count.
    failed += result.numFailedTests + result.numRuntimeErrorTestSuites + skipped;
    report(
      `${label}: ${result.numPassedTests} passed, ${result.numFailedTests} failed`,
      status === 0 && skipped === 0,
      started,
    );
  } catch (error) {
    failed += 1;
    report(`${label}: no result (${error.message})`, false, started);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(label, good, started) {
  process.stdout.write(` ${good ? 'ok' : '!!'}  ${label}  (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}

function run(file, argv, options = { stdio: 'inherit' }) {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { cwd: root, ...options });
    child.on('error', (error) => {
      process.stderr.write(`${file}: ${error.message}\n`);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
