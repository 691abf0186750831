import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const clusterMain = join(import.meta.dirname, '../cluster/src/main.ts');
const nodeFlags = ['--disable-warning=ExperimentalWarning'];

/** What is started here ends with this process, even when that is killed: a suite that went on would disturb the next. */
const withParent = ['--pdeathsig', 'KILL', '--', process.execPath, ...nodeFlags, clusterMain];

/** The cluster that commands go to; each test of a cluster may have its own. */
let clusterName = process.env['TULLE_CLUSTER'] ?? 'main';

/** Sends all commands to the cluster of this name. */
export function useCluster(name: string): void {
  clusterName = name;
}

/** The command line with the cluster's name where the subcommand takes one. */
function withName([subcommand = '', ...rest]: readonly string[]): string[] {
  return subcommand === 'build' ? [subcommand, ...rest] : [subcommand, '--name', clusterName, ...rest];
}

/** What a command did. */
export interface CommandResult {
  readonly status: number;
  readonly output: string;
}

/** Runs a command of the cluster (`up`, `kubectl …`, `run -- …`); `onLine` is told each line as it comes. */
export function cluster(
  argv: readonly string[],
  options: { readonly input?: string; readonly onLine?: (line: string) => void; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', [...withParent, ...withName(argv)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
    });
    let output = '';
    let rest = '';
    const take = (bytes: Buffer) => {
      output += bytes.toString();
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a command of the cluster until it is stopped; `onLine` is told each line that it prints. */
export function follow(argv: readonly string[], onLine: (line: string) => void): { stop(): Promise<void> } {
  const child = spawn('setpriv', [...withParent, ...withName(argv)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  createInterface({ input: child.stdout }).on('line', onLine);
  return {
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** Runs a command of the cluster that must succeed; gives what it printed. */
export async function must(
  argv: readonly string[],
  options: { readonly onLine?: (line: string) => void; readonly timeoutMs?: number } = {},
): Promise<string> {
  const result = await cluster(argv, options);
  if (result.status !== 0) {
    throw new Error(
      `${argv.slice(0, 6).join(' ')} ended with ${result.status}:\n${result.output.trimEnd().slice(-3_000)}`,
    );
  }
  return result.output;
}

/** `kubectl ARGS`, which must succeed. */
export function kubectl(argv: readonly string[]): Promise<string> {
  return must(['kubectl', ...argv]);
}
