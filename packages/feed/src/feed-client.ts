import { backoffDelayMs, CodedError, errorMessage } from '@tulle/core';
import type { BackoffPolicy, Clock, Logger, Timer } from '@tulle/core';
import type { MeshDelta, MeshState, ResourceKind } from '@tulle/ir';
import { ClientState } from './client-state.ts';
import { loadDiscoveryService, type DeltaResponse } from './discovery-service.ts';
import { FeedConnection, type FeedCredentials, type FeedServices } from './feed-connection.ts';
import { loadReportService, type NodeReport } from './report-service.ts';

/** What a {@link FeedClient} is made from. */
export interface FeedClientOptions {
  /** `HOST:PORT` of the controller. */
  readonly address: string;
  readonly credentials: FeedCredentials;
  /** The node's name; the controller checks that the token is this node's. */
  readonly node: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Called with each change, with `version` as people see it (`v12`). When it throws, the change is refused with the
   * error's message and is not part of the state: it must leave the caller as it was.
   */
  readonly onDelta: (delta: MeshDelta, version: string) => void;
  /** Called when the agent has all that the controller has; also when a new connection brought no difference. Must not throw. */
  readonly onSynced?: (version: string) => void;
  /** Called when a change was refused. */
  readonly onRefused?: (version: string, message: string) => void;
  readonly onConnected?: () => void;
  readonly onDisconnected?: (why: string) => void;
  /** Numbers in [0, 1), for jitter. */
  readonly random?: () => number;
  readonly connectTimeoutMs?: number;
  readonly keepaliveIntervalMs?: number;
  readonly keepaliveTimeoutMs?: number;
}

/** Half of the delay at random, so that the agents of a cluster do not come back all at once. */
const reconnect: BackoffPolicy = { initialMs: 500, maxMs: 30_000, jitter: 0.5 };

/**
 * The agent's side of the feed: keeps the whole configuration, applies each change as a whole or not at all, and
 * connects again, with back-off, telling what it has, so that only differences are sent. What it has stays while the
 * controller is away.
 */
export class FeedClient implements Disposable {
  readonly #options: FeedClientOptions;
  readonly #services: FeedServices;
  readonly #state = new ClientState();
  #connection: FeedConnection | undefined;
  #open = false;
  #retry: Timer | undefined;
  #failures = 0;
  #version: string | undefined;
  #closed = false;

  constructor(options: FeedClientOptions) {
    this.#options = options;
    this.#services = { discovery: loadDiscoveryService(), reports: loadReportService() };
  }

  /** Connects, and again whenever the connection is lost, until closed. */
  start(): void {
    if (this.#closed || this.#connection !== undefined || this.#retry !== undefined) return;
    this.#connect();
  }

  /** Whether there is a connection to the controller now. */
  get connected(): boolean {
    return this.#open;
  }

  /** The version that was applied last, as people see it; undefined before the first. */
  get version(): string | undefined {
    return this.#version;
  }

  /** The configuration as it is now; undefined before the first. */
  state(): MeshState | undefined {
    return this.#state.state();
  }

  /** How many resources of a kind there are. */
  count(kind: ResourceKind): number {
    return this.#state.count(kind);
  }

  /**
   * Tells the controller about the node. Rejects with a {@link CodedError}: `not-connected`, or `report-failed`; the next
   * report makes up for one that was lost.
   */
  async report(report: NodeReport): Promise<void> {
    if (this.#connection === undefined || !this.#open) {
      throw new CodedError('not-connected', 'there is no connection to the controller');
    }
    await this.#connection.report(report);
  }

  /** Ends the connection and does not connect again. The state stays readable. */
  close(): void {
    this.#closed = true;
    this.#open = false;
    this.#retry?.cancel();
    this.#connection?.close();
    this.#connection = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #connect(): void {
    this.#retry = undefined;
    const { address, credentials, node, clock } = this.#options;
    const { connectTimeoutMs = 10_000, keepaliveIntervalMs = 10_000, keepaliveTimeoutMs = 5000 } = this.#options;
    const options = { address, credentials, node, clock, connectTimeoutMs, keepaliveIntervalMs, keepaliveTimeoutMs };
    try {
      this.#connection = new FeedConnection(options, this.#services, this.#state, {
        onOpen: () => this.#opened(),
        onChange: (responses) => this.#change(responses),
        onLost: (why) => this.#lost(why),
      });
    } catch (thrown) {
      this.#lost(errorMessage(thrown));
    }
  }

  #opened(): void {
    this.#open = true;
    this.#options.logger.info('connected to the controller', { address: this.#options.address });
    this.#options.onConnected?.();
  }

  #lost(why: string): void {
    const { address, clock, logger, random, onDisconnected } = this.#options;
    const wasOpen = this.#open;
    this.#connection = undefined;
    this.#open = false;
    const delayMs = backoffDelayMs(reconnect, this.#failures++, random);
    logger.warn('no connection to the controller; the last configuration stays', {
      address,
      why,
      retryInMs: Math.round(delayMs),
    });
    this.#retry = clock.after(delayMs, () => this.#connect());
    if (wasOpen) onDisconnected?.(why);
  }

  /** Applies a change; gives why it is refused. */
  #change(responses: readonly DeltaResponse[]): string | undefined {
    const { logger, onDelta, onSynced, onRefused } = this.#options;
    const version = responses.at(-1)?.systemVersionInfo ?? '';
    const prepared = this.#state.prepare(responses);
    let refused = prepared.ok ? undefined : prepared.error.message;
    if (prepared.ok) {
      try {
        if (!prepared.value.empty) onDelta(prepared.value.delta, version);
        prepared.value.commit();
        this.#version = version;
        this.#failures = 0;
      } catch (thrown) {
        refused = errorMessage(thrown);
      }
    }
    if (refused === undefined) {
      onSynced?.(version);
      return undefined;
    }
    logger.error('a configuration was refused; the one before it stays', { version, why: refused });
    onRefused?.(version, refused);
    return refused;
  }
}
