import { spawn } from 'node:child_process';
import { CodedError } from '@tulle/core';

/** A command that ended with a status other than 0; the message has its last lines. */
export class CommandError extends CodedError {
  readonly status: number;

  constructor(command: string, status: number, output: string) {
    super('command-failed', `${command} ended with status ${status}: ${output.trim().slice(-2_000) || 'no output'}`);
    this.name = 'CommandError';
    this.status = status;
  }
}

/** Runs a command to its end with `input` on standard input; gives standard output. Throws {@link CommandError}. */
export function runCommand(file: string, argv: readonly string[], input = '', timeoutMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => errors.push(bytes));
    child.on('error', (error) => reject(new CodedError('command-failed', `cannot run ${file}`, { cause: error })));
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(output).toString());
      else reject(new CommandError([file, ...argv].join(' '), status ?? -1, Buffer.concat(errors).toString()));
    });
    // A command that ends before it has read its input says so by its status.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
