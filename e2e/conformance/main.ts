// `npm run conformance`: the Gateway API's official suite, its mesh profiles, against Tulle on the real cluster.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '@tulle/core';
import { parse } from 'yaml';
import { recordCapture, suiteNamespaces } from './capture-proof.ts';
import { cluster, kubectl, must, useCluster } from './command.ts';
import { publishedResults, upstreamMeshFeatures } from './published.ts';
import { comparison, type Report, resultOf, totalOf } from './report.ts';
import { linesOfTest, runSuite } from './suite.ts';

const { values: options } = parseArgs({
  options: {
    'run-test': { type: 'string' },
    'skip-install': { type: 'boolean', default: false },
    name: { type: 'string', default: process.env['TULLE_CLUSTER'] ?? 'main' },
    features: { type: 'string' },
    label: { type: 'string', default: 'tulle.dev/mesh=enabled' },
    report: { type: 'string', default: join(import.meta.dirname, 'report.yaml') },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(
    'usage: npm run conformance [-- --run-test NAME] [-- --skip-install] [-- --features A,B] [-- --label KEY=VALUE]\n' +
      '                           [-- --report FILE] [-- --name CLUSTER]\n' +
      '  Needs no cluster: brings one up, installs the mesh in it, and leaves both (npm run cluster:down).\n' +
      '  With --label tulle.dev/mesh=disabled it shows that a run outside of the mesh is told from one within it.\n',
  );
  process.exit(0);
}

const repository = join(import.meta.dirname, '../..');
const started = performance.now();

/** The longest that binaries may take to build on a machine that has none of them. */
const buildTimeoutMs = 3_600_000;

/** The meshes that are named beside ours, however many published reports. */
const namedMeshes = ['istio', 'Linkerd', 'cilium'];

function progress(text: string): void {
  process.stdout.write(`[${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s] ${text}\n`);
}

interface BinaryPaths {
  readonly conformance: string;
  readonly 'gateway-api': string;
}

/** Brings up the cluster with the mesh in it, and gives where the suite is. */
async function prepare(): Promise<BinaryPaths> {
  const long = { timeoutMs: buildTimeoutMs, onLine: (line: string) => /^ +\d/.test(line) && progress(line.trim()) };
  const built = await must(['build'], long);
  const binaries = JSON.parse(built.slice(built.indexOf('{'))) as BinaryPaths;
  if (options['skip-install']) return binaries;
  await must(['up'], long);
  // What a run that was killed left of the suite's objects would be in the way of this one.
  await kubectl(['delete', 'namespace', ...suiteNamespaces, '--ignore-not-found', '--wait']);
  progress('the mesh is installed');
  const there = await cluster(['kubectl', '-n', 'tulle-system', 'get', 'daemonset/agent', '-o', 'name']);
  if (there.status === 0) {
    // Images of this checkout have the name of those before.
    await kubectl(['-n', 'tulle-system', 'delete', 'daemonset/agent', 'deployment/mesh-controller', '--wait']);
  }
  await must(['run', '--', join(repository, 'tulle'), 'install']);
  return binaries;
}

/** The requests that all agents have counted so far. */
async function requestsCounted(): Promise<number> {
  const nodes = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: { status: { addresses: { type: string; address: string }[] } }[];
  };
  let sum = 0;
  for (const node of nodes.items) {
    const address = node.status.addresses.find((candidate) => candidate.type === 'InternalIP')?.address;
    const { output } = await cluster(['run', '--', 'curl', '-s', '-m', '5', `http://${address}:15020/metrics`]);
    for (const match of output.matchAll(/^http_client_request_duration_seconds_count\{[^}]*\} (\d+)$/gm)) {
      sum += Number(match[1]);
    }
  }
  return sum;
}

/** The features that the mesh itself claims, in the status of its XMesh. */
async function claimedFeatures(): Promise<string> {
  const mesh = JSON.parse(await kubectl(['get', 'xmeshes.gateway.networking.x-k8s.io', 'tulle', '-o', 'json'])) as {
    status?: { supportedFeatures?: { name: string }[] };
  };
  const features = mesh.status?.supportedFeatures ?? [];
  if (features.length === 0)
    throw new Error('the XMesh "tulle" claims no features; see the log of the mesh controller');
  return features.map(({ name }) => name).join(',');
}

/** Prints what was reached beside what others published, and gives the counts. */
function summary(binaries: BinaryPaths): { passed: number; failed: number } {
  const ours = resultOf(parse(readFileSync(options.report, 'utf8')) as Report, 'Tulle 0.1.0');
  const published = publishedResults(join(binaries['gateway-api'], 'reports'));
  const upstream = upstreamMeshFeatures(join(binaries['gateway-api'], 'features'));
  const named = namedMeshes.flatMap((name) => published.find(({ mesh }) => mesh.startsWith(`${name} `)) ?? []);
  process.stdout.write(`\n${comparison([ours, ...named], upstream)}\n`);
  const whole = published.filter(({ features }) => upstream.every((feature) => features.has(feature)));
  process.stdout.write(
    `\nOf the ${published.length} meshes whose reports the suite's own module holds, ` +
      `${whole.length === 0 ? 'none has' : `${whole.map(({ mesh }) => mesh).join(', ')} have`} every extended feature.\n`,
  );
  if (ours.failedTests.length > 0) process.stdout.write(`failed: ${ours.failedTests.join(', ')}\n`);
  return totalOf(ours);
}

async function main(): Promise<{ passed: number; failed: number }> {
  const binaries = await prepare();
  const before = await requestsCounted();
  const features = options.features ?? (await claimedFeatures());
  const capture = recordCapture();
  progress('the official suite runs');
  const failedTests: string[] = [];
  const suite = await runSuite({
    program: join(binaries.conformance, 'conformance.test'),
    features,
    label: options.label,
    report: options.report,
    ...(options['run-test'] === undefined ? {} : { test: options['run-test'] }),
    onResult: (result, test, took) => {
      progress(`${result}  ${test}  (${took})`);
      if (result === 'FAIL') failedTests.push(test);
    },
  });
  await capture.stop();
  progress(`${suite.skipped} tests of gateways, or of features that are not a mesh's, were left out by the suite`);
  const log = readFileSync(suite.log, 'utf8');
  for (const test of failedTests) {
    process.stdout.write(`\n${test} failed; its last lines in ${suite.log}:\n`);
    for (const line of linesOfTest(log, test)) process.stdout.write(`    ${line.slice(0, 300)}\n`);
  }
  const verdict = capture.record.verdict((await requestsCounted()) - before);
  progress(verdict.text);
  let counts = { passed: 0, failed: 1 };
  if (existsSync(options.report)) counts = summary(binaries);
  else process.stdout.write(`the suite wrote no report; it ended with ${suite.status}: ${suite.log}\n`);
  if (!verdict.proven) process.stdout.write('NOT PROVEN: the suite did not run through the mesh\n');
  const failed = counts.failed + (verdict.proven ? 0 : 1);
  return { passed: counts.passed, failed: failed === 0 && suite.status !== 0 ? 1 : failed };
}

useCluster(options.name);
try {
  const { passed, failed } = await main();
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  process.stdout.write(`conformance: ${errorMessage(error)}\n\n0 passed, 1 failed\n`);
  process.exitCode = 1;
}
