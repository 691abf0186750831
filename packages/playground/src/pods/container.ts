import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import type { Clock } from '@tulle/core';
import type { ContainerSpec } from '../cluster/pod-spec.ts';
import type { ProbeSpec } from '../cluster/probe-spec.ts';
import type { CommandLine } from './command-line.ts';
import { listeningPorts } from './listening-ports.ts';
import { openLog } from './log-file.ts';
import { ProbeLoop } from './probe-loop.ts';
import type { ProbeTiming } from './probe-loop.ts';
import { probeOnce } from './probe.ts';
import type { ProbeFinding, ProbeTarget } from './probe.ts';
import { RestartingProcess } from './restarting-process.ts';
import type { Exit } from './restarting-process.ts';

/** What a container is run with. */
export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly commandLine: (command: readonly string[]) => CommandLine;
  /** The program of the container, with its variables filled in. */
  readonly program: readonly string[];
  readonly restart: (exit: Exit) => boolean;
  readonly logPath: string;
  readonly clock: Clock;
  readonly sandboxPid: number;
  readonly probeTarget: Pick<ProbeTarget, 'ip' | 'nodeNetns'>;
  readonly onChange: () => void;
}

/** Kubernetes waits 10 s to 5 min between restarts; a playground is looked at while it runs. */
const restartBackoff = { initialMs: 250, maxMs: 10_000, jitter: 0 };

/** A container's program, running or between restarts, and whether it is ready. */
export class Container implements Disposable {
  readonly spec: ContainerSpec;
  readonly process: RestartingProcess;
  readonly #options: ContainerOptions;
  #loops: ProbeLoop[] = [];
  #ready = false;
  #finding: ProbeFinding;
  #watched = -1;

  constructor(options: ContainerOptions) {
    this.spec = options.spec;
    this.#options = options;
    this.process = new RestartingProcess({
      start: () => this.#spawn(),
      restart: options.restart,
      backoff: restartBackoff,
      restartAtOnce: false,
      resetAfterMs: 10_000,
      clock: options.clock,
      onChange: () => this.#changed(),
    });
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Why it is not ready, or undefined. */
  get reason(): string | undefined {
    const { state } = this.process;
    switch (state.kind) {
      case 'idle':
        return 'not started yet';
      case 'waiting':
        return `container ${this.spec.name} ended: ${state.last.words}`;
      case 'ended':
        return state.last.code === 0 ? undefined : `container ${this.spec.name} ended: ${state.last.words}`;
      case 'running':
        return this.#ready ? undefined : (this.#finding ?? 'not ready yet');
    }
  }

  [Symbol.dispose](): void {
    this.#stopProbes();
    this.process[Symbol.dispose]();
  }

  #spawn() {
    const line = this.#options.commandLine(this.#options.program);
    const log = openLog(this.#options.logPath);
    try {
      return spawn(line.file, line.args, { env: line.env, stdio: ['ignore', log, log], cwd: '/' });
    } finally {
      closeSync(log);
    }
  }

  #changed(): void {
    const { state } = this.process;
    if (state.kind !== 'running') {
      this.#stopProbes();
      this.#ready = false;
      this.#watched = -1;
    } else if (state.process.pid !== this.#watched) {
      this.#watched = state.process.pid;
      this.#finding = undefined;
      this.#startProbes();
    }
    this.#options.onChange();
  }

  #stopProbes(): void {
    for (const loop of this.#loops) loop[Symbol.dispose]();
    this.#loops = [];
  }

  #startProbes(): void {
    const { readinessProbe, livenessProbe, ports } = this.spec;
    if (readinessProbe !== undefined) this.#watchReadiness(() => this.#probe(readinessProbe), timingOf(readinessProbe));
    else if (ports.some((port) => port.protocol === 'TCP')) this.#watchReadiness(() => this.#portsOpen(), portTiming);
    else this.#watchReadiness(() => Promise.resolve(undefined), lifeTiming);
    if (livenessProbe !== undefined) this.#watchLiveness(livenessProbe);
  }

  #watchReadiness(probe: () => Promise<ProbeFinding>, timing: ProbeTiming): void {
    const loop = new ProbeLoop({
      probe,
      timing,
      clock: this.#options.clock,
      beginsWell: false,
      onVerdict: (well, finding) => {
        if (well === this.#ready && finding === this.#finding) return;
        this.#ready = well;
        this.#finding = finding;
        // Without a probe of its own a container stays ready once its ports are open.
        if (well && this.spec.readinessProbe === undefined) loop[Symbol.dispose]();
        this.#options.onChange();
      },
    });
    this.#loops.push(loop);
  }

  #watchLiveness(spec: ProbeSpec): void {
    const onVerdict = (well: boolean) => {
      if (!well) this.process.signal('SIGKILL');
    };
    const probe = () => this.#probe(spec);
    this.#loops.push(
      new ProbeLoop({ probe, timing: timingOf(spec), clock: this.#options.clock, beginsWell: true, onVerdict }),
    );
  }

  #probe(spec: ProbeSpec): Promise<ProbeFinding> {
    const target: ProbeTarget = {
      ...this.#options.probeTarget,
      commandLine: this.#options.commandLine,
      port: (reference) =>
        typeof reference === 'number'
          ? reference
          : this.spec.ports.find((port) => port.name === reference)?.containerPort,
    };
    return probeOnce(spec.action, target, spec.timeoutSeconds * 1000);
  }

  async #portsOpen(): Promise<ProbeFinding> {
    const open = new Set<number>();
    for (const table of ['tcp', 'tcp6']) {
      try {
        const text = readFileSync(`/proc/${this.#options.sandboxPid}/net/${table}`, 'latin1');
        for (const port of listeningPorts(text)) open.add(port);
      } catch {
        // The pod is going, or the kernel has no IPv6.
      }
    }
    const closed = this.spec.ports.find((port) => port.protocol === 'TCP' && !open.has(port.containerPort));
    return closed === undefined ? undefined : `nothing listens on port ${closed.containerPort} yet`;
  }
}

/** A program of which nothing else can be asked has only to live: one that cannot even start ends sooner than this. */
const lifeTiming: ProbeTiming = { initialDelayMs: 100, periodMs: 1000, successThreshold: 1, failureThreshold: 1 };

const portTiming: ProbeTiming = { initialDelayMs: 20, periodMs: 1000, successThreshold: 1, failureThreshold: 1 };

function timingOf(spec: ProbeSpec): ProbeTiming {
  return {
    initialDelayMs: spec.initialDelaySeconds * 1000,
    periodMs: spec.periodSeconds * 1000,
    successThreshold: spec.successThreshold,
    failureThreshold: spec.failureThreshold,
  };
}
