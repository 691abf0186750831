import { isAbsolute, resolve } from 'node:path';
import type { Clock } from '@tulle/core';
import { expand, resolveEnv } from '../cluster/env.ts';
import type { ConfigMapLookup, PodFacts } from '../cluster/env.ts';
import type { ContainerSpec, PodSpec } from '../cluster/pod-spec.ts';
import type { PodPhase, ProcessIdentity } from '../state.ts';
import { baseEnv, podCommandLine } from './command-line.ts';
import type { CommandLine, Programs } from './command-line.ts';
import { Container } from './container.ts';
import type { ContainerOptions } from './container.ts';

/** What a pod's containers are run with. */
export interface PodContainersOptions {
  readonly spec: PodSpec;
  readonly sandboxPid: number;
  readonly hostname: string;
  /** Where programs run that do not say where. */
  readonly workingDir: string;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly probeTarget: ContainerOptions['probeTarget'];
  readonly facts: () => PodFacts;
  readonly configMap: ConfigMapLookup;
  readonly logPath: (container: string) => string;
  readonly onChange: () => void;
}

/** The containers of a pod: first its init containers, one after the other, then all others at once. */
export class PodContainers implements Disposable {
  readonly #options: PodContainersOptions;
  #main: readonly Container[] = [];
  #init: Container | undefined;
  #initIndex = 0;
  #missing: string | undefined;
  #released = false;

  constructor(options: PodContainersOptions) {
    this.#options = options;
  }

  /** Whether every container is. */
  get ready(): boolean {
    return this.#main.length > 0 && this.#main.every((each) => each.ready);
  }

  get restarts(): number {
    return this.#all().reduce((sum, each) => sum + each.process.restarts, 0);
  }

  get phase(): PodPhase {
    const init = this.#init?.process.state;
    if (init?.kind === 'ended' && init.last.code !== 0) return 'Failed';
    const states = this.#main.map((each) => each.process.state);
    if (states.length === 0) return 'Pending';
    if (states.some((state) => state.kind === 'waiting')) return 'CrashLoopBackOff';
    if (states.some((state) => state.kind === 'running' || state.kind === 'idle')) return 'Running';
    return states.every((state) => state.kind === 'ended' && state.last.code === 0) ? 'Succeeded' : 'Failed';
  }

  /** Why not all are ready, or undefined. */
  get reason(): string | undefined {
    if (this.#missing !== undefined) return this.#missing;
    if (this.#init !== undefined) return `init container ${this.#init.spec.name}: ${this.#init.reason ?? 'running'}`;
    return this.#main.map((each) => each.reason).find((each) => each !== undefined);
  }

  /** Starts what has not been started: at first, and again when a ConfigMap came that was waited for. */
  start(): void {
    if (this.#released || this.#main.length > 0 || (this.#init !== undefined && this.#missing === undefined)) return;
    const { initContainers, containers } = this.#options.spec;
    const next = initContainers[this.#initIndex];
    const made = (next === undefined ? containers : [next]).map((spec) => this.#container(spec, next !== undefined));
    this.#missing = made.find((each) => typeof each === 'string');
    if (this.#missing === undefined) {
      const ready = made.filter((each) => typeof each !== 'string');
      this.#init = next === undefined ? undefined : ready[0];
      this.#main = next === undefined ? ready : [];
      for (const each of ready) each.process.start();
    }
    this.#options.onChange();
  }

  /** Nothing is started again from now on; what runs goes on. */
  release(): void {
    this.#released = true;
    for (const each of this.#all()) each.process.release();
  }

  /** Sends a signal to every program that runs. */
  signal(name: NodeJS.Signals): void {
    for (const each of this.#all()) each.process.signal(name);
  }

  /** The programs that run. */
  running(): ProcessIdentity[] {
    return this.#all().flatMap(({ process: { state } }) => (state.kind === 'running' ? [state.process] : []));
  }

  /** How a program is started beside the first container's: its own words go behind the arguments. */
  entrance(): CommandLine | undefined {
    const [spec] = this.#options.spec.containers;
    if (spec === undefined) return undefined;
    const resolved = resolveEnv(spec.env, this.#options.facts(), this.#options.configMap);
    return this.#commandLine(spec, resolved.ok ? resolved.env : {}, []);
  }

  /** Kills what runs, and lets nothing be started again. */
  [Symbol.dispose](): void {
    this.release();
    for (const each of this.#all()) each[Symbol.dispose]();
  }

  #all(): readonly Container[] {
    return this.#init === undefined ? this.#main : [this.#init, ...this.#main];
  }

  /** The container, or what it waits for. */
  #container(spec: ContainerSpec, isInit: boolean): Container | string {
    const { sandboxPid, probeTarget, clock, configMap, facts, logPath, onChange } = this.#options;
    const resolved = resolveEnv(spec.env, facts(), configMap);
    if (!resolved.ok) return `container ${spec.name} waits for ${resolved.missing}`;
    const { env } = resolved;
    const { restartPolicy } = this.#options.spec;
    return new Container({
      spec,
      program: [...spec.command, ...spec.args].map((word) => expand(word, env)),
      commandLine: (command) => this.#commandLine(spec, env, command),
      restart: ({ code }) => {
        if (isInit || restartPolicy === 'OnFailure') return code !== 0 && restartPolicy !== 'Never';
        return restartPolicy === 'Always';
      },
      logPath: logPath(spec.name),
      clock,
      sandboxPid,
      probeTarget,
      onChange: isInit ? () => this.#initChanged() : onChange,
    });
  }

  #initChanged(): void {
    const state = this.#init?.process.state;
    if (state?.kind === 'ended' && state.last.code === 0) {
      this.#init = undefined;
      this.#initIndex++;
      this.start();
    }
    this.#options.onChange();
  }

  #commandLine(spec: ContainerSpec, env: { readonly [name: string]: string }, command: readonly string[]): CommandLine {
    const { sandboxPid, hostname, programs, workingDir: home } = this.#options;
    const workingDir = spec.workingDir ?? home;
    return podCommandLine(
      {
        sandboxPid,
        workingDir: isAbsolute(workingDir) ? workingDir : resolve(home, workingDir),
        privileges: spec,
        command,
        env: { ...baseEnv(hostname, process.env), ...env },
      },
      programs,
    );
  }
}
