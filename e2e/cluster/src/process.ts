import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CodedError } from '@tulle/core';

/** What a finished command printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The command is killed, and the run fails, after this long. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** How much of a command's output is kept, from its end. */
const maximumOutputLength = 4 * 1024 * 1024;

/** How many lines of a failed command or of a log a person is shown. */
const tailLines = 15;

/**
 * Runs a command to its end. It dies with this process, even when this process is killed, so that a killed run leaves
 * no build behind.
 *
 * @throws CodedError `command-failed` (with the last lines it printed), `command-timeout`, `command-missing`
 */
export async function run(argv: readonly string[], options: RunOptions): Promise<Output> {
  return await execute(['setpriv', '--pdeathsig', 'KILL', '--', ...argv], argv, options);
}

/** Like `run`, for a command that must not be cut off in the middle: it goes on when this process is killed. */
export async function runToTheEnd(argv: readonly string[], options: RunOptions): Promise<Output> {
  return await execute(argv, argv, options);
}

async function execute(argv: readonly string[], shown: readonly string[], options: RunOptions): Promise<Output> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout = keepEnd(stdout + chunk)));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = keepEnd(stderr + chunk)));
  child.stdin.on('error', () => {
    // The command may end without reading its input: its exit status says whether that was a failure.
  });
  child.stdin.end(options.input ?? '');
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs);
  const status = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', (cause) => {
      if (cause.name === 'AbortError') reject(cause);
      else reject(new CodedError('command-missing', `cannot run ${shown[0]}`, { cause }));
    });
    child.on('close', (code, signal) => resolve(code ?? signal ?? 1));
  }).finally(() => clearTimeout(timer));
  const command = shown.join(' ').slice(0, 300);
  const said = lastLines(`${stdout}\n${stderr}`);
  if (timedOut) {
    throw new CodedError('command-timeout', `not done after ${options.timeoutMs / 1000} s: ${command}\n${said}`);
  }
  if (status !== 0) throw new CodedError('command-failed', `exit status ${status} of: ${command}\n${said}`);
  return { stdout, stderr };
}

/** The last lines of a text that say something, indented for showing below a message. */
export function lastLines(text: string, count: number = tailLines): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-count)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
}

/**
 * When a process started, in clock ticks since the machine did: with its pid, the identity of a process. Undefined
 * when there is no such process, or only its zombie.
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything: the fields are counted from behind it (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function keepEnd(text: string): string {
  return text.length > maximumOutputLength ? text.slice(-maximumOutputLength) : text;
}
