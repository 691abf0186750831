import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backoffDelayMs, errorMessage, namespacedKey } from '@tulle/core';
import type { Clock, Logger, Timer } from '@tulle/core';
import type { NetworkNamespace } from '@tulle/linux';
import type { ConfigMapLookup, PodFacts } from '../cluster/env.ts';
import type { PodSpec } from '../cluster/pod-spec.ts';
import type { NodeAddress } from '../network/addresses.ts';
import { connectPod, disconnectPod } from '../network/topology.ts';
import type { PodLink } from '../network/topology.ts';
import { containerLog, podNetns } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { signal, waitForExit } from '../processes.ts';
import type { Semaphore } from '../semaphore.ts';
import type { PodPhase, PodState } from '../state.ts';
import type { Programs } from './command-line.ts';
import { PodContainers } from './pod-containers.ts';
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
  /** Limits how many pods are made at a time. */
  readonly starts: Semaphore;
  /** Resolves when the programs of a pod whose namespaces are there may start. */
  readonly admit: (pod: PodRuntime) => Promise<void>;
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
  readonly #configMap: ConfigMapLookup;
  #sandbox: Sandbox | undefined;
  #containers: PodContainers | undefined;
  /** Why its namespaces are not there, or its programs are not started yet. */
  #trouble: string | undefined = 'starting';
  #connected = false;
  #wasReady = false;
  #deletedAt: string | undefined;
  #attempt = 0;
  #retry: Timer | undefined;
  #starting: Promise<void> = Promise.resolve();

  constructor(host: PodHost, identity: PodIdentity, metadata: PodMetadata, place: { node: NodeAddress; ip: string }) {
    this.#host = host;
    this.identity = identity;
    this.metadata = metadata;
    this.link = { node: place.node, ip: place.ip, netns: podNetns(host.paths, identity) };
    this.#podDir = join(host.paths.pods, identity.uid);
    this.#configMap = host.configMaps(identity.namespace);
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
    return !this.stopping && this.#containers?.ready === true;
  }

  /** Whether traffic may have been led to it when it began to stop. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  get stopping(): boolean {
    return this.#deletedAt !== undefined;
  }

  /** When it began to stop (RFC 3339). */
  get deletedAt(): string | undefined {
    return this.#deletedAt;
  }

  /** Whether its network namespace exists, so that an agent may capture it. */
  get connected(): boolean {
    return this.#connected;
  }

  get restarts(): number {
    return this.#containers?.restarts ?? 0;
  }

  get phase(): PodPhase {
    return this.stopping ? 'Terminating' : (this.#containers?.phase ?? 'Pending');
  }

  /** Why it is not ready, or undefined. */
  get reason(): string | undefined {
    return this.stopping ? undefined : (this.#trouble ?? this.#containers?.reason);
  }

  /** How `exec` enters it. */
  entrance(): Pick<PodState, 'sandbox' | 'exec'> {
    const exec = this.#containers?.entrance();
    return this.#sandbox === undefined || exec === undefined ? {} : { sandbox: this.#sandbox.process, exec };
  }

  /** Makes the namespaces and starts the containers; failures are shown in {@link reason} and tried again. */
  start(): void {
    this.#starting = this.#tryToStart();
  }

  /** Tries again what waited for a ConfigMap, and gives a running pod the ConfigMaps' present content. */
  configMapsChanged(): void {
    if (this.stopping) return;
    if (this.#retry !== undefined) this.#startAgain();
    else if (this.#containers !== undefined) {
      writeVolumes(this.identity.spec, this.#podDir, this.#configMap);
      if (this.#trouble === undefined) this.#containers.start();
    }
  }

  /** From now on it is not ready and nothing is started again; programs that run go on. */
  beginToStop(): void {
    this.#wasReady = this.ready;
    this.#deletedAt = new Date(this.#host.clock.nowMs()).toISOString();
    this.#retry?.cancel();
    this.#containers?.release();
    this.#host.onChange();
  }

  /** Asks the programs to end, and kills what still runs when the grace period is over. */
  async endProcesses(): Promise<void> {
    await this.#starting;
    const containers = this.#containers;
    if (containers === undefined) return;
    containers.signal('SIGTERM');
    await waitForExit(containers.running(), this.identity.spec.terminationGracePeriodSeconds * 1000);
    this.#killAll();
  }

  /** Removes the namespaces and the files: nothing of the pod is left then. */
  async remove(): Promise<void> {
    await this.#removeNamespaces();
    rmSync(this.#podDir, { recursive: true, force: true });
    const { initContainers, containers } = this.identity.spec;
    for (const { name } of [...initContainers, ...containers]) {
      const log = containerLog(this.#host.paths, this.identity, name);
      for (const path of [log, `${log}.1`]) rmSync(path, { force: true });
    }
  }

  async #tryToStart(): Promise<void> {
    try {
      mkdirSync(join(this.#podDir, 'volumes'), { recursive: true });
      writeVolumes(this.identity.spec, this.#podDir, this.#configMap);
      const sandbox = await this.#host.starts.run(() => this.#makeNamespaces());
      const containers = this.#makeContainers(sandbox);
      this.#containers = containers;
      this.#trouble = 'waits for the agent of its node to capture it';
      this.#host.onChange();
      await this.#host.admit(this);
      // The sandbox may have been lost meanwhile: then there are other containers, or none.
      if (this.#containers !== containers) return;
      this.#trouble = undefined;
      containers.start();
    } catch (error) {
      this.#fail(errorMessage(error));
    }
  }

  async #makeNamespaces(): Promise<Sandbox> {
    await connectPod(this.#host.paths, this.link);
    this.#connected = true;
    this.#host.onChange();
    this.#sandbox = await Sandbox.start({
      netns: this.link.netns,
      hostname: this.hostname,
      namespace: this.identity.namespace,
      ip: this.ip,
      podDir: this.#podDir,
      mounts: podMounts(this.identity.spec, this.#podDir, this.#configMap),
      programs: this.#host.programs,
      onEnd: () => this.#sandboxEnded(),
    });
    return this.#sandbox;
  }

  #makeContainers(sandbox: Sandbox): PodContainers {
    const { paths, programs, manifests, clock, nodeNetns, onChange } = this.#host;
    const containers = new PodContainers({
      spec: this.identity.spec,
      sandboxPid: sandbox.process.pid,
      hostname: this.hostname,
      workingDir: manifests,
      programs,
      clock,
      probeTarget: { ip: this.ip, nodeNetns: nodeNetns(this.node) },
      facts: () => this.#facts(),
      configMap: this.#configMap,
      logPath: (container) => containerLog(paths, this.identity, container),
      onChange,
    });
    if (this.stopping) containers.release();
    return containers;
  }

  /** Somebody killed the holder of the namespaces: what still runs is where nobody can enter any more. */
  #sandboxEnded(): void {
    if (this.stopping || this.#containers === undefined) return;
    this.#killAll();
    this.#containers = undefined;
    this.#fail("the process that holds the pod's namespaces ended");
  }

  #fail(why: string): void {
    this.#trouble = why;
    this.#host.logger.warn('a pod could not be started', { pod: namespacedKey(this.identity), why });
    this.#host.onChange();
    this.#retry = this.#host.clock.after(backoffDelayMs(retryBackoff, this.#attempt++), () => this.#startAgain());
  }

  #startAgain(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    if (this.stopping) return;
    this.#starting = this.#removeNamespaces().then(() => (this.stopping ? undefined : this.#tryToStart()));
  }

  #killAll(): void {
    this.#containers?.[Symbol.dispose]();
    for (const each of this.#sandbox?.processes() ?? []) signal(each, 'SIGKILL');
  }

  async #removeNamespaces(): Promise<void> {
    const left = this.#sandbox === undefined ? [] : [...this.#sandbox.processes(), this.#sandbox.process];
    for (const each of left) signal(each, 'SIGKILL');
    await waitForExit(left, 2000);
    this.#sandbox = undefined;
    this.#connected = false;
    this.#host.onChange();
    await disconnectPod(this.#host.paths, this.link);
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
}
