import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BackoffPolicy, Clock, Logger } from '@tulle/core';
import { backoffDelayMs } from '@tulle/core';
import type { FromWorker, ToWorker, WorkerMeasures } from '../ipc.ts';

/**
 * V8 would collect the whole heap, which is small, each time that some 20 MB of bytes have come and gone, many times a
 * second under load: a third of the CPU time of bulk traffic. It is let grow first; what it holds when it is quiet again
 * is given back.
 *
 * Young memory is collected each 4 MiB: each time that Node turns from a socket to TLS it takes 64 KiB for what it reads,
 * so that under many small reads 64 MiB of buffers lie about before 16 MiB of heap are used up, and V8 then marks the whole
 * heap on both cores, five times a second, for 20 ms that every request waits.
 */
export const workerFlags: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--initial-old-space-size=256',
  '--max-semi-space-size=4',
];

/** What a new worker must be told before it can carry anything. */
export interface WorkerStart {
  /** Messages that bring a fresh worker to the present. */
  greeting(): ToWorker[];
  /** A worker said something. */
  onMessage(worker: number, message: FromWorker): void;
  /** A worker ended, and all that it had open. */
  onLost(worker: number): void;
}

const restartBackoff: BackoffPolicy = { initialMs: 20, maxMs: 5_000, jitter: 0.2 };
/** A worker that lived so long starts its back-off anew. */
const steadyMs = 10_000;
const measureTimeoutMs = 2_000;

interface Slot {
  readonly index: number;
  child: ChildProcess | undefined;
  /** Whether it runs our code by now: before that it answers nothing. */
  started: boolean;
  failures: number;
  startedMs: number;
}

/** The data-plane processes of an agent: kept alive, and all told the same. */
export class WorkerPool {
  readonly #slots: Slot[];
  readonly #start: WorkerStart;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #measuring = new Map<number, { left: Set<number>; done: WorkerMeasures[]; resolve: () => void }>();
  #measureNumber = 0;
  #closing = false;

  constructor(count: number, start: WorkerStart, tools: { readonly log: Logger; readonly clock: Clock }) {
    this.#start = start;
    this.#log = tools.log;
    this.#clock = tools.clock;
    this.#slots = Array.from({ length: count }, (_, index) => ({
      index,
      child: undefined,
      started: false,
      failures: 0,
      startedMs: 0,
    }));
    for (const slot of this.#slots) this.#spawn(slot);
  }

  /** The workers that live. */
  get alive(): number[] {
    return this.#slots.filter((slot) => slot.child !== undefined).map((slot) => slot.index);
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Tells every worker. */
  broadcast(message: ToWorker): void {
    for (const slot of this.#slots) this.#send(slot, message);
  }

  /** Tells one worker. */
  tell(worker: number, message: ToWorker): void {
    const slot = this.#slots[worker];
    if (slot !== undefined) this.#send(slot, message);
  }

  /** What the workers counted; one that does not answer in time is left out. */
  async measure(): Promise<WorkerMeasures[]> {
    const request = ++this.#measureNumber;
    const done: WorkerMeasures[] = [];
    const left = new Set(this.#slots.filter((slot) => slot.started).map((slot) => slot.index));
    if (left.size === 0) return done;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(measureTimeoutMs, resolve);
      this.#measuring.set(request, {
        left,
        done,
        resolve: () => {
          timer.cancel();
          resolve();
        },
      });
      this.broadcast({ type: 'measure', request });
    });
    this.#measuring.delete(request);
    return done;
  }

  /** Ends the workers. */
  close(): void {
    this.#closing = true;
    for (const slot of this.#slots) {
      if (slot.child?.connected === true) slot.child.disconnect();
    }
  }

  #send(slot: Slot, message: ToWorker): void {
    if (slot.child?.connected === true) slot.child.send(message);
  }

  #spawn(slot: Slot): void {
    const child = fork(fileURLToPath(new URL('../worker/main.ts', import.meta.url)), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...workerFlags],
    });
    slot.child = child;
    slot.startedMs = this.#clock.monotonicMs();
    child.on('message', (message) => this.#onMessage(slot, message as FromWorker));
    child.on('error', (error) => this.#log.error('a worker could not be told', { error: error.message }));
    child.on('exit', (code, signal) => this.#onExit(slot, code, signal));
    for (const message of this.#start.greeting()) this.#send(slot, message);
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    if (message.type === 'started') slot.started = true;
    if (message.type !== 'measured') {
      this.#start.onMessage(slot.index, message);
      return;
    }
    const measuring = this.#measuring.get(message.request);
    if (measuring === undefined) return;
    measuring.done.push(message.measures);
    measuring.left.delete(slot.index);
    if (measuring.left.size === 0) measuring.resolve();
  }

  #onExit(slot: Slot, code: number | null, signal: NodeJS.Signals | null): void {
    slot.child = undefined;
    slot.started = false;
    for (const measuring of this.#measuring.values()) {
      measuring.left.delete(slot.index);
      if (measuring.left.size === 0) measuring.resolve();
    }
    if (this.#closing) return;
    this.#log.error('a worker ended; its connections are lost, the others go on', { worker: slot.index, code, signal });
    this.#start.onLost(slot.index);
    slot.failures = this.#clock.monotonicMs() - slot.startedMs > steadyMs ? 0 : slot.failures + 1;
    const delayMs = slot.failures <= 1 ? 0 : backoffDelayMs(restartBackoff, slot.failures);
    this.#clock.after(delayMs, () => {
      if (!this.#closing) this.#spawn(slot);
    });
  }
}
