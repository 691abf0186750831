import { CodedError } from '@tulle/core';
import { makeBlocking } from '@tulle/linux';
import { isAlive } from '../processes.ts';
import { nameOption } from '../paths.ts';
import { findPlayground, findPod } from './find.ts';

/** Options of {@link playgroundExec}. */
export interface ExecOptions {
  readonly name?: string;
  /** `NS/NAME` of a Pod or a Deployment. */
  readonly pod: string;
  readonly command: readonly string[];
}

/**
 * Runs a program in a pod, as its first container runs: this process becomes that program, so that its input, output,
 * signals and exit status are the program's own. Never comes back; throws a {@link CodedError} when it cannot be done.
 */
export function playgroundExec(options: ExecOptions): never {
  const { state, running } = findPlayground(options.name);
  const pod = findPod(state, options.pod);
  if (pod.exec === undefined || pod.sandbox === undefined || !isAlive(pod.sandbox)) {
    const name = `${pod.namespace}/${pod.name}`;
    const why = running ? (pod.reason ?? pod.phase) : 'the playground has crashed';
    const option = nameOption(state.name);
    throw new CodedError('PodNotRunning', `pod ${name} is not running: ${why}`, {
      hint: running ? `tulle playground logs${option} ${name}` : `tulle playground up${option}, which cleans up first`,
    });
  }
  if (options.command.length === 0) throw new CodedError('NoCommand', 'no program was named');
  const terminal = process.env['TERM'] === undefined ? {} : { TERM: process.env['TERM'] };
  if (process.execve === undefined) throw new CodedError('NoExecve', 'this Node cannot become another program');
  for (const standardStream of [0, 1, 2]) makeBlocking(standardStream);
  return process.execve(pod.exec.file, ['nsenter', ...pod.exec.args, ...options.command], {
    ...terminal,
    ...pod.exec.env,
  });
}
