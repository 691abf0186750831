import { CodedError, parseNamespacedName } from '@tulle/core';
import { defaultName, nameOption, playgroundPaths } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { isAlive } from '../processes.ts';
import { readState } from '../state.ts';
import type { PlaygroundState, PodState } from '../state.ts';
import { requireRoot } from './root.ts';

/** A playground that is there. */
export interface FoundPlayground {
  readonly paths: PlaygroundPaths;
  readonly state: PlaygroundState;
  /** Whether its supervisor runs; when not, it crashed, and nothing is repaired any more. */
  readonly running: boolean;
}

/** The playground of this name; throws a {@link CodedError} `NoPlayground` when there is none. */
export function findPlayground(name: string = defaultName): FoundPlayground {
  // Its state is readable for root alone.
  requireRoot();
  const paths = playgroundPaths(name);
  const state = readState(paths);
  if (state !== undefined) return { paths, state, running: isAlive(state.supervisor) };
  throw new CodedError('NoPlayground', `there is no playground "${name}"`, {
    hint: `tulle playground up [DIR]${nameOption(name)}`,
  });
}

/**
 * The pod that `NS/NAME` means: that pod, or the first of that Deployment's that runs. Throws a {@link CodedError}
 * `NoPod` when there is none.
 */
export function findPod(state: PlaygroundState, text: string): PodState {
  const wanted = parseNamespacedName(text);
  const there = state.pods.filter((pod) => pod.namespace === wanted.namespace);
  const exact = there.find((pod) => pod.name === wanted.name);
  if (exact !== undefined) return exact;
  const ofDeployment = there.filter((pod) => pod.deployment === wanted.name);
  const [first] = [...ofDeployment.filter((pod) => pod.phase === 'Running'), ...ofDeployment];
  if (first !== undefined) return first;
  const known = [...new Set(state.pods.map((pod) => `${pod.namespace}/${pod.deployment ?? pod.name}`))];
  throw new CodedError('NoPod', `there is no pod or Deployment "${wanted.namespace}/${wanted.name}"`, {
    hint: known.length === 0 ? 'the playground has no pods' : `one of these: ${known.join(', ')}`,
  });
}
