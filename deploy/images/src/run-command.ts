import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** How much of a command's output is kept. */
const maximumOutputBytes = 16 * 1024 * 1024;

/** Runs a command with low priority; gives what it printed. An error carries its last lines and, where known, a hint. */
export async function runCommand(
  argv: readonly string[],
  options: { timeoutMs: number; cwd?: string; environment?: Readonly<Record<string, string>>; hint?: string },
): Promise<string> {
  try {
    const { stdout } = await execute('nice', ['-n', '15', ...argv], {
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: maximumOutputBytes,
      env: { ...process.env, ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    return stdout;
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
    const tail = said.trim().split('\n').slice(-15).join('\n');
    const hint = options.hint === undefined ? '' : `\n${options.hint}`;
    throw new Error(`failed: ${argv.join(' ')}\n${tail}${hint}`, { cause });
  }
}
