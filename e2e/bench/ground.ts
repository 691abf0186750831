import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from '@tulle/core';
import { playgroundDown, playgroundPaths, playgroundUp, readPlaygroundStatus } from '@tulle/playground';
import type { CommandOutput, PlaygroundStatusView, PodStatusView } from '@tulle/playground';
import { Client } from 'undici';
import { namespaceManifests, writeManifests } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import { allProcesses, commandLine, netnsInode, netnsOf } from './processes.ts';

/** How a playground for measuring is started. */
export interface GroundOptions {
  readonly name: string;
  readonly mesh: boolean;
  readonly workers: number;
  readonly sameNode?: 'tunnel' | 'direct';
  /** Flags for the agents, passed on as they are. */
  readonly agentFlags?: readonly string[];
  readonly log: (line: string) => void;
}

/** How long everything of a set of manifests may take to be ready. */
const readyTimeoutMs = 60_000;

const pollMs = 100;

/** A playground that is there for a benchmark alone, and gone with it. */
export class Ground implements AsyncDisposable {
  /** For the files of the pods' programs; gone with the playground. */
  readonly directory: string;
  readonly #options: GroundOptions;
  readonly #manifests: string;
  readonly #output: CommandOutput;
  #said = '';

  private constructor(options: GroundOptions) {
    this.#options = options;
    this.directory = mkdtempSync(join(tmpdir(), 'tulle-bench-'));
    this.#manifests = join(this.directory, 'manifests');
    mkdirSync(this.#manifests);
    this.#output = {
      print: () => {},
      printError: (text) => {
        this.#said = `${this.#said}${text}`.slice(-4000);
      },
    };
  }

  /** Starts a playground with the pods that `files` describes, by file name. */
  static async start(
    options: GroundOptions,
    files: (directory: string) => { readonly [file: string]: readonly Manifest[] },
  ): Promise<Ground> {
    await refuseRunning(options.name);
    const ground = new Ground(options);
    try {
      writeManifests(ground.#manifests, '00-namespaces.yaml', namespaceManifests());
      for (const [file, objects] of Object.entries(files(ground.directory)))
        writeManifests(ground.#manifests, file, objects);
      const { name, mesh, workers, sameNode = 'tunnel', agentFlags = [] } = options;
      const up = {
        name,
        directory: ground.#manifests,
        mesh,
        workers,
        sameNode,
        agentFlags,
        timeoutMs: readyTimeoutMs,
      };
      const status = await playgroundUp(up, ground.#output);
      if (status !== 0) throw new CodedError('NotReady', `the playground did not get ready:\n${ground.#said.trim()}`);
      return ground;
    } catch (error) {
      await ground[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Adds manifests, and waits until all that they ask for is ready. */
  async add(file: string, objects: readonly Manifest[]): Promise<void> {
    writeManifests(this.#manifests, file, objects);
    const wanted = objects.flatMap((each) => (each['kind'] === 'Pod' ? [podKey(each)] : []));
    const deadline = performance.now() + readyTimeoutMs;
    for (;;) {
      const view = await this.status();
      const ready = new Set(view.pods.flatMap((pod) => (pod.ready ? [`${pod.namespace}/${pod.name}`] : [])));
      const missing = wanted.filter((key) => !ready.has(key));
      if (missing.length === 0) return;
      if (performance.now() > deadline) throw new CodedError('NotReady', this.#notReady(view, missing));
      await pause(pollMs);
    }
  }

  /** The playground as it is now. */
  status(): Promise<PlaygroundStatusView> {
    return readPlaygroundStatus(this.#options.name);
  }

  /** A pod by `NS/NAME`. */
  async pod(key: string): Promise<PodStatusView> {
    const found = (await this.status()).pods.find((pod) => `${pod.namespace}/${pod.name}` === key);
    if (found === undefined) throw new CodedError('NoPod', `the playground has no pod ${key}`);
    return found;
  }

  /** The inodes of all its network namespaces. */
  namespaces(): Set<number> {
    const { netnsPrefix } = playgroundPaths(this.#options.name);
    const names = readdirSync('/run/netns').filter((name) => name.startsWith(netnsPrefix));
    return new Set(names.map((name) => netnsInode(name)));
  }

  /** The processes called `name` in a pod. */
  processesIn(pod: PodStatusView, name: string): number[] {
    const inode = netnsInode(pod.netns);
    return allProcesses().flatMap((each) => (each.name === name && netnsOf(each.pid) === inode ? [each.pid] : []));
  }

  /** The processes of a node's agent: its own first, then its workers. */
  agent(node: string): { readonly main: number; readonly workers: readonly number[] } {
    const socket = `unix:${join(playgroundPaths(this.#options.name).nodes, node, 'agent.sock')}`;
    const all = allProcesses();
    const main = all.find((each) => {
      const argv = commandLine(each.pid);
      return argv.includes(socket) && argv.some((word) => word.endsWith('/agent/src/main.ts'));
    });
    if (main === undefined) throw new CodedError('NoAgent', `no agent runs on node ${node}`);
    return { main: main.pid, workers: all.flatMap((each) => (each.parent === main.pid ? [each.pid] : [])) };
  }

  /** Asks the admin endpoint of a node's agent. */
  async askAgent<T>(node: string, path: string): Promise<T> {
    const socketPath = join(playgroundPaths(this.#options.name).nodes, node, 'agent.sock');
    const client = new Client('http://agent', { connect: { socketPath } });
    try {
      const { body } = await client.request({ method: 'GET', path });
      return (await body.json()) as T;
    } finally {
      await client.close();
    }
  }

  /** Takes the playground down and removes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.log('taking the playground down');
    try {
      await playgroundDown({ name: this.#options.name }, this.#output);
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  #notReady(view: PlaygroundStatusView, missing: readonly string[]): string {
    const why = missing.map((key) => {
      const pod = view.pods.find((each) => `${each.namespace}/${each.name}` === key);
      return `  ${key}: ${pod?.reason ?? pod?.phase ?? 'not made'}`;
    });
    const problems = view.problems.map((problem) => `  ${problem.object ?? ''} ${problem.message}`);
    return `these pods did not get ready:\n${[...why, ...problems].join('\n')}`;
  }
}

function podKey(manifest: Manifest): string {
  const { namespace, name } = manifest['metadata'] as { readonly namespace: string; readonly name: string };
  return `${namespace}/${name}`;
}

async function refuseRunning(name: string): Promise<void> {
  const running = await readPlaygroundStatus(name).then(
    (view) => view.running,
    () => false,
  );
  if (!running) return;
  throw new CodedError('AlreadyRunning', 'a benchmark runs already, or one was stopped before it could clean up', {
    hint: `./tulle playground down --name ${name}`,
  });
}
