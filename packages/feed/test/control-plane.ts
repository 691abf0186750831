import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { CodedError, err, ok } from '@tulle/core';
import { ControlPlaneCredentials, controllerIdentity, createGrpcServer, type GrpcServer } from '@tulle/identity';
import type { MeshDelta } from '@tulle/ir';
import { FakeClock, RecordingLogger, temporaryDirectory, TestCa } from '@tulle/testkit';
import { FeedClient, FeedServer, type FeedClientOptions, type NodeReport, type NodeState } from '../src/index.ts';

/** Something that happened, to be waited for. */
export class Events<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<{ readonly matches: (event: T) => boolean; readonly done: (event: T) => void }>();
  #taken = 0;

  push(event: T): void {
    this.all.push(event);
    for (const waiter of this.#waiting) {
      if (!waiter.matches(event)) continue;
      this.#waiting.delete(waiter);
      this.#taken = this.all.length;
      waiter.done(event);
    }
  }

  /** The next event that matches and was not given out before. */
  next(matches: (event: T) => boolean = () => true): Promise<T> {
    const index = this.all.findIndex((event, at) => at >= this.#taken && matches(event));
    if (index >= 0) {
      this.#taken = index + 1;
      return Promise.resolve(this.all[index] as T);
    }
    return new Promise((resolve, reject) => {
      // Never reached by a test that passes: it lets a failing one end and release what it holds.
      const limit = setTimeout(() => reject(new Error(`waited in vain; so far: ${inspect(this.all)}`)), 10_000);
      const done = (event: T) => {
        clearTimeout(limit);
        resolve(event);
      };
      this.#waiting.add({ matches, done });
    });
  }
}

const tokens: ReadonlyMap<string, string> = new Map([
  ['token-of-n1', 'n1'],
  ['token-of-n2', 'n2'],
]);

/** A controller's gRPC server with a feed, on a free port of the loopback interface, over TLS. */
export class TestController implements AsyncDisposable {
  readonly ca = new TestCa();
  readonly directory = temporaryDirectory();
  readonly logger = new RecordingLogger();
  readonly states = new Events<NodeState>();
  readonly reports = new Events<NodeReport>();
  feed: FeedServer;
  port = 0;
  #server: GrpcServer;

  constructor(lastVersion = 0) {
    writeFileSync(this.directory.file('bundle.pem'), this.ca.certificate.certPem);
    for (const [token, node] of tokens) writeFileSync(this.directory.file(node), token);
    writeFileSync(this.directory.file('stranger'), 'some-other-token');
    this.feed = this.#newFeed(lastVersion);
    this.#server = this.#newServer('127.0.0.1:0');
  }

  async start(): Promise<this> {
    this.port = await this.#server.listen();
    return this;
  }

  /** Ends all connections, and serves again on the same port with a feed that knows nothing. */
  async restart(): Promise<void> {
    this.#server.close();
    this.feed = this.#newFeed(0);
    this.#server = this.#newServer(`127.0.0.1:${this.port}`);
    await this.#server.listen();
  }

  stop(): void {
    this.#server.close();
  }

  credentials(node: string): ControlPlaneCredentials {
    return new ControlPlaneCredentials({
      trustBundleFile: this.directory.file('bundle.pem'),
      tokenFile: this.directory.file(node),
      server: { spiffeId: controllerIdentity('cluster.local') },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.feed.close();
    this.#server.close();
    this.directory[Symbol.dispose]();
    await Promise.resolve();
  }

  #newFeed(lastVersion: number): FeedServer {
    return new FeedServer({
      authenticate: (token) => {
        const node = tokens.get(token ?? '');
        return node === undefined ? err(new CodedError('unknown-token', 'no such token')) : ok({ node });
      },
      logger: this.logger,
      lastVersion,
      onNodeState: (state) => this.states.push(state),
      onReport: (report) => this.reports.push(report),
    });
  }

  #newServer(listen: string): GrpcServer {
    const leaf = this.ca.leaf(controllerIdentity('cluster.local').text);
    const server = createGrpcServer({ listen, tls: { keyPem: leaf.keyPem, certPem: leaf.certPem } });
    this.feed.register(server.server);
    return server;
  }
}

/** What an agent's feed client did. */
export type AgentEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly why: string }
  | { readonly type: 'delta'; readonly version: string; readonly delta: MeshDelta }
  | { readonly type: 'synced'; readonly version: string }
  | { readonly type: 'refused'; readonly version: string; readonly message: string };

/** A feed client whose events are kept. Time stands still: it connects again when `clock` is advanced. */
export class TestAgent implements Disposable {
  readonly events = new Events<AgentEvent>();
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly client: FeedClient;
  /** When set, the next deltas are refused with this message. */
  refuseWith: string | undefined;

  constructor(controller: TestController, node = 'n1', options: Partial<FeedClientOptions> = {}) {
    this.client = new FeedClient({
      address: `127.0.0.1:${controller.port}`,
      credentials: controller.credentials(node),
      node,
      clock: this.clock,
      logger: this.logger,
      random: () => 0,
      onDelta: (delta, version) => {
        this.events.push({ type: 'delta', version, delta });
        if (this.refuseWith !== undefined) throw new Error(this.refuseWith);
      },
      onSynced: (version) => this.events.push({ type: 'synced', version }),
      onRefused: (version, message) => this.events.push({ type: 'refused', version, message }),
      onConnected: () => this.events.push({ type: 'connected' }),
      onDisconnected: (why) => this.events.push({ type: 'disconnected', why }),
      ...options,
    });
    this.client.start();
  }

  async synced(version: string): Promise<void> {
    await this.events.next((event) => event.type === 'synced' && event.version === version);
  }

  /** All deltas until now. */
  deltas(): MeshDelta[] {
    return this.events.all.flatMap((event) => (event.type === 'delta' ? [event.delta] : []));
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}
