import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { CodedError } from '@tulle/core';
import type { ProcessIdentity } from './state.ts';

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

/** The identity of a running process, or undefined when there is none with this number (a zombie is none). */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold anything: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks };
}

/** Whether exactly this process still runs. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTicks === process.startTicks;
}

/** Sends a signal to exactly this process; nothing happens when it has ended. */
export function signal(process: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(process)) return;
  try {
    globalThis.process.kill(process.pid, name);
  } catch {
    // It ended in between.
  }
}

/** Which namespace of a kind a process is in: `net:[4026531840]`, or undefined when it has ended. */
export function namespaceOf(pid: number | 'self', kind: 'net' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

/** Every process whose namespace of this kind is one of `namespaces` (in the form of {@link namespaceOf}). */
export function processesIn(kind: 'net' | 'mnt', namespaces: ReadonlySet<string>): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  if (namespaces.size === 0) return found;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const namespace = namespaceOf(pid, kind);
    if (namespace === undefined || !namespaces.has(namespace)) continue;
    const identity = identify(pid);
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Waits until none of the processes runs, at most `timeoutMs`; gives those that still do. */
export async function waitForExit(
  processes: readonly ProcessIdentity[],
  timeoutMs: number,
): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + timeoutMs;
  let alive = processes.filter(isAlive);
  while (alive.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    alive = alive.filter(isAlive);
  }
  return alive;
}
