import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, systemClock } from '@tulle/core';
import { NetworkNamespace } from '@tulle/linux';
import { Cluster } from '../cluster/cluster.ts';
import type { ClusterView } from '../cluster/cluster.ts';
import { DnsServer } from '../dns/server.ts';
import { dnsAddress, nodes } from '../network/addresses.ts';
import { hooksText, restoreRules } from '../network/service-rules.ts';
import { nodeLink } from '../network/topology.ts';
import { nameOption, netnsPath, nodeNetns, playgroundPaths } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { findPrograms } from '../pods/command-line.ts';
import { boundLog } from '../pods/log-file.ts';
import { problemText } from '../problem-text.ts';
import { identify } from '../processes.ts';
import { writeState } from '../state.ts';
import type { PlaygroundProblem, PlaygroundState } from '../state.ts';
import { lineLogger } from './file-logger.ts';
import { openManifests } from './manifest-source.ts';
import { MeshProcesses } from './mesh-processes.ts';
import { objectProblems } from './object-problems.ts';
import type { SupervisorMessage, SupervisorOptions } from './options.ts';
import { Publisher } from './publisher.ts';

const logCheckMs = 2000;

/** After something was written for the mesh: before that, its answers may be about what was there before. */
const meshSettleMs = 200;

/** A container that was started again so often is not about to become well by itself. */
const hopelessRestarts = 4;

/**
 * Runs a playground, inside its fabric's network namespace, whose links exist already. Resolves when everything works,
 * or was tried for long enough; the playground goes on until the process is killed.
 */
export async function supervise(options: SupervisorOptions, tell: (message: SupervisorMessage) => void): Promise<void> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  tell({ kind: 'progress', step: 'manifests', text: supervisor.manifestsText() });
  const broken = await supervisor.settle((step, text) => tell({ kind: 'progress', step, text }));
  tell({ kind: 'settled', broken, warnings: supervisor.warnings() });
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #paths: PlaygroundPaths;
  readonly #clock = systemClock;
  readonly #logger = lineLogger();
  readonly #cluster: Cluster;
  readonly #nodeNetns: ReadonlyMap<string, NetworkNamespace>;
  readonly #mesh: MeshProcesses | undefined;
  #publisher: Publisher | undefined;
  #meshStart: Promise<void> = Promise.resolve();
  #manifestProblems: readonly PlaygroundProblem[] = [];
  #manifestCount = 0;
  #stage: PlaygroundState['stage'] = 'starting';
  #stateTimer = false;
  #writtenState = '';

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const paths = playgroundPaths(options.name, options.root);
    this.#paths = paths;
    const open = (node: string) => NetworkNamespace.open(netnsPath(nodeNetns(paths, node)));
    this.#nodeNetns = new Map(nodes.map(({ name }) => [name, open(name)]));
    this.#mesh = options.mesh ? new MeshProcesses(paths, options, this.#clock, this.#logger) : undefined;
    this.#cluster = new Cluster({
      paths,
      programs: findPrograms(),
      manifests: options.manifests,
      clock: this.#clock,
      logger: this.#logger,
      nodeNetns: ({ name }) => {
        const found = this.#nodeNetns.get(name);
        if (found === undefined) throw new CodedError('UnknownNode', `there is no node "${name}"`);
        return found;
      },
      onChange: () => this.#changed(),
      publish: () => this.#publisher?.publish() ?? Promise.resolve(),
      admit: (pod) => this.#mesh?.untilCaptured(pod) ?? Promise.resolve(),
      settleMs: options.mesh ? 250 : 50,
      letGo: async (pod) => {
        this.#publisher?.withdraw(pod);
        await this.#mesh?.letGo(pod);
      },
    });
  }

  async start(): Promise<void> {
    this.#writeState();
    // First, since nothing takes longer to start; objects and pods can come to it later.
    if (this.#mesh !== undefined) this.#meshStart = this.#mesh.start();
    const dns = await DnsServer.listen(dnsAddress, 53, this.#logger);
    await Promise.all(nodes.map((node) => restoreRules(nodeNetns(this.#paths, node.name), hooksText)));
    this.#publisher = new Publisher({
      paths: this.#paths,
      dns,
      logger: this.#logger,
      clock: this.#clock,
      view: () => this.#cluster.view(),
    });
    await openManifests(this.#options.manifests, this.#logger, (view) => {
      this.#manifestProblems = view.problems;
      this.#manifestCount = view.objects.length;
      this.#cluster.apply(view.objects);
      this.#changed();
    });
    setInterval(() => this.#boundLogs(), logCheckMs);
  }

  manifestsText(): string {
    const problems = this.#problems(this.#cluster.view()).length;
    const bad = problems === 0 ? '' : `, ${problems} ${problems === 1 ? 'problem' : 'problems'}`;
    return `${this.#manifestCount} objects in ${this.#options.manifests}${bad}`;
  }

  /** What is ignored, in lines for people. */
  warnings(): string[] {
    const warnings = this.#problems(this.#cluster.view()).filter(({ severity }) => severity === 'warning');
    return warnings.map(problemText);
  }

  /** Waits until everything works, or cannot be waited for any longer; gives what does not work then. */
  async settle(progress: (step: string, text: string) => void): Promise<string[]> {
    const deadline = this.#clock.monotonicMs() + this.#options.timeoutMs;
    await this.#meshStart;
    let podsTold = false;
    let waiting: string[] = [];
    while (this.#clock.monotonicMs() < deadline) {
      const view = this.#cluster.view();
      const unready = unreadyPods(view, this.#options.name);
      const hopeless = unready.filter((pod) => pod.hopeless);
      if (!podsTold && unready.length === hopeless.length) {
        podsTold = true;
        const total = view.podStates.filter((pod) => pod.phase !== 'Terminating').length;
        progress('pods', `${total - hopeless.length} of ${total} ready`);
      }
      const mesh = await this.#missingOfMesh(view);
      waiting = [...unready.map((pod) => pod.text), ...mesh];
      if (unready.length === hopeless.length && mesh.length === 0) {
        if (this.#mesh !== undefined) {
          const wanted = view.podStates.filter((pod) => pod.wanted).length;
          progress('mesh', `the controller and ${nodes.length} agents are ready, ${wanted} pods captured`);
        }
        break;
      }
      if (this.#mesh?.isHopeless === true) {
        // Pods that wait to be captured are not what is broken.
        waiting = mesh;
        break;
      }
      await new Promise<void>((resolve) => this.#clock.after(25, resolve));
    }
    this.#stage = 'running';
    this.#writeState();
    const ofObjects = this.#mesh === undefined ? [] : await objectProblems(this.#paths.controllerSocket);
    const problems = [...this.#problems(this.#cluster.view()), ...ofObjects];
    const errors = problems.filter(({ severity }) => severity === 'error');
    return [...errors.map(problemText), ...waiting];
  }

  async #missingOfMesh(view: ClusterView): Promise<string[]> {
    if (this.#mesh === undefined) return [];
    const settleMs = (this.#publisher?.lastChangeMs ?? 0) + meshSettleMs - performance.now();
    if (settleMs > 0) await new Promise<void>((resolve) => this.#clock.after(settleMs, resolve));
    const wanted = view.podStates.filter((pod) => pod.wanted && pod.phase !== 'Terminating');
    return this.#mesh.missing(
      wanted.map(({ uid, node, namespace, name }) => ({ uid, node, label: `${namespace}/${name}` })),
    );
  }

  #problems(view: ClusterView): PlaygroundProblem[] {
    return [...this.#manifestProblems, ...view.problems];
  }

  #changed(): void {
    void this.#publisher?.publish();
    if (this.#stateTimer) return;
    this.#stateTimer = true;
    setImmediate(() => {
      this.#stateTimer = false;
      this.#writeState();
    });
  }

  #writeState(): void {
    const view = this.#cluster.view();
    const self = identify(process.pid);
    if (self === undefined) throw new CodedError('NoProc', 'cannot read /proc of this process');
    const state: PlaygroundState = {
      name: this.#options.name,
      manifests: this.#options.manifests,
      mesh: this.#options.mesh,
      stage: this.#stage,
      supervisor: self,
      nodes: nodes.map(({ name, address }) => ({ name, address, netns: nodeNetns(this.#paths, name), link: nodeLink })),
      pods: view.podStates,
      services: view.services,
      ca: { bundle: this.#paths.caBundle, rootKey: this.#paths.caRootKey },
      problems: this.#problems(view),
    };
    const text = JSON.stringify(state);
    if (text === this.#writtenState) return;
    writeState(this.#paths, state);
    this.#writtenState = text;
  }

  #boundLogs(): void {
    for (const directory of [this.#paths.logs, join(this.#paths.logs, 'pods')]) {
      for (const file of readdirSync(directory)) if (file.endsWith('.log')) boundLog(join(directory, file));
    }
  }
}

function unreadyPods(view: ClusterView, playground: string): { readonly text: string; readonly hopeless: boolean }[] {
  const option = nameOption(playground);
  return view.podStates.flatMap((pod) => {
    if (pod.phase === 'Terminating' || pod.phase === 'Succeeded' || pod.ready) return [];
    const name = `${pod.namespace}/${pod.name}`;
    return [
      {
        text: `pod ${name}: ${pod.reason ?? pod.phase} (see: tulle playground logs${option} ${name})`,
        hopeless: pod.phase === 'Failed' || pod.restarts >= hopelessRestarts,
      },
    ];
  });
}
