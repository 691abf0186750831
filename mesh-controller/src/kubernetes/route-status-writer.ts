import type { Clock, Logger } from '@tulle/core';
import type { ObjectKind, RouteParentStatus } from '@tulle/gateway-api';
import { isApiStatus, objectPath, type ApiResource, type KubernetesClient } from '@tulle/kubernetes';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { mergeParentStatuses } from './parent-statuses.ts';

/** What a {@link RouteStatusWriter} is made from. */
export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  readonly store: ObjectStore;
  /** How objects of a kind are reached; undefined while the kind is not served. */
  readonly resourceOf: (kind: string) => ApiResource | undefined;
  readonly controllerName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;
type RouteKind = (typeof routeKinds)[number];

/** A route as far as its status goes. */
interface RouteLike {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly resourceVersion?: string };
  readonly status?: { readonly parents?: readonly RouteParentStatus[] };
}

/** Writes the statuses of routes while it leads: only entries of our own controller, and only what changed. */
export class RouteStatusWriter implements Disposable {
  readonly #options: StatusWriterOptions;
  readonly #queue: KeyedQueue;
  #statuses: MeshSnapshot['routeStatuses'] | undefined;
  #leads = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#queue = new KeyedQueue({ what: 'the status of a route', run: (key) => this.#write(key), clock, logger });
  }

  /** Takes the statuses as they should be. */
  update({ routeStatuses }: Pick<MeshSnapshot, 'routeStatuses'>): void {
    this.#statuses = routeStatuses;
    if (this.#leads) this.#enqueue(routeStatuses);
  }

  /** Whether this process is the one that writes. */
  setLeading(leads: boolean): void {
    this.#leads = leads;
    if (!leads) this.#queue.clear();
    else if (this.#statuses !== undefined) this.#enqueue(this.#statuses);
  }

  [Symbol.dispose](): void {
    this.#leads = false;
    this.#queue[Symbol.dispose]();
  }

  #enqueue(statuses: MeshSnapshot['routeStatuses']): void {
    for (const kind of routeKinds) {
      for (const route of this.#options.store.ofKind(kind)) {
        const key = `${kind}/${route.metadata.namespace}/${route.metadata.name}`;
        if (this.#difference(route, statuses.get(key)) !== undefined) this.#queue.add(key);
      }
    }
  }

  #difference(route: RouteLike, wanted: readonly RouteParentStatus[] = []) {
    return mergeParentStatuses(route.status?.parents ?? [], wanted, this.#options.controllerName);
  }

  async #write(key: string): Promise<void> {
    const [kind = '', namespace = '', name = ''] = key.split('/');
    const resource = this.#options.resourceOf(kind);
    const known = this.#options.store.get<RouteKind & ObjectKind>(kind as RouteKind, namespace, name);
    if (resource === undefined || known === undefined || !this.#leads) return;
    const path = objectPath(resource, { namespace, name });
    try {
      await this.#patch(path, key, known);
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return;
      if (!isApiStatus(thrown, 409)) throw thrown;
      // Somebody wrote meanwhile, perhaps we: what is there now counts, not what we have been told of yet.
      await this.#patch(path, key, (await this.#options.client.get(path)) as RouteLike);
    }
  }

  async #patch(path: string, key: string, route: RouteLike): Promise<void> {
    const parents = this.#difference(route, this.#statuses?.get(key));
    if (parents === undefined || !this.#leads) return;
    const { resourceVersion } = route.metadata;
    const body = { metadata: { resourceVersion }, status: { parents } };
    await this.#options.client.patch(`${path}/status`, body, { type: 'merge' });
  }
}
