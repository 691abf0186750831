import { Metadata, status, type sendUnaryData, type Server, type ServerUnaryCall } from '@grpc/grpc-js';
import { errorMessage, type CodedError, type Logger, type Result } from '@tulle/core';
import type { MeshDelta, MeshState } from '@tulle/ir';
import { bearerToken } from './bearer-token.ts';
import { loadDiscoveryService, type DeltaRequest } from './discovery-service.ts';
import { FeedStream, type FeedCall } from './feed-stream.ts';
import { decodeReport, loadReportService, type NodeReport, type WireReport } from './report-service.ts';
import { ResourceStore, versionName, type NamesByKind } from './resource-store.ts';

/** Tells which node a token belongs to. The error's message is logged, not sent. */
export type AuthenticateNode = (
  token: string | undefined,
) => Result<{ readonly node: string }, CodedError> | Promise<Result<{ readonly node: string }, CodedError>>;

/** Where a node stands with the configuration. Versions are as people see them, `v12`. */
export interface NodeState {
  readonly node: string;
  readonly connected: boolean;
  /** The version sent last and the one the agent acknowledged last, on the stream it has now. */
  readonly sentVersion?: string;
  readonly ackedVersion?: string;
  /** The last refusal, until the agent acknowledges a version. */
  readonly nack?: { readonly version: string; readonly message: string };
}

/** What a {@link FeedServer} is made from. */
export interface FeedServerOptions {
  readonly authenticate: AuthenticateNode;
  readonly logger: Logger;
  /** Called whenever what {@link NodeState} says changes. */
  readonly onNodeState?: (state: NodeState) => void;
  /** Called with each report of an agent about its node. */
  readonly onReport?: (report: NodeReport) => void;
  /** The number of the last version that was given out before a restart, so that versions go on counting up. */
  readonly lastVersion?: number;
}

/** A node that is, or was, connected. */
interface NodeEntry {
  /** An agent that is being replaced and the one that replaces it may both have a stream; the newest is last. */
  readonly streams: FeedStream[];
  last: NodeState;
}

/** Streams the mesh's configuration to agents by delta xDS, and takes their reports. */
export class FeedServer implements Disposable {
  readonly #options: FeedServerOptions;
  readonly #store: ResourceStore;
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #calls = new Set<FeedCall>();
  #closed = false;

  constructor(options: FeedServerOptions) {
    this.#options = options;
    this.#store = new ResourceStore(options.lastVersion ?? 0);
  }

  /** Adds the discovery service and the report service to a gRPC server. */
  register(server: Server): void {
    server.addService(loadDiscoveryService(), {
      DeltaAggregatedResources: (call: FeedCall) => void this.#serve(call),
    });
    server.addService(loadReportService(), {
      Report: (call: ServerUnaryCall<WireReport, object>, done: sendUnaryData<object>) => void this.#report(call, done),
    });
  }

  /**
   * Replaces the configuration; agents are sent what differs. Gives the version, which is the one before if nothing
   * does. Agents that connect before the first call wait for it and keep what they have.
   */
  setState(state: MeshState): string {
    return this.#changed(this.#store.setState(state));
  }

  /** Changes the configuration; as {@link FeedServer.setState}. */
  applyDelta(delta: MeshDelta): string {
    return this.#changed(this.#store.applyDelta(delta));
  }

  /** The version of the configuration; undefined before there is one. */
  get version(): string | undefined {
    return this.#store.filled ? versionName(this.#store.version) : undefined;
  }

  /** Where all nodes stand that were ever connected, sorted by name. */
  nodes(): NodeState[] {
    return [...this.#nodes.values()].map((entry) => entry.last).sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Forgets a node that has left the cluster, unless it is connected. */
  forgetNode(node: string): void {
    if (this.#nodes.get(node)?.streams.length === 0) this.#nodes.delete(node);
  }

  /** Ends all streams in order, so that agents connect elsewhere; new ones are refused. */
  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #changed(names: NamesByKind): string {
    // With no names this lets streams go on that waited for the first configuration, which may be empty.
    for (const { streams } of this.#nodes.values()) for (const stream of streams) stream.changed(names);
    return versionName(this.#store.version);
  }

  async #serve(call: FeedCall): Promise<void> {
    const { logger } = this.#options;
    let stream: FeedStream | undefined;
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      this.#calls.delete(call);
      stream?.close();
      if (stream !== undefined) this.#left(stream);
    };
    call.on('cancelled', end);
    call.on('close', end);
    call.on('error', end);
    call.on('end', () => {
      call.end();
      end();
    });
    const refuse = (code: status, details: string) => call.emit('error', { code, details });
    if (this.#closed) return void refuse(status.UNAVAILABLE, 'the controller is stopping');
    this.#calls.add(call);
    const node = await this.#nodeOf(call.metadata, call.getPeer());
    if (ended) return;
    if (node === undefined) return void refuse(status.UNAUTHENTICATED, 'the bearer token is missing or not accepted');
    stream = this.#joined(node, call, logger.child({ node, peer: call.getPeer() }));
    call.sendMetadata(new Metadata());
    call.on('data', (request: DeltaRequest) => stream?.receive(request));
  }

  #joined(node: string, call: FeedCall, logger: Logger): FeedStream {
    const stream: FeedStream = new FeedStream(node, call, {
      store: this.#store,
      logger,
      events: { onProgress: () => this.#progressed(stream) },
    });
    const entry = this.#nodes.get(node) ?? { streams: [], last: { node, connected: true } };
    entry.streams.push(stream);
    this.#nodes.set(node, entry);
    logger.info('agent connected');
    this.#progressed(stream);
    return stream;
  }

  #left(stream: FeedStream): void {
    const entry = this.#nodes.get(stream.node);
    const index = entry?.streams.indexOf(stream) ?? -1;
    if (entry === undefined || index < 0) return;
    entry.streams.splice(index, 1);
    const newest = entry.streams.at(-1);
    this.#options.logger.info('agent disconnected', { node: stream.node });
    if (newest === undefined) this.#note(entry, { ...entry.last, connected: false });
    else this.#note(entry, stateOf(newest));
  }

  #progressed(stream: FeedStream): void {
    const entry = this.#nodes.get(stream.node);
    if (entry !== undefined && entry.streams.at(-1) === stream) this.#note(entry, stateOf(stream));
  }

  #note(entry: NodeEntry, state: NodeState): void {
    entry.last = state;
    try {
      this.#options.onNodeState?.(state);
    } catch (thrown) {
      this.#options.logger.error("a node's state could not be taken", { node: state.node, why: errorMessage(thrown) });
    }
  }

  async #nodeOf(metadata: Metadata, peer: string): Promise<string | undefined> {
    try {
      const caller = await this.#options.authenticate(bearerToken(metadata));
      if (caller.ok) return caller.value.node;
      this.#options.logger.warn('a call of an agent was refused', { peer, why: caller.error.message });
    } catch (thrown) {
      this.#options.logger.error('a call of an agent could not be authenticated', { peer, why: errorMessage(thrown) });
    }
    return undefined;
  }

  async #report(call: ServerUnaryCall<WireReport, object>, done: sendUnaryData<object>): Promise<void> {
    const refuse = (code: status, details: string) => done({ code, details, metadata: new Metadata() });
    const node = await this.#nodeOf(call.metadata, call.getPeer());
    if (node === undefined) return refuse(status.UNAUTHENTICATED, 'the bearer token is missing or not accepted');
    if (call.request.node !== node) return refuse(status.PERMISSION_DENIED, `the token is that of node ${node}`);
    const report = decodeReport(call.request);
    if (!report.ok) return refuse(status.INVALID_ARGUMENT, report.error.message);
    try {
      this.#options.onReport?.(report.value);
    } catch (thrown) {
      this.#options.logger.error("an agent's report could not be taken", { node, why: errorMessage(thrown) });
      return refuse(status.INTERNAL, 'the controller failed; its log says why');
    }
    return done(null, {});
  }
}

function stateOf(stream: FeedStream): NodeState {
  const { node, sentVersion, ackedVersion, nack } = stream;
  return {
    node,
    connected: true,
    ...(sentVersion === 0 ? {} : { sentVersion: versionName(sentVersion) }),
    ...(ackedVersion === 0 ? {} : { ackedVersion: versionName(ackedVersion) }),
    ...(nack === undefined ? {} : { nack: { version: versionName(nack.version), message: nack.message } }),
  };
}
