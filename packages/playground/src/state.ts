import { readFileSync } from 'node:fs';
import { writeFileAtomically } from './files.ts';
import type { PlaygroundPaths } from './paths.ts';

/** A process that can be told from another that got its number later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTicks: string;
}

/** Something wrong with an object, or with the playground as a whole. */
export interface PlaygroundProblem {
  /** `error`: something that was asked for does not happen. `warning`: something is ignored. */
  readonly severity: 'error' | 'warning';
  /** Where the object was read from, and the line in it; absent for what is not about one object. */
  readonly file?: string;
  readonly line?: number;
  /** `Kind NS/NAME`. */
  readonly object?: string;
  readonly message: string;
}

/** A node, as `playground status -o json` shows it. */
export interface NodeState {
  readonly name: string;
  /** Its IPv4 address on the bridge between the nodes. */
  readonly address: string;
  /** For `ip netns exec`. */
  readonly netns: string;
  /** The interface towards the other nodes, inside `netns`. */
  readonly link: string;
}

/** What a pod is doing. `CrashLoopBackOff` and `Terminating` are Kubernetes' display names, not phases of its API. */
export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'CrashLoopBackOff' | 'Terminating';

/** A pod, as it is kept in the state file. */
export interface PodState {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly ip: string;
  readonly netns: string;
  readonly phase: PodPhase;
  readonly ready: boolean;
  /** The Deployment that made it. */
  readonly deployment?: string;
  /** Whether its labels and its namespace's ask for the mesh. */
  readonly wanted: boolean;
  readonly restarts: number;
  /** Why it is not ready. */
  readonly reason?: string;
  readonly containers: readonly string[];
  /** The process that holds the pod's namespaces; absent while there is none. */
  readonly sandbox?: ProcessIdentity;
  /** What a program is started with in the pod: its own words go behind `args`. */
  readonly exec?: {
    readonly file: string;
    readonly args: readonly string[];
    readonly env: { readonly [name: string]: string };
  };
}

/** A Service. `clusterIP` is `None` for a headless one. */
export interface ServiceState {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIP: string;
}

/** What the supervisor keeps in `state.json`, for the commands. */
export interface PlaygroundState {
  readonly name: string;
  /** The directory of manifests, absolute. */
  readonly manifests: string;
  readonly mesh: boolean;
  /** Until everything of the first reading has been tried, and from then on. */
  readonly stage: 'starting' | 'running';
  readonly supervisor: ProcessIdentity;
  readonly nodes: readonly NodeState[];
  readonly pods: readonly PodState[];
  readonly services: readonly ServiceState[];
  readonly ca: { readonly bundle: string; readonly rootKey: string };
  readonly problems: readonly PlaygroundProblem[];
}

/** The playground's state as it was last written, or undefined when there is none. */
export function readState(paths: PlaygroundPaths): PlaygroundState | undefined {
  try {
    return JSON.parse(readFileSync(paths.state, 'utf8')) as PlaygroundState;
  } catch {
    return undefined;
  }
}

/** Writes the state: a reader sees the old or the new, never a part. */
export function writeState(paths: PlaygroundPaths, state: PlaygroundState): void {
  writeFileAtomically(paths.state, `${JSON.stringify(state, null, 1)}\n`);
}
