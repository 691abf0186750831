import { once } from 'node:events';
import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from '@tulle/core';
import { resourceTypeUrls, type ResourceKind } from '@tulle/ir';
import type { DeltaRequest, DeltaResource, DeltaResponse } from './discovery-service.ts';
import { kindOf, kindsInOrder } from './kinds.ts';
import { versionName, type NamesByKind, type ResourceStore } from './resource-store.ts';

/** The gRPC call of one agent's stream. */
export type FeedCall = ServerDuplexStream<DeltaRequest, DeltaResponse>;

/** What a stream tells its server. */
export interface FeedStreamEvents {
  /** A version was sent, acknowledged or refused: see the stream's properties. */
  readonly onProgress: () => void;
}

/** What an agent asked to be sent of one kind. */
interface Subscription {
  wildcard: boolean;
  readonly names: Set<string>;
  /**
   * What the agent said that it has, by name, until the first answer: that one is sent even if nothing differs, for it
   * tells the agent that it has everything.
   */
  known: Record<string, string> | undefined;
}

/** A change on its way to the agent: all responses of one version. */
interface Batch {
  readonly version: number;
  readonly names: ReadonlyMap<ResourceKind, ReadonlySet<string>>;
  /** Nonces of responses that are not answered yet. */
  readonly unanswered: Set<string>;
  allSent: boolean;
  nack: string | undefined;
}

/** A response before it is known which follows it. */
type Unnumbered = Omit<DeltaResponse, 'nonce' | 'moreFollows'>;

/** About this many bytes of resources go into one response. */
const responseBytes = 1024 * 1024;
const maxNackMessage = 4096;

/**
 * The server's side of one agent's stream, once the agent is known. At most one batch is under way; what changes
 * meanwhile is collected by name, so that an agent that is slow gets the newest state in one step and costs no memory.
 *
 * States: idle (`#batch` undefined) -> sending -> waiting for answers -> idle. `close` ends any of them.
 */
export class FeedStream {
  readonly node: string;
  /** Number of the version sent last, and of that acknowledged last; 0 for none. */
  sentVersion = 0;
  ackedVersion = 0;
  /** The last refusal, until a version is acknowledged. */
  nack: { readonly version: number; readonly message: string } | undefined;

  readonly #call: FeedCall;
  readonly #store: ResourceStore;
  readonly #logger: Logger;
  readonly #events: FeedStreamEvents;
  readonly #subscriptions = new Map<ResourceKind, Subscription>();
  readonly #abort = new AbortController();
  #pending = new Map<ResourceKind, Set<string>>();
  /** What the agent refused: sent again, as it then is, together with the next change. */
  #refused = new Map<ResourceKind, Set<string>>();
  #batch: Batch | undefined;
  #collecting = false;
  #nonce = 0;

  constructor(
    node: string,
    call: FeedCall,
    context: { readonly store: ResourceStore; readonly logger: Logger; readonly events: FeedStreamEvents },
  ) {
    this.node = node;
    this.#call = call;
    this.#store = context.store;
    this.#logger = context.logger;
    this.#events = context.events;
  }

  /** Takes a request: a subscription, an answer to a response, or both. */
  receive(request: DeltaRequest): void {
    if (request.node !== null && request.node.id !== '' && request.node.id !== this.node) {
      this.fail(status.PERMISSION_DENIED, `the token is that of node ${this.node}`);
      return;
    }
    const kind = kindOf(request.typeUrl);
    if (kind === undefined) this.#logger.warn('an agent asks for an unknown type', { typeUrl: request.typeUrl });
    else this.#subscribe(kind, request);
    if (request.responseNonce !== '') this.#answered(request);
    this.#collecting = request.moreFollows;
    this.flush();
  }

  /** Notes that resources came, changed or went; they are sent when the agent has answered what was sent before. */
  changed(names: NamesByKind): void {
    for (const [kind, more] of this.#refused) this.#add(kind, more);
    this.#refused = new Map();
    for (const [kind, more] of names) this.#add(kind, more);
    this.flush();
  }

  /** Sends what is pending, unless something is under way. */
  flush(): void {
    if (this.#batch !== undefined || this.#collecting || !this.#store.filled || this.#abort.signal.aborted) return;
    let answerDue = false;
    for (const [kind, subscription] of this.#subscriptions) {
      if (subscription.known === undefined) continue;
      answerDue = true;
      this.#addPending(kind, this.#differences(kind, subscription));
    }
    if (this.#pending.size === 0 && !answerDue) return;
    const names = this.#pending;
    const { version } = this.#store;
    const batch: Batch = { version, names, unanswered: new Set(), allSent: false, nack: undefined };
    this.#pending = new Map();
    this.#batch = batch;
    void this.#send(batch, this.#responses(batch));
  }

  /** Ends the stream with an error. */
  fail(code: status, details: string): void {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.#call.emit('error', { code, details });
  }

  /** Stops sending; the call itself is ended by its owner. */
  close(): void {
    this.#abort.abort();
  }

  #subscribe(kind: ResourceKind, request: DeltaRequest): void {
    const { resourceNamesSubscribe: wanted, resourceNamesUnsubscribe: unwanted } = request;
    let subscription = this.#subscriptions.get(kind);
    if (subscription === undefined) {
      // xDS: the first request of a type without names is a wildcard, too.
      const wildcard = wanted.length === 0;
      subscription = { wildcard, names: new Set(), known: { ...request.initialResourceVersions } };
      this.#subscriptions.set(kind, subscription);
    } else if (subscription.known !== undefined) {
      // What an agent has may be too much for one request.
      Object.assign(subscription.known, request.initialResourceVersions);
    }
    for (const name of wanted) {
      if (name === '*') {
        const before = subscription.wildcard;
        subscription.wildcard = true;
        if (!before) this.#add(kind, this.#store.names(kind));
      } else {
        subscription.names.add(name);
        this.#add(kind, [name]);
      }
    }
    for (const name of unwanted) {
      if (name === '*') subscription.wildcard = false;
      else subscription.names.delete(name);
    }
  }

  /** The names that an agent has to be told about at first. */
  #differences(kind: ResourceKind, { wildcard, names, known = {} }: Subscription): string[] {
    const concerned = wildcard ? new Set([...this.#store.names(kind), ...Object.keys(known)]) : names;
    return [...concerned].filter((name) => known[name] !== this.#store.get(kind, name)?.version);
  }

  /** Notes names that the agent asked for, unless its first answer is still to come, which has them all. */
  #add(kind: ResourceKind, names: Iterable<string>): void {
    const subscription = this.#subscriptions.get(kind);
    if (subscription === undefined || subscription.known !== undefined) return;
    const { wildcard, names: wanted } = subscription;
    this.#addPending(kind, wildcard ? names : [...names].filter((name) => wanted.has(name)));
  }

  #addPending(kind: ResourceKind, names: Iterable<string>): void {
    let pending = this.#pending.get(kind);
    for (const name of names) {
      if (pending === undefined) this.#pending.set(kind, (pending = new Set()));
      pending.add(name);
    }
  }

  #answered(request: DeltaRequest): void {
    const batch = this.#batch;
    // A nonce that is not known belongs to nothing that waits: the protocol says to ignore it.
    if (batch === undefined || !batch.unanswered.delete(request.responseNonce)) return;
    if (request.errorDetail !== null) batch.nack = request.errorDetail.message.slice(0, maxNackMessage);
    this.#completeIfDone(batch);
  }

  #completeIfDone(batch: Batch): void {
    if (!batch.allSent || batch.unanswered.size > 0) return;
    this.#batch = undefined;
    if (batch.nack === undefined) {
      this.ackedVersion = batch.version;
      this.nack = undefined;
    } else {
      this.nack = { version: batch.version, message: batch.nack };
      for (const [kind, names] of batch.names) {
        this.#refused.set(kind, new Set([...(this.#refused.get(kind) ?? []), ...names]));
      }
      this.#logger.warn('an agent refused a configuration', { version: versionName(batch.version), why: batch.nack });
    }
    this.#events.onProgress();
    this.flush();
  }

  /** Writes the responses of a batch, no faster than the connection takes them. */
  async #send(batch: Batch, responses: readonly Unnumbered[]): Promise<void> {
    try {
      for (const [index, response] of responses.entries()) {
        const nonce = String(++this.#nonce);
        batch.unanswered.add(nonce);
        const takesMore = this.#call.write({ ...response, nonce, moreFollows: index + 1 < responses.length });
        if (!takesMore) await once(this.#call, 'drain', { signal: this.#abort.signal });
      }
    } catch {
      // The stream ended while it waited for the connection.
      return;
    }
    batch.allSent = true;
    this.sentVersion = batch.version;
    this.#events.onProgress();
    this.#completeIfDone(batch);
  }

  /**
   * What came or changed, in order of kinds; then what went, in the opposite order. Made at once, from one state of the
   * store, so that what changes while it is sent does not get mixed in.
   */
  #responses(batch: Batch): Unnumbered[] {
    const systemVersionInfo = versionName(batch.version);
    const responses: Unnumbered[] = [];
    const removals: Unnumbered[] = [];
    for (const kind of kindsInOrder) {
      const typeUrl = resourceTypeUrls[kind];
      const subscription = this.#subscriptions.get(kind);
      const removedResources: string[] = [];
      let resources: DeltaResource[] = [];
      let bytes = 0;
      for (const name of batch.names.get(kind) ?? []) {
        const stored = this.#store.get(kind, name);
        if (stored === undefined) {
          removedResources.push(name);
          continue;
        }
        resources.push({ name, version: stored.version, resource: { typeUrl, value: stored.bytes } });
        bytes += stored.bytes.length;
        if (bytes < responseBytes) continue;
        responses.push({ systemVersionInfo, typeUrl, resources, removedResources: [] });
        resources = [];
        bytes = 0;
      }
      const answerDue = subscription?.known !== undefined && removedResources.length === 0;
      if (resources.length > 0 || answerDue) {
        responses.push({ systemVersionInfo, typeUrl, resources, removedResources: [] });
      }
      if (subscription !== undefined) subscription.known = undefined;
      if (removedResources.length > 0)
        removals.unshift({ systemVersionInfo, typeUrl, resources: [], removedResources });
    }
    return [...responses, ...removals];
  }
}
