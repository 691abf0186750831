import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';

/** Where playgrounds keep their state when TULLE_PLAYGROUND_ROOT does not say otherwise. */
const defaultRoot = '/run/tulle/playgrounds';

/** Where `ip netns` keeps its named network namespaces. */
export const netnsDir = '/run/netns';

/** The name of a playground when none is given. */
export const defaultName = 'default';

/** How a command line names this playground: nothing for the one that is meant anyway. */
export function nameOption(name: string): string {
  return name === defaultName ? '' : ` --name ${name}`;
}

/** The directory that holds the state of every playground of this machine. */
export function playgroundsRoot(env: NodeJS.ProcessEnv = process.env): string {
  return env['TULLE_PLAYGROUND_ROOT'] ?? defaultRoot;
}

/** Where the parts of one playground are: its files, and the names of its network namespaces. */
export interface PlaygroundPaths {
  readonly name: string;
  /** The directory of all playgrounds. */
  readonly root: string;
  readonly directory: string;
  /** Held while `up` or `down` of this playground runs. */
  readonly lock: string;
  readonly state: string;
  readonly objects: string;
  readonly nodes: string;
  readonly pods: string;
  readonly logs: string;
  readonly tokens: string;
  readonly controllerState: string;
  readonly controllerSocket: string;
  readonly caBundle: string;
  readonly caRootKey: string;
  /** Every network namespace of this playground begins with this; no other playground's does. */
  readonly netnsPrefix: string;
  readonly fabricNetns: string;
}

/** Whether this may be the name of a playground: it becomes part of paths. */
export function isPlaygroundName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name);
}

/**
 * The paths of the playground `name`. Unix socket paths are limited to 107 bytes, so the name is limited to 40.
 *
 * Throws a {@link CodedError} `InvalidName` for a name that could not be part of a path.
 */
export function playgroundPaths(name: string, root: string = playgroundsRoot()): PlaygroundPaths {
  if (!isPlaygroundName(name)) {
    throw new CodedError(
      'InvalidName',
      `"${name}" cannot name a playground: use at most 40 lower case letters, digits and hyphens`,
    );
  }
  const directory = join(root, name);
  // The root is part of the hash, so that two roots can each hold a playground of one name.
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 6);
  const netnsPrefix = `tulle-${hash}-`;
  return {
    name,
    root,
    directory,
    lock: join(root, `${name}.lock`),
    state: join(directory, 'state.json'),
    objects: join(directory, 'objects'),
    nodes: join(directory, 'nodes'),
    pods: join(directory, 'pods'),
    logs: join(directory, 'logs'),
    tokens: join(directory, 'tokens'),
    controllerState: join(directory, 'controller'),
    controllerSocket: join(directory, 'controller.sock'),
    caBundle: join(directory, 'controller', 'ca', 'bundle.pem'),
    caRootKey: join(directory, 'controller', 'ca', 'root.key'),
    netnsPrefix,
    fabricNetns: `${netnsPrefix}fabric`,
  };
}

/** The name of a node's network namespace. Pods' names have a dot in them, so no pod's can equal it. */
export function nodeNetns(paths: PlaygroundPaths, node: string): string {
  return `${paths.netnsPrefix}${node}`;
}

/** The name of a pod's network namespace: readable, and unique by the pod's uid. */
export function podNetns(paths: PlaygroundPaths, pod: { namespace: string; name: string; uid: string }): string {
  return `${paths.netnsPrefix}${pod.namespace}.${pod.name.slice(0, 100)}.${pod.uid.slice(0, 6)}`;
}

/** The path of a named network namespace, for programs that open it. */
export function netnsPath(netns: string): string {
  return join(netnsDir, netns);
}

/** The directory that the agent of `node` reads its pods from. */
export function nodePodsDir(paths: PlaygroundPaths, node: string): string {
  return join(paths.nodes, node, 'pods');
}

/** The admin socket of the agent of `node`. */
export function agentSocket(paths: PlaygroundPaths, node: string): string {
  return join(paths.nodes, node, 'agent.sock');
}

/** The file that a container's output goes to. */
export function containerLog(paths: PlaygroundPaths, pod: { uid: string }, container: string): string {
  return join(paths.logs, 'pods', `${pod.uid}.${container}.log`);
}

/** The file that the output of one of the playground's own processes goes to: `controller`, `agent-n1`, `supervisor`. */
export function processLog(paths: PlaygroundPaths, process: string): string {
  return join(paths.logs, `${process}.log`);
}
