import { mkdirSync, rmSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { backoffDelayMs, errorMessage } from '@tulle/core';
import type { Clock, Logger, Timer } from '@tulle/core';
import type { NetworkNamespace } from '@tulle/linux';
import { expand, resolveEnv } from '../cluster/env.ts';
import type { ConfigMapLookup, PodFacts } from '../cluster/env.ts';
import type { ServedPod } from '../cluster/endpoints.ts';
import type { PodView } from '../cluster/objects.ts';
import type { ContainerSpec, PodSpec } from '../cluster/pod-spec.ts';
import type { NodeAddress } from '../network/addresses.ts';
import { connectPod, disconnectPod } from '../network/topology.ts';
import type { PodLink } from '../network/topology.ts';
import { containerLog, podNetns } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { isAlive, signal, waitForExit } from '../processes.ts';
import type { PodPhase, PodState, ProcessIdentity } from '../state.ts';
import { baseEnv, podCommandLine } from './command-line.ts';
import type { CommandLine, Programs } from './command-line.ts';
import { Container } from './container.ts';
import { Sandbox } from './sandbox.ts';
import { podMounts, writeVolumes } from './volumes.ts';

/** What every pod of a playground shares. */
export interface PodHost {
  readonly paths: PlaygroundPaths;
  readonly programs: Programs;
  /** The directory of manifests: programs run there, and relative paths are below it. */
  readonly manifests: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configMaps: (namespace: string) => ConfigMapLookup;
  readonly nodeNetns: (node: NodeAddress) => NetworkNamespace;
  /** Called after each change of what a pod shows. */
  readonly onChange: () => void;
}

/** A pod that ought to run. The labels may change while it does, the rest may not. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly spec: PodSpec;
  /** Tells whether the manifest asks for the same pod as before. */
  readonly specHash: string;
  /** The Deployment that made it, and the hash of the template that it was made from. */
  readonly owner: { readonly name: string; readonly uid: string; readonly hash: string } | undefined;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** Labels and annotations. */
export interface PodMetadata {
  readonly labels: { readonly [key: string]: string };
  readonly annotations: { readonly [key: string]: string };
}

/** Between tries to make a pod. */
const retryBackoff = { initialMs: 500, maxMs: 10_000, jitter: 0 };

/** A pod of the playground: its network namespace, the holder of its other namespaces, and its containers. */
export class PodRuntime {
  readonly identity: PodIdentity;
  readonly link: PodLink;
  metadata: PodMetadata;
  readonly #host: PodHost;
  readonly #podDir: string;
  #sandbox: Sandbox | undefined;
  #containers: readonly Container[] = [];
  #initIndex = 0;
  #trouble: string | undefined;
  #init: Container | undefined;
  #connected = false;
  #wasReady = false;
  #deletedAt: string | undefined;
  #stopping = false;
  #attempt = 0;
  #retry: Timer | undefined;
  #starting: Promise<void> = Promise.resolve();

  constructor(host: PodHost, identity: PodIdentity, metadata: PodMetadata, place: { node: NodeAddress; ip: string }) {
    this.#host = host;
    this.identity = identity;
    this.metadata = metadata;
    this.link = { node: place.node, ip: place.ip, netns: podNetns(host.paths, identity) };
    this.#podDir = join(host.paths.pods, identity.uid);
  }

  get ip(): string {
    return this.link.ip;
  }

  get node(): NodeAddress {
    return this.link.node;
  }

  get hostname(): string {
    return this.identity.spec.hostname ?? this.identity.name.slice(0, 63);
  }

  /** Whether every container is ready, so that Services may lead to it. */
  get ready(): boolean {
    const { spec } = this.identity;
    return (
      !this.#stopping &&
      this.#containers.length === spec.containers.length &&
      this.#containers.every((each) => each.ready)
    );
  }

  /** Whether traffic may have been led to it. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Whether its network namespace exists, so that an agent may capture it. */
  get connected(): boolean {
    return this.#connected;
  }

  get phase(): PodPhase {
    if (this.#stopping) return 'Terminating';
    const states = this.#containers.map((each) => each.process.state);
    const init = this.#init?.process.state;
    if (init?.kind === 'ended' && init.last.code !== 0) return 'Failed';
    if (states.length === 0) return 'Pending';
    if (states.some((state) => state.kind === 'waiting')) return 'CrashLoopBackOff';
    if (states.some((state) => state.kind === 'running' || state.kind === 'idle')) return 'Running';
    return states.every((state) => state.kind === 'ended' && state.last.code === 0) ? 'Succeeded' : 'Failed';
  }

  /** Why it is not ready, or undefined. */
  get reason(): string | undefined {
    if (this.#stopping) return undefined;
    if (this.#trouble !== undefined) return this.#trouble;
    if (this.#init !== undefined) return `init container ${this.#init.spec.name}: ${this.#init.reason ?? 'running'}`;
    if (this.#containers.length === 0) return 'starting';
    return this.#containers.map((each) => each.reason).find((each) => each !== undefined);
  }

  /** What the state file says of it. */
  state(wanted: boolean): PodState {
    const { reason } = this;
    const { namespace, name, uid, owner, spec } = this.identity;
    return {
      namespace,
      name,
      uid,
      node: this.node.name,
      ip: this.ip,
      netns: this.link.netns,
      phase: this.phase,
      ready: this.ready,
      ...(owner === undefined ? {} : { deployment: owner.name }),
      wanted,
      restarts: this.#containers.reduce((sum, each) => sum + each.process.restarts, 0),
      ...(reason === undefined ? {} : { reason }),
      containers: spec.containers.map((each) => each.name),
      ...this.#entrance(),
    };
  }

  /** What the Pod object is made of. */
  view(): PodView {
    const { namespace, name, uid, owner, spec, createdAt } = this.identity;
    return {
      namespace,
      name,
      uid,
      owner,
      createdAt,
      deletedAt: this.#deletedAt,
      labels: this.metadata.labels,
      annotations: this.metadata.annotations,
      containers: spec.containers,
      serviceAccountName: spec.serviceAccountName,
      restartPolicy: spec.restartPolicy,
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      hostname: spec.hostname,
      subdomain: spec.subdomain,
      node: this.node,
      ip: this.ip,
      phase: this.phase,
      ready: this.ready,
    };
  }

  /** What Services see of it. */
  served(): ServedPod {
    const { namespace, name, uid, spec } = this.identity;
    return {
      namespace,
      name,
      uid,
      ip: this.ip,
      nodeName: this.node.name,
      labels: this.metadata.labels,
      ports: spec.containers.flatMap((each) => each.ports),
      ready: this.ready,
      terminating: this.#stopping,
      hostname: spec.hostname,
      subdomain: spec.subdomain,
    };
  }

  /** Makes the namespaces and starts the containers; failures are shown in {@link reason} and tried again. */
  start(): void {
    this.#starting = this.#tryToStart();
  }

  /** Tries again what waited for a ConfigMap, and gives a running pod the ConfigMaps' present content. */
  configMapsChanged(): void {
    if (this.#stopping) return;
    if (this.#retry !== undefined) this.#startAgain();
    if (this.#sandbox === undefined) return;
    writeVolumes(this.identity.spec, this.#podDir, this.#host.configMaps(this.identity.namespace));
    if (this.#containers.length === 0 && this.#init === undefined) this.#startContainers();
  }

  /** From now on it is not ready and nothing is started again; programs that run go on. */
  beginToStop(): void {
    this.#wasReady = this.ready;
    this.#stopping = true;
    this.#deletedAt = new Date(this.#host.clock.nowMs()).toISOString();
    this.#retry?.cancel();
    for (const each of this.#all()) each.process.release();
    this.#host.onChange();
  }

  /** Asks the programs to end, and kills what still runs when the grace period is over. */
  async endProcesses(): Promise<void> {
    await this.#starting;
    for (const each of this.#all()) each.process.signal('SIGTERM');
    await waitForExit(this.#running(), this.identity.spec.terminationGracePeriodSeconds * 1000);
    for (const each of this.#all()) each[Symbol.dispose]();
    for (const each of this.#sandbox?.processes() ?? []) signal(each, 'SIGKILL');
  }

  /** Removes the namespaces and the files. Nothing of the pod is left then, its logs apart. */
  async remove(): Promise<void> {
    const left = this.#sandbox?.processes() ?? [];
    for (const each of left) signal(each, 'SIGKILL');
    await waitForExit(left, 2000);
    this.#sandbox?.stop();
    await this.#disconnect();
    rmSync(this.#podDir, { recursive: true, force: true });
  }

  #all(): readonly Container[] {
    return this.#init === undefined ? this.#containers : [this.#init, ...this.#containers];
  }

  #running(): ProcessIdentity[] {
    return this.#all().flatMap(({ process: { state } }) => (state.kind === 'running' ? [state.process] : []));
  }

  async #disconnect(): Promise<void> {
    this.#connected = false;
    this.#host.onChange();
    if (this.#sandbox !== undefined) await waitForExit([this.#sandbox.process], 2000);
    await disconnectPod(this.#host.paths, this.link);
  }

  async #tryToStart(): Promise<void> {
    try {
      mkdirSync(join(this.#podDir, 'volumes'), { recursive: true });
      const configMap = this.#host.configMaps(this.identity.namespace);
      writeVolumes(this.identity.spec, this.#podDir, configMap);
      await connectPod(this.#host.paths, this.link);
      this.#connected = true;
      this.#host.onChange();
      this.#sandbox = await Sandbox.start({
        netns: this.link.netns,
        hostname: this.hostname,
        namespace: this.identity.namespace,
        ip: this.ip,
        podDir: this.#podDir,
        mounts: podMounts(this.identity.spec, this.#podDir, configMap),
        programs: this.#host.programs,
        onEnd: () => this.#sandboxEnded(),
      });
      this.#trouble = undefined;
      this.#startContainers();
    } catch (error) {
      this.#fail(errorMessage(error));
    }
  }

  #sandboxEnded(): void {
    if (this.#stopping) return;
    // Somebody killed the holder of the namespaces: what still runs is in namespaces that nobody can enter any more.
    for (const each of this.#all()) each[Symbol.dispose]();
    this.#containers = [];
    this.#init = undefined;
    this.#initIndex = 0;
    this.#fail("the process that holds the pod's namespaces ended");
  }

  #fail(why: string): void {
    this.#trouble = why;
    this.#host.logger.warn('a pod could not be started', {
      pod: `${this.identity.namespace}/${this.identity.name}`,
      why,
    });
    this.#host.onChange();
    this.#retry = this.#host.clock.after(backoffDelayMs(retryBackoff, this.#attempt++), () => this.#startAgain());
  }

  #startAgain(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    if (this.#stopping) return;
    this.#starting = (async () => {
      for (const each of this.#sandbox?.processes() ?? []) signal(each, 'SIGKILL');
      this.#sandbox?.stop();
      await this.#disconnect();
      this.#sandbox = undefined;
      if (!this.#stopping) await this.#tryToStart();
    })();
  }

  #startContainers(): void {
    if (this.#stopping || this.#sandbox === undefined) return;
    const { initContainers, containers } = this.identity.spec;
    const next = initContainers[this.#initIndex];
    const made = (next === undefined ? containers : [next]).map((spec) => this.#container(spec, next !== undefined));
    const missing = made.find((each) => typeof each === 'string');
    if (missing !== undefined) {
      this.#trouble = missing;
      this.#host.onChange();
      return;
    }
    this.#trouble = undefined;
    const ready = made.filter((each) => typeof each !== 'string');
    if (next === undefined) {
      this.#init = undefined;
      this.#containers = ready;
    } else {
      this.#init = ready[0];
    }
    for (const each of ready) each.process.start();
  }

  /** The container, or what it waits for. */
  #container(spec: ContainerSpec, isInit: boolean): Container | string {
    const sandbox = this.#sandbox;
    if (sandbox === undefined || !isAlive(sandbox.process)) return 'the sandbox is gone';
    const resolved = resolveEnv(spec.env, this.#facts(), this.#host.configMaps(this.identity.namespace));
    if (!resolved.ok) return `container ${spec.name} waits for ${resolved.missing}`;
    const env = resolved.env;
    const { restartPolicy } = this.identity.spec;
    return new Container({
      spec,
      program: [...spec.command, ...spec.args].map((word) => expand(word, env)),
      commandLine: (command) => this.#commandLine(sandbox, spec, env, command),
      restart: (exit) => (isInit || restartPolicy !== 'Always' ? exit.code !== 0 && restartPolicy !== 'Never' : true),
      logPath: containerLog(this.#host.paths, this.identity, spec.name),
      clock: this.#host.clock,
      sandboxPid: sandbox.process.pid,
      probeTarget: { ip: this.ip, nodeNetns: this.#host.nodeNetns(this.node) },
      onChange: () => (isInit ? this.#initChanged() : this.#host.onChange()),
    });
  }

  #commandLine(
    sandbox: Sandbox,
    spec: ContainerSpec,
    env: { readonly [name: string]: string },
    command: readonly string[],
  ): CommandLine {
    const { manifests, programs } = this.#host;
    const workingDir = spec.workingDir ?? manifests;
    const pod = {
      sandboxPid: sandbox.process.pid,
      workingDir: isAbsolute(workingDir) ? workingDir : resolve(manifests, workingDir),
      privileges: spec,
      command,
      env: { ...baseEnv(this.hostname, process.env), ...env },
    };
    return podCommandLine(pod, programs);
  }

  #initChanged(): void {
    const state = this.#init?.process.state;
    if (state?.kind === 'ended' && state.last.code === 0) {
      this.#initIndex++;
      this.#startContainers();
    }
    this.#host.onChange();
  }

  #facts(): PodFacts {
    const { namespace, name, uid, spec } = this.identity;
    return {
      namespace,
      name,
      uid,
      nodeName: this.node.name,
      hostIP: this.node.address,
      podIP: this.ip,
      serviceAccountName: spec.serviceAccountName,
      labels: this.metadata.labels,
      annotations: this.metadata.annotations,
    };
  }

  /** How `exec` enters it: as its first container would be run. */
  #entrance(): Pick<PodState, 'sandbox' | 'exec'> {
    const [spec] = this.identity.spec.containers;
    if (spec === undefined || this.#sandbox === undefined) return {};
    const resolved = resolveEnv(spec.env, this.#facts(), this.#host.configMaps(this.identity.namespace));
    const line = this.#commandLine(this.#sandbox, spec, resolved.ok ? resolved.env : {}, []);
    return { sandbox: this.#sandbox.process, exec: line };
  }
}
