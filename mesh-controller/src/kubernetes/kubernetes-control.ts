import { hostname } from 'node:os';
import type { RotatableAuthority } from '@tulle/ca';
import type { Clock, Logger } from '@tulle/core';
import type { NodeReport } from '@tulle/feed';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { CapturedAnnotations } from './captured-annotations.ts';
import { CaptureEvents } from './capture-events.ts';
import { CertificateEvents } from './certificate-events.ts';
import type { KubernetesSource } from './kubernetes-source.ts';
import { LeaderElection } from './leader-election.ts';
import { MeshObjectKeeper } from './mesh-object.ts';
import { StatusWriter } from './status-writer.ts';
import { TrustBundles } from './trust-bundles.ts';

/** What a {@link KubernetesControl} is made from. */
export interface KubernetesControlOptions {
  readonly client: KubernetesClient;
  readonly source: KubernetesSource;
  readonly store: ObjectStore;
  readonly snapshot: () => MeshSnapshot;
  readonly systemNamespace: string;
  readonly controllerName: string;
  readonly authority: RotatableAuthority;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Everything that the controller writes into Kubernetes: statuses while it leads, and what agents report of pods. */
export class KubernetesControl implements AsyncDisposable {
  readonly #election: LeaderElection;
  readonly #statuses: StatusWriter;
  readonly #mesh: MeshObjectKeeper;
  readonly #annotations: CapturedAnnotations;
  readonly #events: CaptureEvents;
  readonly #certificates: CertificateEvents;
  readonly #bundles: TrustBundles;

  constructor(options: KubernetesControlOptions) {
    const { authority, client, clock, controllerName, logger, snapshot, source, store, systemNamespace } = options;
    const resourceOf = (kind: string) => source.resourceOf(kind);
    this.#statuses = new StatusWriter({ client, store, resourceOf, controllerName, clock, logger });
    this.#mesh = new MeshObjectKeeper({ client, store, resourceOf, controllerName, clock, logger });
    this.#annotations = new CapturedAnnotations({ client, store, clock, logger });
    this.#events = new CaptureEvents({ client, snapshot, clock, logger });
    this.#certificates = new CertificateEvents({ client, snapshot, clock, logger });
    this.#bundles = new TrustBundles({
      client,
      store,
      bundlePem: () => authority.trustBundle.pem,
      systemNamespace,
      trustDomain: options.trustDomain,
      clock,
      logger,
    });
    authority.onChange(() => this.#bundles.update(snapshot()));
    this.#election = new LeaderElection({
      client,
      namespace: systemNamespace,
      name: 'tulle-mesh-controller',
      identity: hostname(),
      onChange: (leads) => {
        this.#statuses.setLeading(leads);
        this.#mesh.setLeading(leads);
        this.#bundles.setLeading(leads, snapshot());
      },
      clock,
      logger,
    });
  }

  /** Begins to stand for election; to be called once there is a snapshot of everything. */
  start(): void {
    this.#election.start();
  }

  /** There is a new snapshot. */
  changed(snapshot: MeshSnapshot): void {
    this.#statuses.update(snapshot);
    this.#mesh.update();
    this.#bundles.update(snapshot);
  }

  /** An agent reported. */
  report(report: NodeReport): void {
    this.#annotations.report(report);
    this.#events.report(report);
    this.#certificates.report(report);
  }

  async close(): Promise<void> {
    this.#statuses[Symbol.dispose]();
    this.#mesh[Symbol.dispose]();
    this.#bundles[Symbol.dispose]();
    this.#annotations[Symbol.dispose]();
    await this.#election.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
