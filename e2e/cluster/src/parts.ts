import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { type Machine, type RunningPart, startPart } from './machine.ts';
import { lastLines } from './process.ts';
import type { ClusterPlan } from './settings.ts';
import { waitFor } from './wait.ts';

/**
 * The parts of a cluster while it starts. The first that ends makes every wait fail with its name and its last lines;
 * a wait that takes too long fails with the last lines of the parts it was waiting for.
 */
export class Parts {
  readonly #plan: ClusterPlan;
  readonly #running: RunningPart[] = [];
  readonly #failure = new AbortController();

  constructor(plan: ClusterPlan) {
    this.#plan = plan;
  }

  /** Aborted, with an error that names the part, when a part ends. */
  get signal(): AbortSignal {
    return this.#failure.signal;
  }

  get running(): readonly RunningPart[] {
    return this.#running;
  }

  /** Starts a part in a machine. Its log is `MACHINE-PART.log` in the cluster's folder of logs. */
  start(machine: Machine, part: string, argv: readonly string[]): void {
    const name = partName(machine, part);
    const logFile = join(this.#plan.logDirectory, `${name}.log`);
    const died = (_: string, status: string): void => {
      const message = `${name} ended with ${status}. Its last lines (${logFile}):\n${tailOf(logFile)}`;
      this.#failure.abort(new CodedError('part-ended', message));
    };
    this.#running.push(startPart(machine, { name, argv, logFile }, died));
  }

  /** Waits until a part is ready, as `look` says. Throws what `waitFor` throws, with the parts' last lines. */
  async ready(
    parts: readonly string[],
    what: string,
    look: () => Promise<true | undefined>,
    timeoutMs: number,
  ): Promise<void> {
    try {
      await waitFor(what, look, { timeoutMs, signal: this.signal });
    } catch (error) {
      this.signal.throwIfAborted();
      const logs = this.#running.filter(({ name }) => parts.includes(name)).map(({ logFile }) => logFile);
      const said = logs.map((file) => `  The last lines of ${file}:\n${tailOf(file)}`).join('\n');
      throw new CodedError('part-not-ready', `${what}: not ready.\n${said}`, { cause: error });
    }
  }
}

/** The name of a part in messages, logs and the state: `n1-kubelet`. */
export function partName(machine: Pick<Machine, 'name'>, part: string): string {
  return `${machine.name}-${part}`;
}

function tailOf(file: string): string {
  try {
    return lastLines(readFileSync(file, 'utf8'));
  } catch {
    return '    (no log)';
  }
}
