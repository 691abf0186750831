import { CodedError, err, ok, type Clock, type Logger, type Result, type Timer } from '@tulle/core';
import type { SpiffeId } from '@tulle/identity';
import { Reflector, type KubernetesClient, type RawObject } from '@tulle/kubernetes';
import type { Authorize, Caller } from './certificate-service.ts';

/** What {@link PodIdentities} are made from. */
export interface PodIdentitiesOptions {
  readonly client: KubernetesClient;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known of a pod. */
interface KnownPod {
  readonly uid: string;
  readonly node: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly isLive: boolean;
}

/** A node's agent may know of a new pod before we do: for this long its request waits for the pod to appear. */
const graceMs = 2000;
const podResource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true } as const;

/**
 * The pods of a cluster, watched, for an authority that runs without a controller: who may have which identity is told by
 * what runs where, never by the caller's word.
 */
export class PodIdentities implements AsyncDisposable {
  readonly #options: PodIdentitiesOptions;
  readonly #stop = new AbortController();
  readonly #pods = new Map<string, KnownPod>();
  readonly #waiting = new Set<() => void>();
  #listing: Map<string, KnownPod> | undefined;
  #isListed = false;
  readonly #running: Promise<unknown>;

  constructor(options: PodIdentitiesOptions) {
    this.#options = options;
    const { client, clock, logger } = options;
    const reflector = new Reflector({
      client,
      resource: podResource,
      clock,
      logger,
      sink: {
        page: (objects) => this.#page(objects),
        listed: () => this.#listed(),
        changed: (object) => this.#set(this.#pods, object),
        deleted: (object) => this.#delete(object),
        failed: (error) => {
          if (error !== undefined)
            logger.warn('pods cannot be watched; what is known is used', { error: error.message });
        },
      },
    });
    this.#running = reflector.run(this.#stop.signal);
  }

  /** The node of a pod, if it is there and has this uid. */
  nodeOfPod({ namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string }) {
    const pod = this.#pods.get(`${namespace}/${name}`);
    return pod?.uid === uid ? pod.node : undefined;
  }

  /**
   * Lets a node's agent have the identities of the pods that run on that node, and a workload its own while a pod has
   * it. Error codes: `not-allowed`, and `unavailable` until all pods have been read.
   */
  readonly authorize: Authorize = async (caller, wanted): Promise<Result<void, CodedError>> => {
    if (await this.#until(() => this.#isListed && this.#allows(caller, wanted))) return ok(undefined);
    if (!this.#isListed) return err(new CodedError('unavailable', 'the pods of the cluster have not been read yet'));
    const who = caller.kind === 'node' ? `no pod on node ${caller.node}` : `${caller.identity.text} as no pod`;
    return err(new CodedError('not-allowed', `${who} has the identity ${wanted.text}`));
  };

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #allows(caller: Caller, { text, trustDomain, workload }: SpiffeId): boolean {
    if (workload === undefined || trustDomain !== this.#options.trustDomain) return false;
    if (caller.kind === 'workload' && caller.identity.text !== text) return false;
    for (const pod of this.#pods.values()) {
      if (!pod.isLive || pod.namespace !== workload.namespace) continue;
      if (pod.serviceAccount !== workload.serviceAccount) continue;
      if (caller.kind === 'workload' || pod.node === caller.node) return true;
    }
    return false;
  }

  #until(condition: () => boolean): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (result: boolean) => {
        timer.cancel();
        this.#waiting.delete(look);
        resolve(result);
      };
      const look = () => {
        if (condition()) end(true);
      };
      const timer: Timer = this.#options.clock.after(graceMs, () => end(false));
      this.#waiting.add(look);
    });
  }

  #page(objects: readonly RawObject[]): void {
    this.#listing ??= new Map();
    for (const object of objects) this.#set(this.#listing, object);
  }

  #listed(): void {
    this.#pods.clear();
    for (const [key, pod] of this.#listing ?? []) this.#pods.set(key, pod);
    this.#listing = undefined;
    this.#isListed = true;
    this.#look();
  }

  #set(into: Map<string, KnownPod>, object: RawObject): void {
    const { metadata, spec, status } = object as {
      readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
      readonly spec?: {
        readonly nodeName?: string;
        readonly serviceAccountName?: string;
        readonly hostNetwork?: boolean;
      };
      readonly status?: { readonly phase?: string };
    };
    const { name = '', namespace = '', uid = '' } = metadata ?? {};
    const { nodeName: node = '', serviceAccountName: serviceAccount = 'default', hostNetwork } = spec ?? {};
    const hasEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    // What uses the node's network cannot be captured, so nobody asks for its identity rightly.
    const isLive = node !== '' && !hasEnded && hostNetwork !== true;
    into.set(`${namespace}/${name}`, { uid, node, namespace, serviceAccount, isLive });
    if (into === this.#pods) this.#look();
  }

  #delete(object: RawObject): void {
    const { metadata } = object as { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
    this.#pods.delete(`${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`);
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}
