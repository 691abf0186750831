import type { Clock, Logger } from '@tulle/core';
import { isApiStatus, objectPath, type ApiResource, type KubernetesClient } from '@tulle/kubernetes';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { maxEntries, mergeEntries, type StatusEntry } from './status-entries.ts';

/** What a {@link StatusWriter} is made from. */
export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  readonly store: ObjectStore;
  /** How objects of a kind are reached; undefined while the kind is not served. */
  readonly resourceOf: (kind: string) => ApiResource | undefined;
  readonly controllerName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The kinds that have statuses of ours, and where in their status these are. */
const fields = {
  HTTPRoute: 'parents',
  GRPCRoute: 'parents',
  TLSRoute: 'parents',
  TCPRoute: 'parents',
  UDPRoute: 'parents',
  AuthorizationPolicy: 'ancestors',
  BackendTLSPolicy: 'ancestors',
  XBackendTrafficPolicy: 'ancestors',
} as const;
type StatusKind = keyof typeof fields;

/** The kinds whose statuses a {@link StatusWriter} writes. */
export const statusKinds = Object.keys(fields) as readonly StatusKind[];

/** An object as far as its status goes. */
interface ObjectWithStatus {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion?: string };
  readonly status?: { readonly parents?: readonly StatusEntry[]; readonly ancestors?: readonly StatusEntry[] };
}

type Statuses = Pick<MeshSnapshot, 'routeStatuses' | 'policyStatuses'>;

/** Writes the statuses of routes and policies while it leads: only entries of our own controller, only what changed. */
export class StatusWriter implements Disposable {
  readonly #options: StatusWriterOptions;
  readonly #queue: KeyedQueue;
  #statuses: Statuses | undefined;
  #leads = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#queue = new KeyedQueue({ what: 'a status', run: (key) => this.#write(key), clock, logger });
  }

  /** Takes the statuses as they should be. */
  update(statuses: Statuses): void {
    this.#statuses = statuses;
    if (this.#leads) this.#enqueue();
  }

  /** Whether this process is the one that writes. */
  setLeading(leads: boolean): void {
    this.#leads = leads;
    if (!leads) this.#queue.clear();
    else this.#enqueue();
  }

  [Symbol.dispose](): void {
    this.#leads = false;
    this.#queue[Symbol.dispose]();
  }

  #enqueue(): void {
    for (const kind of statusKinds) {
      for (const object of this.#options.store.ofKind(kind)) {
        const key = `${kind}/${object.metadata.namespace}/${object.metadata.name}`;
        if (this.#difference(kind, key, object) !== undefined) this.#queue.add(key);
      }
    }
  }

  #difference(kind: StatusKind, key: string, { status }: ObjectWithStatus): readonly StatusEntry[] | undefined {
    if (this.#statuses === undefined) return undefined;
    const { policyStatuses, routeStatuses } = this.#statuses;
    const field = fields[kind];
    const wanted = (field === 'parents' ? routeStatuses : policyStatuses).get(key) ?? [];
    const { controllerName } = this.#options;
    return mergeEntries(status?.[field] ?? [], wanted, { controllerName, most: maxEntries[field] });
  }

  async #write(key: string): Promise<void> {
    const [kind, namespace, name] = key.split('/') as [StatusKind, string, string];
    const resource = this.#options.resourceOf(kind);
    const known = this.#options.store.get(kind, namespace, name);
    if (resource === undefined || known === undefined || !this.#leads) return;
    const path = objectPath(resource, { namespace, name });
    try {
      await this.#patch(path, key, known);
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return;
      if (!isApiStatus(thrown, 409)) throw thrown;
      // Somebody wrote meanwhile, perhaps we: what is there now counts, not what we have been told of yet.
      await this.#patch(path, key, (await this.#options.client.get(path)) as ObjectWithStatus);
    }
  }

  async #patch(path: string, key: string, object: ObjectWithStatus): Promise<void> {
    const kind = key.slice(0, key.indexOf('/')) as StatusKind;
    const entries = this.#difference(kind, key, object);
    if (entries === undefined || !this.#leads) return;
    const { resourceVersion } = object.metadata;
    const body = { metadata: { resourceVersion }, status: { [fields[kind]]: entries } };
    await this.#options.client.patch(`${path}/status`, body, { type: 'merge' });
  }
}
