import { resolve } from 'node:path';
import type { DownOptions } from './commands/down.ts';
import type { ExecOptions } from './commands/exec.ts';
import type { LogsOptions } from './commands/logs.ts';
import type { CommandOutput } from './commands/output.ts';
import type { PlaygroundStatusView, StatusOptions } from './commands/status.ts';
import type { UpOptions } from './commands/up.ts';

export type { CommandOutput, DownOptions, ExecOptions, LogsOptions, PlaygroundStatusView, StatusOptions, UpOptions };
export type { PodStatusView } from './commands/status.ts';
export { defaultName, isPlaygroundName, playgroundPaths, playgroundsRoot } from './paths.ts';
export type { PlaygroundPaths } from './paths.ts';
export type { NodeState, PlaygroundProblem, PodPhase, ServiceState } from './state.ts';

// Each command loads what it needs when it runs: `exec` starts in half the time that way.

/** The manifests that `up` uses when no directory is named: a small shop. */
export const exampleDirectory = resolve(import.meta.dirname, '../example');

/**
 * Starts a playground and leaves it running. Gives the exit status: 0 when everything works, 1 when something does not
 * (said on standard error, with the rest running). Throws a CodedError when it cannot be started, or runs already.
 */
export async function playgroundUp(options: UpOptions, output: CommandOutput): Promise<number> {
  const directory = options.directory ?? exampleDirectory;
  return (await import('./commands/up.ts')).playgroundUp({ ...options, directory }, output);
}

/** Takes a playground down: nothing of it is left. Gives the exit status, which is 0 also when there was nothing. */
export async function playgroundDown(options: DownOptions, output: CommandOutput): Promise<number> {
  return (await import('./commands/down.ts')).playgroundDown(options, output);
}

/**
 * Becomes a program that runs in a pod, as its first container runs: input, output, signals and exit status are the
 * program's own. Never comes back; throws a CodedError when it cannot be done.
 */
export async function playgroundExec(options: ExecOptions): Promise<never> {
  return (await import('./commands/exec.ts')).playgroundExec(options);
}

/** Shows a playground; gives the exit status: 0 when it runs, 1 when it crashed. */
export async function playgroundStatus(options: StatusOptions, output: CommandOutput): Promise<number> {
  return (await import('./commands/status.ts')).playgroundStatus(options, output);
}

/** The state of a playground now. Throws a CodedError when there is none. */
export async function readPlaygroundStatus(name?: string): Promise<PlaygroundStatusView> {
  return (await import('./commands/status.ts')).readPlaygroundStatus(name);
}

/** Prints a log, and what is added to it when asked to follow. Gives the exit status. */
export async function playgroundLogs(options: LogsOptions, output: CommandOutput): Promise<number> {
  return (await import('./commands/logs.ts')).playgroundLogs(options, output);
}
