import { spawn } from 'node:child_process';
import { CodedError } from '@tulle/core';

/** What a program left behind. */
export interface Completed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  /** After so long it is killed, and its status is -1. */
  readonly timeoutMs: number;
  /** A network namespace by name, which the program runs in. */
  readonly netns?: string;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

const outputLimit = 16 * 1024 * 1024;

/** Runs a program to its end. What it cannot do shows in its status; throws only when it does not exist. */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<Completed> {
  const [program, argv] =
    options.netns === undefined
      ? [file, args]
      : ['nsenter', [`--net=/run/netns/${options.netns}`, '--', file, ...args]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (said[name].length < outputLimit) said[name] += text;
      });
    }
    // A program that ends before it has read everything says why by its status.
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? -1, ...said }));
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a program that must succeed and gives its output; throws a CodedError `CommandFailed` with its last words. */
export async function runOrThrow(file: string, args: readonly string[], options: RunOptions): Promise<string> {
  const done = await run(file, args, options);
  if (done.status === 0) return done.stdout;
  const words = (done.stderr.trim() || done.stdout.trim()).split('\n').slice(-8).join('\n  ');
  throw new CodedError('CommandFailed', `${[file, ...args].join(' ')} ended with ${done.status}\n  ${words}`);
}
