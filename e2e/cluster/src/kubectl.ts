import { join } from 'node:path';
import { enterNetwork, type Machine, runInNetwork } from './machine.ts';
import type { ClusterPlan } from './settings.ts';

export interface KubectlOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 30_000;

/** A look at one object or path, done again and again while waiting: one that hangs must not take the wait's whole time. */
export const lookTimeoutMs = 5000;

/** kubectl against a cluster, in the network that its API server is in. Failures throw as `run` does. */
export interface Kubectl {
  /** Runs `kubectl ARGS`; gives what it printed. */
  (args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** The body of a path of the API. */
  raw(path: string): Promise<string>;
  /** An object or list as JSON. Throws where it is not there. */
  json(args: readonly string[]): Promise<unknown>;
}

/** Kubectl for one cluster. Every call that has no signal of its own ends when `signal` does. */
export function kubectlFor(
  plan: ClusterPlan,
  control: Machine,
  binaries: { kubernetes: string },
  signal?: AbortSignal,
): Kubectl {
  const call = async (args: readonly string[], options: KubectlOptions = {}): Promise<string> => {
    const ends = options.signal ?? signal;
    const { stdout } = await runInNetwork(control, [join(binaries.kubernetes, 'kubectl'), ...args], {
      environment: { KUBECONFIG: plan.kubeconfig },
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(ends === undefined ? {} : { signal: ends }),
    });
    return stdout;
  };
  return Object.assign(call, {
    raw: async (path: string) => await call(['get', '--raw', path], { timeoutMs: lookTimeoutMs }),
    json: async (args: readonly string[]): Promise<unknown> => JSON.parse(await call([...args, '-o', 'json'])),
  });
}

/** The command line and environment of a program that is to reach the cluster: kubectl, the conformance suite, ours. */
export function inClusterNetwork(
  plan: ClusterPlan,
  control: Machine,
  argv: readonly string[],
): { argv: string[]; environment: Record<string, string> } {
  return { argv: [...enterNetwork(control), ...argv], environment: { KUBECONFIG: plan.kubeconfig } };
}
