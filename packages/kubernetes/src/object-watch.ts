import { backoffDelayMs, errorMessage, type Clock, type Logger } from '@tulle/core';
import { collectionPath, type ApiResource } from './catalog.ts';
import type { KubernetesClient } from './client.ts';
import { pause } from './pause.ts';

/** What an {@link ObjectWatch} is made from. */
export interface ObjectWatchOptions {
  readonly client: KubernetesClient;
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly name: string;
  /** Called with the object as it is, at first and after each change; undefined while there is none. Must not throw. */
  readonly onObject: (object: object | undefined) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryBackoff = { initialMs: 500, maxMs: 30_000, jitter: 0.5 };
/** A watch that ends sooner than this without a word counts as a failure: else a broken proxy would make us spin. */
const leastWatchMs = 1000;
const watchSeconds = 300;

/** Keeps up with one object. A right to watch that is bound to its name is enough. */
export class ObjectWatch implements AsyncDisposable {
  readonly #options: ObjectWatchOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ObjectWatchOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { clock, logger, name, resource } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs();
      try {
        await this.#watch(await this.#read());
        if (clock.monotonicMs() - beganMs >= leastWatchMs) failures = 0;
        else failures += 1;
      } catch (thrown) {
        if (signal.aborted) return;
        failures += 1;
        const level = failures > 1 ? 'warn' : 'debug';
        logger[level](`the ${resource.kind} cannot be watched; trying again`, { name, error: errorMessage(thrown) });
      }
      if (failures > 0) await pause(clock, backoffDelayMs(retryBackoff, failures - 1), signal);
    }
  }

  /** Reads the object by a list of one, which also tells where a watch goes on; gives that version. */
  async #read(): Promise<string | undefined> {
    const { client, name, namespace, onObject, resource } = this.#options;
    const query = { fieldSelector: `metadata.name=${name}` };
    const page = await client.get(collectionPath(resource, namespace), query, this.#stop.signal);
    const { items, metadata } = page as { items?: readonly object[]; metadata?: { resourceVersion?: string } };
    if (this.#stop.signal.aborted) return undefined;
    onObject((items ?? []).find((item) => this.#isIt(item)));
    return metadata?.resourceVersion;
  }

  async #watch(from: string | undefined): Promise<void> {
    const { client, name, namespace, onObject, resource } = this.#options;
    const { signal } = this.#stop;
    if (from === undefined) return;
    const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: from, timeoutSeconds: watchSeconds };
    for await (const { type, object } of client.watch(collectionPath(resource, namespace), { query, signal })) {
      if (signal.aborted || type === 'ERROR') return;
      if (typeof object !== 'object' || object === null || !this.#isIt(object)) continue;
      if (type === 'DELETED') onObject(undefined);
      else if (type !== 'BOOKMARK') onObject(object);
    }
  }

  #isIt(object: object): boolean {
    const { metadata } = object as { metadata?: { name?: unknown; namespace?: unknown } };
    const { name, namespace } = this.#options;
    return metadata?.name === name && (namespace === undefined || metadata.namespace === namespace);
  }
}
