import { spawn } from 'node:child_process';
import { CodedError } from '@tulle/core';

/** What a program left behind. */
export interface Completed {
  /** -1 when a signal ended it or it ran longer than it may. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputLimitBytes = 4 * 1024 * 1024;

/** Runs a program to its end, with `input` on its standard input. At most `timeoutMs`, then it is killed. */
export function run(
  file: string,
  args: readonly string[],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<Completed> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: options.timeoutMs ?? 20_000 });
    const chunks: { stdout: string; stderr: string } = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (chunks[name].length < outputLimitBytes) chunks[name] += text;
      });
    }
    // A program that ends before it read everything closes the pipe: its exit status says what happened.
    child.stdin.on('error', () => {});
    child.on('error', (cause) =>
      reject(
        new CodedError('ProgramMissing', `cannot run ${file}`, {
          cause,
          hint: 'npm run setup (it installs what is missing)',
        }),
      ),
    );
    child.on('close', (code) => resolve({ status: code ?? -1, ...chunks }));
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a program that is expected to succeed; throws a {@link CodedError} `CommandFailed` with its words otherwise. */
export async function runOrThrow(file: string, args: readonly string[], input?: string): Promise<string> {
  const done = await run(file, args, input === undefined ? {} : { input });
  if (done.status !== 0) {
    const said = done.stderr.trim() || done.stdout.trim() || `exit status ${done.status}`;
    throw new CodedError('CommandFailed', `${file} ${args.join(' ')}: ${said}`);
  }
  return done.stdout;
}
