// `npm run conformance`: the Gateway API's official suite, its mesh profiles, against Tulle on the real cluster.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { cluster, kubectl, must, useCluster } from './command.ts';
import { publishedReports } from './published.ts';

const { values: options } = parseArgs({
  options: {
    'run-test': { type: 'string' },
    'skip-install': { type: 'boolean', default: false },
    name: { type: 'string', default: 'main' },
    features: { type: 'string' },
    report: { type: 'string', default: join(import.meta.dirname, 'report.yaml') },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(
    'usage: npm run conformance [-- --run-test NAME] [-- --skip-install] [-- --features A,B] [-- --report FILE] [-- --name CLUSTER]\n' +
      '  Needs no cluster: brings one up, installs the mesh in it, and leaves both (npm run cluster:down).\n',
  );
  process.exit(0);
}

const suiteNamespaces = ['gateway-conformance-mesh', 'gateway-conformance-mesh-consumer'];
const started = performance.now();

function progress(text: string): void {
  process.stdout.write(`[${((performance.now() - started) / 1_000).toFixed(0).padStart(4)} s] ${text}\n`);
}

interface BinaryPaths {
  readonly conformance: string;
}

/** Brings up the cluster with the mesh in it, and gives where the suite is. */
async function prepare(): Promise<BinaryPaths> {
  const built = await must(['build']);
  const binaries = JSON.parse(built.slice(built.indexOf('{'))) as BinaryPaths;
  if ((await cluster(['status'])).status !== 0) {
    progress('the cluster comes up');
    await must(['up']);
  }
  if (options['skip-install']) return binaries;
  progress('images of this checkout go to the nodes');
  await must(['images', 'agent', 'mesh-controller']);
  progress('CRDs of the Gateway API');
  await kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(binaries.conformance, 'crds/experimental')]);
  progress('the mesh is installed');
  const base = join(import.meta.dirname, '../../deploy/kustomize/single-machine');
  await kubectl(['apply', '--server-side', '--force-conflicts', '-k', base]);
  await kubectl(['-n', 'tulle-system', 'rollout', 'restart', 'deployment/mesh-controller', 'daemonset/agent']);
  await kubectl(['-n', 'tulle-system', 'rollout', 'status', 'deployment/mesh-controller', '--timeout=180s']);
  await kubectl(['-n', 'tulle-system', 'rollout', 'status', 'daemonset/agent', '--timeout=180s']);
  return binaries;
}

/** Watches, while the suite runs, that its pods are really in the mesh: plain Kubernetes passes some tests by luck. */
class CaptureProof {
  readonly captured = new Set<string>();
  readonly seen = new Set<string>();
  #running = true;
  readonly #done: Promise<void>;

  constructor() {
    this.#done = this.#watch();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #watch(): Promise<void> {
    while (this.#running) {
      for (const namespace of suiteNamespaces) {
        const { status, output } = await cluster(['kubectl', '-n', namespace, 'get', 'pods', '-o', 'json']);
        if (status !== 0) continue;
        for (const pod of podsOf(output)) {
          this.seen.add(`${namespace}/${pod.metadata.name}`);
          if (pod.metadata.annotations?.['tulle.dev/captured'] !== undefined) {
            this.captured.add(`${namespace}/${pod.metadata.name}`);
          }
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string | undefined> };
}

function podsOf(text: string): PodObject[] {
  try {
    return (JSON.parse(text) as { items: PodObject[] }).items;
  } catch {
    return [];
  }
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

interface ReportCounts {
  readonly result?: string;
  readonly statistics?: { readonly Passed: number; readonly Failed: number; readonly Skipped: number };
  readonly failedTests?: readonly string[];
}

interface Report {
  readonly profiles: readonly {
    readonly name: string;
    readonly core?: ReportCounts;
    readonly extended?: ReportCounts;
  }[];
}

function summary(report: Report): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  process.stdout.write('\nPROFILE      CORE      EXTENDED   FAILED\n');
  for (const { name, core, extended } of report.profiles) {
    const counts = (part: ReportCounts | undefined): string => {
      const { Passed = 0, Failed = 0 } = part?.statistics ?? {};
      passed += Passed;
      failed += Failed;
      return `${Passed} of ${Passed + Failed}`;
    };
    const failures = [...(core?.failedTests ?? []), ...(extended?.failedTests ?? [])].join(', ') || '-';
    process.stdout.write(`${name.padEnd(12)} ${counts(core).padEnd(9)} ${counts(extended).padEnd(10)} ${failures}\n`);
  }
  process.stdout.write('\nPublished by others:\n');
  for (const { mesh, lacks } of publishedReports) process.stdout.write(`${mesh.padEnd(14)} lacks ${lacks}\n`);
  return { passed, failed };
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

async function runSuite(binaries: BinaryPaths): Promise<number> {
  mkdirSync(dirname(options.report), { recursive: true });
  rmSync(options.report, { force: true });
  const features = options.features ?? (await claimedFeatures());
  const argv = [
    join(binaries.conformance, 'conformance.test'),
    '-test.run=TestConformance',
    '-test.v',
    '-test.timeout=25m',
    `--supported-features=${features}`,
    '--conformance-profiles=MESH-HTTP,MESH-GRPC',
    '--namespace-labels=tulle.dev/mesh=enabled',
    '--cleanup-base-resources=true',
    '--organization=tulle',
    '--project=tulle',
    '--url=https://tulle.dev',
    '--version=v0.1.0',
    '--contact=@tulle/maintainers',
    `--report-output=${options.report}`,
    ...(options['run-test'] === undefined ? [] : [`--run-test=${options['run-test']}`]),
  ];
  const { status, output } = await cluster(['run', '--', ...argv], {
    timeoutMs: 1_800_000,
    onLine: (line) => {
      const result = /^\s*--- (PASS|FAIL|SKIP): TestConformance\/(\S+) \((.*)\)/.exec(line);
      if (result !== null && !(result[2] ?? '').includes('/')) progress(`${result[1]}  ${result[2]}  (${result[3]})`);
    },
  });
  const log = join(dirname(options.report), 'out');
  mkdirSync(log, { recursive: true });
  writeFileSync(join(log, 'suite.log'), output);
  return status;
}

useCluster(options.name);
const binaries = await prepare();
const before = await requestsCounted();
const proof = new CaptureProof();
progress('the official suite runs');
const status = await runSuite(binaries);
await proof.stop();
const counted = (await requestsCounted()) - before;
const uncaptured = [...proof.seen].filter((pod) => !proof.captured.has(pod));
progress(
  `pods of the suite captured while it ran: ${proof.captured.size} of ${proof.seen.size}` +
    `${uncaptured.length > 0 ? ` (not: ${uncaptured.join(', ')})` : ''}; requests counted by the agents: ${counted}`,
);
let counts = { passed: 0, failed: 1 };
if (existsSync(options.report)) counts = summary(parse(readFileSync(options.report, 'utf8')) as Report);
else process.stdout.write('the suite wrote no report; its log is e2e/conformance/out/suite.log\n');
const proven = proof.captured.size > 0 && uncaptured.length === 0 && counted > 0;
if (!proven) process.stdout.write('NOT PROVEN: the suite did not run through the mesh\n');
const failed = counts.failed + (proven ? 0 : 1);
process.stdout.write(`\n${counts.passed} passed, ${failed} failed\n`);
process.exitCode = status === 0 && failed === 0 ? 0 : 1;
