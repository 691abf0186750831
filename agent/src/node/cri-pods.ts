import type { Clock, Logger, Timer } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import type { ContainerRuntime, Sandbox } from './cri-client.ts';
import type { LocalPod, PodSource } from './pod-directory.ts';

/** What {@link CriPods} are made from. */
export interface CriPodsOptions {
  readonly runtime: ContainerRuntime;
  /** Called after each change of {@link CriPods.pods}. */
  readonly onChange: () => void;
  readonly log: Logger;
  readonly clock: Clock;
}

const pollMs = 1000;
/** Where the runtime tells of events, they come at once and this is only in case one was lost. */
const pollWithEventsMs = 10_000;
const settleMs = 20;
const eventsRetryMs = 30_000;

/** What is known of a sandbox; one in the node's own network has no pod. */
interface Known {
  readonly pod: LocalPod | undefined;
}

/** The pods that a container runtime runs on this node, with their network namespaces. Pods in the node's network are none. */
export class CriPods implements PodSource {
  readonly #options: CriPodsOptions;
  readonly #known = new Map<string, Known>();
  #pods: ReadonlyMap<string, LocalPod> = new Map();
  #timer: Timer | undefined;
  #eventsTimer: Timer | undefined;
  #events: { cancel(): void } | undefined;
  #reading = false;
  #again = false;
  #failed = false;
  #closed = false;

  constructor(options: CriPodsOptions) {
    this.#options = options;
    this.#listen();
    void this.#read();
  }

  pods(): ReadonlyMap<string, LocalPod> {
    return this.#pods;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#eventsTimer?.cancel();
    this.#events?.cancel();
    this.#options.runtime.close();
  }

  #listen(): void {
    const { clock, runtime } = this.#options;
    this.#events = runtime.events(
      () => this.#plan(settleMs),
      () => {
        if (this.#events === undefined || this.#closed) return;
        this.#events = undefined;
        // Not every runtime has them, and none while it restarts: until then we ask more often.
        this.#plan(pollMs);
        this.#eventsTimer = clock.after(eventsRetryMs, () => this.#listen());
      },
    );
  }

  #plan(delayMs: number): void {
    if (this.#closed) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => void this.#read());
  }

  async #read(): Promise<void> {
    const { log, runtime } = this.#options;
    this.#reading = true;
    this.#again = false;
    try {
      const sandboxes = await runtime.sandboxes();
      await this.#learn(sandboxes);
      if (!this.#closed) this.#take(podsOf(sandboxes, this.#known));
      if (this.#failed) log.info('the container runtime answers again');
      this.#failed = false;
    } catch (error) {
      if (!this.#failed && !this.#closed) {
        log.warn('the container runtime cannot be asked for its pods; what is known stays', {
          error: errorMessage(error),
        });
      }
      this.#failed = true;
    }
    this.#reading = false;
    const delayMs = this.#events === undefined || this.#failed ? pollMs : pollWithEventsMs;
    this.#plan(this.#again ? settleMs : delayMs);
  }

  /** Asks where the sandboxes are that are not known yet; one that cannot be told now is asked for again. */
  async #learn(sandboxes: readonly Sandbox[]): Promise<void> {
    const { log, runtime } = this.#options;
    const present = new Set(sandboxes.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    for (const { id, uid, namespace, name } of sandboxes) {
      if (this.#known.has(id) || this.#closed) continue;
      try {
        const network = await runtime.network(id);
        const pod = network.kind === 'node' ? undefined : { uid, namespace, name, netns: network.netns };
        this.#known.set(id, { pod });
      } catch (error) {
        log.debug('a sandbox does not tell its network namespace', {
          pod: `${namespace}/${name}`,
          error: errorMessage(error),
        });
        this.#again = true;
      }
    }
  }

  #take(pods: ReadonlyMap<string, LocalPod>): void {
    const before = this.#pods;
    const moved = [...pods].filter(([uid, pod]) => before.has(uid) && before.get(uid)?.netns !== pod.netns);
    if (moved.length > 0) {
      // A pod whose sandbox was made anew is another one to all who hold on to its namespace: it goes, then comes.
      const without = new Map(pods);
      for (const [uid] of moved) without.delete(uid);
      this.#pods = without;
      this.#options.onChange();
    }
    const isSame = moved.length === 0 && pods.size === before.size && [...pods.keys()].every((uid) => before.has(uid));
    this.#pods = pods;
    if (!isSame) this.#options.onChange();
  }
}

/** The pods by uid; of two sandboxes of one pod the younger counts. */
function podsOf(sandboxes: readonly Sandbox[], known: ReadonlyMap<string, Known>): Map<string, LocalPod> {
  const pods = new Map<string, LocalPod>();
  for (const { id } of [...sandboxes].sort((a, b) => a.createdAt - b.createdAt)) {
    const pod = known.get(id)?.pod;
    if (pod !== undefined) pods.set(pod.uid, pod);
  }
  return pods;
}
