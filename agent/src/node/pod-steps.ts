import type { Clock } from '@tulle/core';
import type { FromWorker, PodSpec, ToWorker } from '../ipc.ts';

const openTimeoutMs = 5_000;

/** The workers, as far as steps need them. */
export interface StepWorkers {
  /** The numbers of those that live. */
  readonly alive: readonly number[];
  broadcast(message: ToWorker): void;
}

/** A step that waits for every worker's word about a pod. */
interface Waiting {
  readonly left: Set<number>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What every worker has to do with a pod before the agent goes on with it: opening its ports, letting go of it. */
export class PodSteps {
  readonly #workers: StepWorkers;
  readonly #clock: Clock;
  readonly #opening = new Map<string, Waiting>();
  readonly #releasing = new Map<string, Waiting>();

  constructor(workers: StepWorkers, clock: Clock) {
    this.#workers = workers;
    this.#clock = clock;
  }

  /** Resolves when every worker has the pod's ports open; rejects when one cannot, ends, or takes 5 s. */
  async open(pod: PodSpec): Promise<void> {
    this.stopReleasing(pod.uid);
    const opened = this.#allSpeak(this.#opening, pod.uid, { type: 'open-pod', pod });
    using _limit = this.#clock.after(openTimeoutMs, () =>
      this.#opening.get(pod.uid)?.reject(new Error('the workers did not open its ports')),
    );
    await opened;
  }

  /** Resolves when no worker that lives carries a connection of the pod any more, after `drainMs` at the latest. */
  release(uid: string, drainMs: number): Promise<void> {
    return this.#allSpeak(this.#releasing, uid, { type: 'release-pod', uid, drainMs });
  }

  /** Ends the waiting of {@link release}: the pod is wanted again. */
  stopReleasing(uid: string): void {
    this.#releasing.get(uid)?.resolve();
  }

  /** The pod is gone: the workers forget it, and say no more of it. */
  close(uid: string): void {
    this.#workers.broadcast({ type: 'close-pod', uid });
    this.#opening.get(uid)?.reject(new Error('the pod is gone'));
    this.stopReleasing(uid);
  }

  /** A worker said something; what is not about a step is nobody's. */
  heard(worker: number, message: FromWorker): void {
    switch (message.type) {
      case 'pod-opened':
        spoken(this.#opening.get(message.uid), worker);
        return;
      case 'pod-failed':
        this.#opening.get(message.uid)?.reject(new Error(message.message));
        return;
      case 'pod-drained':
        spoken(this.#releasing.get(message.uid), worker);
        return;
      case 'started':
      case 'drained':
      case 'measured':
        return;
    }
  }

  /** A worker ended, and with it all that it carried; what it was to open is open in the others only. */
  lost(worker: number): void {
    for (const waiting of [...this.#releasing.values()]) spoken(waiting, worker);
    for (const waiting of [...this.#opening.values()]) waiting.reject(new Error('a worker ended meanwhile'));
  }

  async #allSpeak(steps: Map<string, Waiting>, uid: string, request: ToWorker): Promise<void> {
    const left = new Set(this.#workers.alive);
    if (left.size === 0) throw new Error('no worker is running');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { left, resolve, reject };
    steps.set(uid, waiting);
    try {
      this.#workers.broadcast(request);
      await promise;
    } finally {
      if (steps.get(uid) === waiting) steps.delete(uid);
    }
  }
}

function spoken(waiting: Waiting | undefined, worker: number): void {
  if (waiting === undefined) return;
  waiting.left.delete(worker);
  if (waiting.left.size === 0) waiting.resolve();
}
