import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AgentConfigView, AgentPodsView, StatusView } from '@tulle/admin-api';
import type { Clock, Logger } from '@tulle/core';
import { fabricAddress, nodes } from '../network/addresses.ts';
import type { NodeAddress } from '../network/addresses.ts';
import { agentSocket, netnsPath, nodeNetns, nodePodsDir, processLog } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { findProgram } from '../pods/command-line.ts';
import type { PodRuntime } from '../pods/pod-runtime.ts';
import { openLog } from '../pods/log-file.ts';
import { RestartingProcess } from '../pods/restarting-process.ts';
import { answers, askAdmin } from './admin-client.ts';
import { lastWordsIn } from './last-words.ts';
import type { SupervisorOptions } from './options.ts';
import { hurryStart } from './start-priority.ts';

const workspace = resolve(import.meta.dirname, '../../../..');
const controllerMain = join(workspace, 'mesh-controller/src/main.ts');
const agentMain = join(workspace, 'agent/src/main.ts');

const controllerPort = 15_012;
const metricsPort = 15_020;
const readyPort = 15_021;

/** How long an agent's start waits for the authority's certificate, which it needs to trust the controller. */
const bundleWaitMs = 10_000;

/** How long a pod's programs wait for being captured. */
const admitWaitMs = 10_000;

/** How long a pod's namespace waits for the agent to let go of it. */
const letGoWaitMs = 2000;

/** A part that was started again so often is not about to become well by itself. */
const hopelessRestarts = 3;

/** The mesh's own processes: the controller beside the bridge, and an agent in each node. They are started again when they end. */
export class MeshProcesses {
  readonly #paths: PlaygroundPaths;
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #processes = new Map<string, RestartingProcess>();
  readonly #lastExits = new Map<string, string>();

  constructor(paths: PlaygroundPaths, options: SupervisorOptions, clock: Clock, logger: Logger) {
    this.#paths = paths;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Starts the controller, and the agents as soon as the controller's certificate is there. */
  async start(): Promise<void> {
    mkdirSync(this.#paths.tokens, { recursive: true, mode: 0o700 });
    mkdirSync(this.#paths.controllerState, { recursive: true, mode: 0o700 });
    for (const node of nodes) {
      mkdirSync(nodePodsDir(this.#paths, node.name), { recursive: true });
      writeFileSync(join(this.#paths.tokens, node.name), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    }
    this.#run('controller', process.execPath, [...nodeFlags, controllerMain, ...this.#controllerFlags()]);
    await this.#wait(bundleWaitMs, async () => existsSync(this.#paths.caBundle) || this.isHopeless);
    const nsenter = findProgram('nsenter');
    for (const node of nodes) {
      const inNode = [`--net=${netnsPath(nodeNetns(this.#paths, node.name))}`, process.execPath];
      this.#run(`agent-${node.name}`, nsenter, [...inNode, ...nodeFlags, agentMain, ...this.#agentFlags(node)]);
    }
  }

  /** What is not as it should be, in words for people; empty when the mesh works. `wanted` are the uids of pods to be captured. */
  async missing(
    pods: readonly { readonly uid: string; readonly node: string; readonly label: string }[],
  ): Promise<string[]> {
    const hopeless = [...this.#processes.keys()].filter((name) => this.#keepsEnding(name));
    // What else does not work follows from that.
    if (hopeless.length > 0) return hopeless.map((name) => `${name}: ${this.#processState(name)}`);
    const missing: string[] = [];
    const status = await askAdmin<StatusView>(this.#paths.controllerSocket, '/v1/status');
    if (status === undefined) missing.push(`controller: ${this.#processState('controller')}`);
    else if (status.controller.state !== 'running') missing.push(`controller: ${status.controller.state}`);
    await Promise.all(
      nodes.map(async (node) => {
        const [ready, view, config] = await Promise.all([
          answers(`http://${node.address}:${readyPort}/`),
          askAdmin<AgentPodsView>(agentSocket(this.#paths, node.name), '/v1/pods'),
          askAdmin<AgentConfigView>(agentSocket(this.#paths, node.name), '/v1/config'),
        ]);
        if (!ready || view === undefined) {
          // What it does not do follows from that.
          missing.push(`agent ${node.name}: ${this.#processState(`agent-${node.name}`)}`);
          return;
        }
        const version = status?.controller.configVersion;
        if (version !== undefined && config?.version !== version) {
          missing.push(`agent ${node.name}: does not have the newest configuration (${version}) yet`);
        }
        for (const pod of pods) {
          if (pod.node !== node.name) continue;
          const found = view.pods.find((each) => each.uid === pod.uid);
          if ((found?.captured ?? null) !== null) continue;
          missing.push(`pod ${pod.label}: not captured${found?.reason === undefined ? '' : `: ${found.reason}`}`);
        }
      }),
    );
    return missing.sort();
  }

  /** Whether a part keeps ending, so that waiting for it is in vain. */
  get isHopeless(): boolean {
    return [...this.#processes.keys()].some((name) => this.#keepsEnding(name));
  }

  /**
   * Waits until a pod is captured, so that its programs open no connection that the mesh does not see: those stay as
   * they are for as long as they live. Without an agent that does it, they start after a while all the same.
   */
  async untilCaptured(pod: PodRuntime): Promise<void> {
    await this.#wait(admitWaitMs, async () => pod.stopping || (await this.#isCaptured(pod)));
  }

  /** Waits (not for long) until the agent has let go of a pod that it was told to be going. */
  async letGo(pod: PodRuntime): Promise<void> {
    await this.#wait(letGoWaitMs, async () => !(await this.#isCaptured(pod)));
  }

  async #isCaptured(pod: PodRuntime): Promise<boolean> {
    const view = await askAdmin<AgentPodsView>(agentSocket(this.#paths, pod.node.name), '/v1/pods');
    return (view?.pods.find((each) => each.uid === pod.identity.uid)?.captured ?? null) !== null;
  }

  async #wait(timeoutMs: number, isDone: () => Promise<boolean>): Promise<void> {
    const deadline = this.#clock.monotonicMs() + timeoutMs;
    while (!(await isDone()) && this.#clock.monotonicMs() < deadline) await this.#pause(20);
  }

  #controllerFlags(): string[] {
    const own = flags({
      source: 'directory',
      objects: this.#paths.objects,
      'state-dir': this.#paths.controllerState,
      listen: `${fabricAddress}:${controllerPort}`,
      'node-tokens': this.#paths.tokens,
      admin: `unix:${this.#paths.controllerSocket}`,
      'mtls-mode': this.#options.mtlsMode,
      'trust-domain': this.#options.trustDomain,
      'certificate-lifetime': this.#options.certificateLifetimeSeconds?.toString(),
      'issuer-dir': this.#options.issuerDir,
    });
    return [...own, ...this.#options.controllerFlags];
  }

  #agentFlags(node: NodeAddress): string[] {
    const own = flags({
      node: node.name,
      controller: `${fabricAddress}:${controllerPort}`,
      'trust-bundle': this.#paths.caBundle,
      token: join(this.#paths.tokens, node.name),
      'pods-dir': nodePodsDir(this.#paths, node.name),
      admin: `unix:${agentSocket(this.#paths, node.name)}`,
      metrics: `${node.address}:${metricsPort}`,
      ready: `${node.address}:${readyPort}`,
      capture: this.#options.capture,
      workers: this.#options.workers?.toString(),
      'same-node': this.#options.sameNode,
    });
    return [...own, ...this.#options.agentFlags];
  }

  #processState(name: string): string {
    if (this.#keepsEnding(name)) {
      const words = lastWordsIn(processLog(this.#paths, name)).map((line) => `\n  ${line}`);
      return `it keeps ending (${this.#lastExits.get(name)}); it said last:${words.join('')}`;
    }
    const state = this.#processes.get(name)?.state;
    if (state === undefined) return 'not started yet';
    return state.kind === 'waiting' || state.kind === 'ended' ? `it ended: ${state.last.words}` : 'not ready yet';
  }

  #keepsEnding(name: string): boolean {
    return (this.#processes.get(name)?.restarts ?? 0) >= hopelessRestarts;
  }

  #run(name: string, file: string, args: readonly string[]): void {
    const managed = new RestartingProcess({
      start: () => {
        const log = openLog(processLog(this.#paths, name));
        try {
          const child = spawn(file, args, {
            stdio: ['ignore', log, log],
            cwd: '/',
            env: meshEnvironment(),
            detached: true,
          });
          if (child.pid !== undefined) hurryStart(child.pid, this.#clock);
          return child;
        } finally {
          closeSync(log);
        }
      },
      restart: () => true,
      restartAtOnce: true,
      backoff: { initialMs: 100, maxMs: 5000, jitter: 0 },
      resetAfterMs: 10_000,
      clock: this.#clock,
      onChange: () => {
        const { state } = managed;
        if (state.kind === 'waiting') {
          this.#lastExits.set(name, state.last.words);
          this.#logger.warn(`${name} ended and is started again`, { why: state.last.words });
        }
        // A socket that nobody listens on any more only misleads.
        if (state.kind === 'waiting' && name === 'controller') rmSync(this.#paths.controllerSocket, { force: true });
      },
    });
    this.#processes.set(name, managed);
    managed.start();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((done) => this.#clock.after(delayMs, done));
  }
}

/**
 * The environment of controller and agents: what this process has, and where Node keeps compiled code, so that a part
 * that is started again is there in half the time.
 */
function meshEnvironment(): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: join(workspace, '.cache/compile'), ...process.env };
}

const nodeFlags = ['--disable-warning=ExperimentalWarning'];

/** `--NAME VALUE` for each value that there is. */
function flags(values: { readonly [name: string]: string | undefined }): string[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}
