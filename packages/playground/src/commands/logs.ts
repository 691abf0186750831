import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { CodedError } from '@tulle/core';
import { containerLog, processLog } from '../paths.ts';
import { findPlayground, findPod } from './find.ts';
import type { FoundPlayground } from './find.ts';
import type { CommandOutput } from './output.ts';

/** Options of {@link playgroundLogs}. */
export interface LogsOptions {
  readonly name?: string;
  /** `NS/NAME` of a Pod or a Deployment, or `controller`, `agent/NODE`, `supervisor`. */
  readonly of: string;
  /** Of a pod with several; the first when absent. */
  readonly container?: string;
  readonly follow?: boolean;
  /** At most so many of the last lines; all that is kept when absent. */
  readonly tail?: number;
}

const followPollMs = 100;
const chunkBytes = 64 * 1024;

/** Prints a log, and what is added to it when asked to follow. Gives the exit status. */
export async function playgroundLogs(options: LogsOptions, output: CommandOutput): Promise<number> {
  const path = logPath(findPlayground(options.name), options);
  const older = existsSync(`${path}.1`) ? readFileSync(`${path}.1`, 'utf8') : '';
  const newer = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const text = lastLines(older + newer.toString('utf8'), options.tail);
  if (text !== '') output.print(text);
  if (options.follow === true) await follow(path, newer.length, output);
  return 0;
}

function logPath({ paths, state }: FoundPlayground, options: LogsOptions): string {
  const { of } = options;
  if (of === 'controller' || of === 'supervisor') return processLog(paths, of);
  const node = state.nodes.find((each) => of === `agent/${each.name}`);
  if (node !== undefined) return processLog(paths, `agent-${node.name}`);
  const pod = findPod(state, of);
  const container = options.container ?? pod.containers[0] ?? '';
  if (!existsSync(containerLog(paths, pod, container)) && !pod.containers.includes(container)) {
    throw new CodedError('NoContainer', `pod ${pod.namespace}/${pod.name} has no container "${container}"`, {
      hint: `one of these: ${pod.containers.join(', ')}`,
    });
  }
  return containerLog(paths, pod, container);
}

function lastLines(text: string, count: number | undefined): string {
  if (count === undefined) return text;
  const lines = text.split('\n');
  const ended = lines.at(-1) === '' ? 1 : 0;
  return count === 0 ? '' : lines.slice(-count - ended).join('\n');
}

/** Prints what is added to a file until the file is gone. */
async function follow(path: string, from: number, output: CommandOutput): Promise<void> {
  let offset = from;
  let seen = existsSync(path);
  const buffer = Buffer.alloc(chunkBytes);
  const decoder = new TextDecoder();
  for (;;) {
    let size: number;
    try {
      size = statSync(path).size;
      seen = true;
    } catch {
      if (seen) return;
      size = 0;
    }
    // Logs are emptied when they have grown too large.
    if (size < offset) offset = 0;
    while (offset < size) {
      const fd = openSync(path, 'r');
      const count = readSync(fd, buffer, 0, buffer.length, offset);
      closeSync(fd);
      if (count === 0) break;
      offset += count;
      output.print(decoder.decode(buffer.subarray(0, count), { stream: true }));
    }
    await new Promise((resolve) => setTimeout(resolve, followPollMs));
  }
}
