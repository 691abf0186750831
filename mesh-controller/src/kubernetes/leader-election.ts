import { errorMessage, type Clock, type Logger } from '@tulle/core';
import { isApiStatus, pause, type KubernetesClient } from '@tulle/kubernetes';

/** What a {@link LeaderElection} is made from. */
export interface LeaderElectionOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The name of the Lease that all candidates share. */
  readonly name: string;
  /** What tells this candidate from the others: its pod's name. */
  readonly identity: string;
  /** Called whenever it changes whether this candidate leads. */
  readonly onChange: (leads: boolean) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a leader that is silent is believed to be alive. */
const leaseSeconds = 15;
/** A leader that could not renew for so long stops leading, before anybody else may begin. */
const renewDeadlineMs = 10_000;
const retryMs = 2000;

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

interface Lease {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/**
 * Decides which of several controllers leads, by a Lease (coordination.k8s.io/v1) as client-go does: whoever holds it
 * renews it; others take it once they have seen it unchanged for its duration. Clocks of machines are never compared.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #stop = new AbortController();
  readonly #path: string;
  readonly #collection: string;
  #leads = false;
  #renewedMs = 0;
  #seen: { readonly spec: string; readonly atMs: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
    this.#path = `${this.#collection}/${options.name}`;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** Begins to stand for election. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops; a leader gives the lease back, so that another one need not wait. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const holds = await this.#try();
        if (holds) this.#renewedMs = clock.monotonicMs();
        this.#set(holds);
      } catch (thrown) {
        logger.debug('the lease could not be renewed', { error: errorMessage(thrown) });
        if (clock.monotonicMs() - this.#renewedMs > renewDeadlineMs) this.#set(false);
      }
      await pause(clock, retryMs, signal);
    }
    const led = this.#leads;
    this.#set(false);
    if (led) await this.#release();
  }

  #set(leads: boolean): void {
    if (this.#leads === leads) return;
    this.#leads = leads;
    this.#options.logger.info(leads ? 'this controller leads' : 'this controller does not lead any more');
    this.#options.onChange(leads);
  }

  /** Takes or renews the lease if it can be had; tells whether we hold it. */
  async #try(): Promise<boolean> {
    const { client, clock, identity } = this.#options;
    const now = new Date(clock.nowMs()).toISOString().replace('Z', '000Z');
    const lease = await this.#read();
    const spec = { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, renewTime: now };
    if (lease === undefined) {
      const { namespace, name } = this.#options;
      const created = { metadata: { namespace, name }, spec: { ...spec, acquireTime: now, leaseTransitions: 0 } };
      return this.#attempt(() => client.create(this.#collection, leaseDocument(created)));
    }
    const before = lease.spec ?? {};
    if (before.holderIdentity === identity) {
      return this.#attempt(() => client.replace(this.#path, leaseDocument({ ...lease, spec: { ...before, ...spec } })));
    }
    if (!this.#isFree(before)) return false;
    const leaseTransitions = (before.leaseTransitions ?? 0) + 1;
    const taken = { ...lease, spec: { ...before, ...spec, acquireTime: now, leaseTransitions } };
    return this.#attempt(() => client.replace(this.#path, leaseDocument(taken)));
  }

  async #read(): Promise<Lease | undefined> {
    try {
      return (await this.#options.client.get(this.#path)) as Lease;
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  /** Whether nobody holds the lease, or its holder let it lie for its whole duration before our eyes. */
  #isFree(spec: LeaseSpec): boolean {
    if (spec.holderIdentity === undefined || spec.holderIdentity === '') return true;
    const nowMs = this.#options.clock.monotonicMs();
    const text = JSON.stringify(spec);
    if (this.#seen?.spec !== text) {
      this.#seen = { spec: text, atMs: nowMs };
      return false;
    }
    return nowMs - this.#seen.atMs >= (spec.leaseDurationSeconds ?? leaseSeconds) * 1000;
  }

  async #attempt(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (thrown) {
      // Another candidate was faster.
      if (isApiStatus(thrown, 409)) return false;
      throw thrown;
    }
  }

  async #release(): Promise<void> {
    try {
      const lease = await this.#read();
      if (lease?.spec?.holderIdentity !== this.#options.identity) return;
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
      await this.#options.client.replace(this.#path, leaseDocument({ ...lease, spec }));
    } catch (thrown) {
      this.#options.logger.debug('the lease could not be given back', { error: errorMessage(thrown) });
    }
  }
}

function leaseDocument(lease: object): object {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease };
}
