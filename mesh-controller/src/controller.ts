import { isIP } from 'node:net';
import { registerCertificateService, ServingCertificateKeeper } from '@tulle/ca';
import type { Authority, RotatableAuthority } from '@tulle/ca';
import type { Clock, Logger } from '@tulle/core';
import { FeedServer } from '@tulle/feed';
import { controllerIdentity, createGrpcServer, type GrpcServer } from '@tulle/identity';
import type { MeshSettings, MeshState } from '@tulle/ir';
import { AdminApi } from './admin/admin-api.ts';
import { AdminServer, type AdminAddress } from './admin/admin-server.ts';
import { readinessHandler } from './admin/readiness.ts';
import type { ObjectSource } from './objects/object-source.ts';
import { ObjectStore } from './objects/object-store.ts';
import { MeshPipeline } from './pipeline/mesh-pipeline.ts';
import { emptySnapshot, type MeshSnapshot } from './pipeline/mesh-snapshot.ts';
import type { Platform, PlatformParts } from './platform.ts';
import { AgentRegistry } from './server/agent-registry.ts';
import type { OutsideTrust } from './server/outside-trust.ts';
import { RotationDriver } from './server/rotation-driver.ts';
import { SigningLedger } from './server/signing-ledger.ts';
import { authorizeFromMesh } from './server/signing-policy.ts';
import { VersionFile } from './server/version-file.ts';
import { rotationView } from './views/rotation-view.ts';

/** What a {@link MeshController} is made from. */
export interface ControllerOptions {
  readonly source: ObjectSource;
  /** Translates the objects of a store, at a time in milliseconds since the epoch. */
  readonly translate: (store: ObjectStore, settings: MeshSettings, nowMs: number) => MeshSnapshot;
  readonly settings: MeshSettings;
  /** What the place that it runs in brings: who calls, the certificate authority, where statuses are written. */
  readonly platform: (parts: PlatformParts) => Platform;
  /** Whom the mesh trusts besides its own authority. */
  readonly outside?: OutsideTrust;
  /** Where the state that outlives the process is kept. */
  readonly stateDir: string;
  /** `HOST:PORT` of the one gRPC port; port 0 takes a free one. */
  readonly listen: string;
  /** Where the admin endpoint answers. */
  readonly admin: AdminAddress;
  /** Where probes ask for readiness, if not at the admin endpoint. */
  readonly ready?: AdminAddress;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Names that the controller's certificate is good for, besides its SPIFFE id. */
const dnsNames = [
  'mesh-controller.tulle-system.svc',
  'mesh-controller.tulle-system.svc.cluster.local',
  'mesh-controller.tulle-system',
  'localhost',
];

/**
 * The mesh controller: objects from a source are translated and streamed to the agents; the agents' certificates are
 * signed; and the CLI is told what there is.
 */
export class MeshController implements AsyncDisposable {
  readonly #options: ControllerOptions;
  readonly #store: ObjectStore;
  readonly #pipeline: MeshPipeline;
  readonly #registry: AgentRegistry;
  readonly #feed: FeedServer;
  readonly #keeper: ServingCertificateKeeper;
  readonly #grpc: GrpcServer;
  readonly #admin: AdminServer;
  readonly #ready: AdminServer;
  readonly #platform: Platform;
  readonly #rotation: RotationDriver | undefined;
  readonly #versions: VersionFile;

  /** Throws what making its platform throws. */
  constructor(options: ControllerOptions) {
    const { clock, logger, settings, stateDir } = options;
    this.#options = options;
    this.#store = new ObjectStore(() => this.#pipeline.changed());
    this.#registry = new AgentRegistry(clock);
    this.#platform = options.platform({ store: this.#store, snapshot: () => this.#pipeline.snapshot });
    const { authority } = this.#platform;
    const versions = new VersionFile(stateDir, logger);
    this.#versions = versions;
    this.#feed = new FeedServer({
      authenticate: this.#platform.authenticateNode,
      logger,
      onNodeState: (state) => this.#registry.nodeState(state),
      onReport: (report) => {
        this.#registry.report(report);
        this.#platform.report?.(report);
      },
      lastVersion: versions.last,
    });
    this.#pipeline = new MeshPipeline({
      translate: () => options.translate(this.#store, settings, clock.nowMs()),
      publish: (state) => this.#publish(state, versions),
      onSnapshot: (snapshot) => this.#platform.changed?.(snapshot),
      initial: emptySnapshot(settings),
      clock,
      logger,
    });
    this.#keeper = this.#keepServingCertificate(authority);
    this.#platform.rotation?.onChange(() => {
      this.#keeper.renewNow();
      this.#grpc.setClientRoots(authority.trustBundle.pem);
      if (this.#pipeline.started) this.#publish(this.#pipeline.snapshot.state, versions);
    });
    this.#grpc = createGrpcServer({
      listen: options.listen,
      tls: this.#keeper.first,
      clientRootsPem: authority.trustBundle.pem,
    });
    this.#feed.register(this.#grpc.server);
    const ledger = new SigningLedger(clock);
    registerCertificateService(this.#grpc.server, {
      authority,
      authenticate: this.#platform.authenticate,
      authorize: authorizeFromMesh(this.#pipeline),
      clock,
      logger,
      audit: (record) => ledger.record(record),
    });
    this.#admin = new AdminServer(this.#adminApi(authority, ledger).handle, logger);
    this.#ready = new AdminServer(readinessHandler(this.#pipeline), logger);
    const rotation = this.#rotatable;
    if (rotation !== undefined) {
      const waitsFor = () => {
        const { agents, configVersion } = this.#feedFacts();
        return rotationView({ authority, phase: rotation.phase, agents: agents.values(), configVersion }).waitsFor;
      };
      this.#rotation = new RotationDriver({ rotation, waitsFor, clock, logger });
    }
  }

  /**
   * Begins to serve; gives the gRPC port. Resolves once the source has been read to its end and the first configuration
   * is published. The admin socket answers before that. Throws a {@link CodedError}.
   */
  async start(): Promise<number> {
    const { admin, ready, source, logger, listen } = this.#options;
    await this.#admin.listen(admin);
    if (ready !== undefined) await this.#ready.listen(ready);
    const port = await this.#grpc.listen();
    await source.start(this.#store);
    this.#pipeline.start();
    this.#platform.start?.();
    this.#rotation?.start();
    this.#options.outside?.watch(() => this.#publish(this.#pipeline.snapshot.state, this.#versions));
    logger.info('serving', { listen, port, source: source.kind, objects: this.#store.counts() });
    return port;
  }

  /** Stops in order: no change is published, agents are let go, calls under way end within `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    this.#pipeline[Symbol.dispose]();
    this.#keeper.close();
    this.#rotation?.close();
    this.#options.outside?.close();
    await this.#options.source.close();
    this.#feed.close();
    await this.#grpc.drain(deadlineMs);
    await this.#platform.close?.();
    await this.#ready.close();
    await this.#admin.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain(0);
  }

  /** Gives a state to the agents, and with it the roots that are trusted now and the key of sessions. */
  #publish(state: MeshState, versions: VersionFile): void {
    const { authority, sessionKey } = this.#platform;
    const rootsPem = authority.trustBundle.pem;
    const signingRoot = authority.trustBundle.roots[0]?.fingerprint256 ?? '';
    const sessions = sessionKey === undefined ? {} : { sessionKey };
    const own = { rootsPem, signingRoot };
    const trust = this.#options.outside?.settings(own) ?? { trust: own };
    const settings = { ...state.settings, ...trust, ...sessions };
    const version = this.#feed.setState({ ...state, settings });
    this.#registry.published(version);
    versions.note(version);
  }

  /** The authority, where its root is the one that workloads trust. */
  get #rotatable(): RotatableAuthority | undefined {
    return this.#options.outside?.isExternal === true ? undefined : this.#platform.rotation;
  }

  #keepServingCertificate(authority: Authority): ServingCertificateKeeper {
    const { clock, logger, settings, listen } = this.#options;
    const host = listen.slice(0, listen.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
    return new ServingCertificateKeeper({
      authority,
      identity: controllerIdentity(settings.trustDomain),
      dnsNames,
      ipAddresses: isIP(host) === 0 ? ['127.0.0.1'] : [...new Set([host, '127.0.0.1'])],
      clock,
      logger,
      onCertificate: (certificate) => this.#grpc.setCertificate(certificate),
    });
  }

  #adminApi(authority: Authority, ledger: SigningLedger): AdminApi {
    const { source, version, clock } = this.#options;
    return new AdminApi({
      store: this.#store,
      pipeline: this.#pipeline,
      authority,
      ...(this.#rotatable === undefined ? {} : { rotation: this.#rotatable }),
      ledger,
      feed: () => this.#feedFacts(),
      tokenNodes: () => this.#platform.tokenNodes(),
      source: source.kind,
      version,
      clock,
      startedAtMs: clock.monotonicMs(),
    });
  }

  #feedFacts() {
    const { publishedAtMs, convergenceMs } = this.#registry;
    return {
      configVersion: this.#feed.version ?? 'none',
      ...(publishedAtMs === undefined ? {} : { publishedAtMs }),
      ...(convergenceMs === undefined ? {} : { convergenceMs }),
      agents: this.#registry.records(),
    };
  }
}
