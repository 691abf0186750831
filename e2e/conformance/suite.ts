import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cluster } from './command.ts';

/** How the suite is to run. */
export interface SuiteOptions {
  readonly program: string;
  readonly features: string;
  /** The label that puts the suite's namespaces into the mesh. */
  readonly label: string;
  readonly report: string;
  /** The one test to run; all by default. */
  readonly test?: string;
  /** Told of each test that passed or failed. */
  readonly onResult: (result: 'PASS' | 'FAIL', test: string, took: string) => void;
}

/** Five times what it takes on two busy cores. */
const suiteTimeoutMinutes = 15;

const shownLines = 12;

/** Runs the suite to its end; gives its exit status and how many tests it left out. */
export async function runSuite(options: SuiteOptions): Promise<{ status: number; skipped: number; log: string }> {
  const { features, label, onResult, program, report, test } = options;
  mkdirSync(dirname(report), { recursive: true });
  rmSync(report, { force: true });
  const argv = [
    program,
    '-test.run=TestConformance',
    '-test.v',
    `-test.timeout=${suiteTimeoutMinutes}m`,
    `--supported-features=${features}`,
    '--conformance-profiles=MESH-HTTP,MESH-GRPC',
    `--namespace-labels=${label}`,
    '--cleanup-base-resources=true',
    '--organization=tulle',
    '--project=tulle',
    '--url=https://tulle.dev',
    '--version=v0.1.0',
    '--contact=@tulle/maintainers',
    `--report-output=${report}`,
    ...(test === undefined ? [] : [`--run-test=${test}`]),
  ];
  let skipped = 0;
  const { status, output } = await cluster(['run', '--', ...argv], {
    timeoutMs: (suiteTimeoutMinutes + 1) * 60_000,
    onLine: (line) => {
      const [, result, name = '', took = ''] =
        /^\s*--- (PASS|FAIL|SKIP): TestConformance\/(\S+) \((.*)\)/.exec(line) ?? [];
      if (name === '' || name.includes('/')) return;
      if (result === 'SKIP') skipped += 1;
      else if (result === 'PASS' || result === 'FAIL') onResult(result, name, took);
    },
  });
  const folder = join(dirname(report), 'out');
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'suite.log');
  writeFileSync(log, output);
  return { status, skipped, log };
}

/** What the suite printed last while a test of it ran, or at its end when it never came to that test. */
export function linesOfTest(log: string, test: string): string[] {
  let inTest = false;
  const lines: string[] = [];
  for (const line of log.split('\n')) {
    const [, name] = /^\s*=== (?:RUN|CONT|NAME)\s+TestConformance\/([^/\s]+)/.exec(line) ?? [];
    if (name !== undefined) inTest = name === test;
    else if (inTest && line.trim() !== '') lines.push(line.trim());
  }
  return (lines.length === 0 ? log.trimEnd().split('\n') : lines).slice(-shownLines);
}
