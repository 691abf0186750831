import type { Clock, Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import type { NodeReport } from '@tulle/feed';
import { FeedClient } from '@tulle/feed';
import type { IssuedCertificate } from '@tulle/identity';
import {
  CertificateClient,
  CertificateManager,
  ControlPlaneCredentials,
  controllerIdentity,
  SpiffeId,
} from '@tulle/identity';
import type { MeshDelta, Workload } from '@tulle/ir';
import { IptablesCapture, ProbeRules } from '@tulle/linux';
import type { CertificateMessage, ToWorker } from '../ipc.ts';
import type { AgentOptions } from '../options.ts';
import { sumDenials } from './denials.ts';
import { Enrolment } from './enrolment.ts';
import { MeshMirror } from './mesh-mirror.ts';
import { MeshSigner } from './mesh-signer.ts';
import { CriClient } from './cri-client.ts';
import { CriPods } from './cri-pods.ts';
import { PodDirectory, type PodSource } from './pod-directory.ts';
import { PodSteps } from './pod-steps.ts';
import { reportedCounters } from './reported-counters.ts';
import { RequestRateMeter } from './request-rate.ts';
import { WorkerPool } from './worker-pool.ts';

export const agentVersion = '0.1.0';
const reportIntervalMs = 5_000;
const reportDelayMs = 20;
/** When another root signs, the node's certificates are renewed within this time. */
const renewalSpreadMs = 5_000;

/** The main process of a node's agent: configuration, certificates, enrolment; the workers carry the traffic. */
export class Agent {
  readonly options: AgentOptions;
  readonly mesh = new MeshMirror();
  readonly certificates: CertificateManager;
  readonly enrolment: Enrolment;
  readonly workers: WorkerPool;
  readonly feed: FeedClient;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #pods: PodSource;
  readonly #signer: MeshSigner;
  readonly #steps: PodSteps;
  readonly #held = new Map<string, IssuedCertificate>();
  /** The change that was refused last, until one is applied. */
  #refused: { readonly version: string; readonly message: string } | undefined;
  readonly #probes = new ProbeRules();
  readonly #rate = new RequestRateMeter();
  #reportPlanned = false;
  #reportTimer: NodeJS.Timeout;
  #wantedKey = '';

  constructor(options: AgentOptions, tools: { readonly log: Logger; readonly clock: Clock }) {
    this.options = options;
    this.#log = tools.log;
    this.#clock = tools.clock;
    const credentials = new ControlPlaneCredentials({
      trustBundleFile: options.trustBundle,
      server: { spiffeId: controllerIdentity(options.trustDomain) },
      tokenFile: options.token,
    });
    this.#signer = new MeshSigner({
      controller: new CertificateClient({ address: options.controller, credentials }),
      external: ({ address, serverName, rootsPem }) =>
        new CertificateClient({
          address,
          credentials: new ControlPlaneCredentials({
            trustBundleFile: { pem: rootsPem },
            server: { dnsName: serverName },
            tokenFile: options.token,
          }),
        }),
    });
    this.certificates = new CertificateManager({
      signer: this.#signer,
      clock: tools.clock,
      logger: tools.log,
      onCertificate: (certificate) => this.#onCertificate(certificate),
      onGone: (identity) => this.#onCertificateGone(identity.text),
    });
    this.enrolment = new Enrolment(
      new IptablesCapture(options.kernelSettings),
      {
        hasCertificate: (identity) => this.certificates.get(identity) !== undefined,
        openPod: (pod) => this.#steps.open(pod),
        releasePod: (uid, drainMs) => this.#steps.release(uid, drainMs),
        stopReleasing: (uid) => this.#steps.stopReleasing(uid),
        hurryRelease: (uid) => this.workers.broadcast({ type: 'release-pod', uid, drainMs: 0 }),
        closePod: (uid) => this.#steps.close(uid),
        changed: () => this.#changed(),
      },
      { log: tools.log, clock: tools.clock, drainMs: options.drainDeadline * 1_000 },
    );
    this.workers = new WorkerPool(
      options.workers,
      {
        greeting: () => this.#greeting(),
        onMessage: (worker, message) => this.#steps.heard(worker, message),
        onLost: (worker) => this.#steps.lost(worker),
      },
      tools,
    );
    this.#steps = new PodSteps(this.workers, tools.clock);
    this.#pods = podSource(options, () => this.#reconcile(), tools);
    this.feed = new FeedClient({
      address: options.controller,
      credentials,
      node: options.node,
      logger: tools.log,
      clock: tools.clock,
      onDelta: (delta) => this.#onDelta(delta),
      onConnected: () => this.#changed(),
      onSynced: () => this.#changed(),
      onRefused: (version, message) => {
        this.#refused = { version, message };
      },
    });
    this.feed.start();
    this.#reportTimer = setInterval(() => this.#changed(), reportIntervalMs);
    this.#reportTimer.unref();
  }

  get refused(): { readonly version: string; readonly message: string } | undefined {
    return this.#refused;
  }

  /** Whether the agent has configuration and carries every pod that it should. */
  get ready(): boolean {
    return this.mesh.hasState && this.workers.alive.length > 0;
  }

  /**
   * Brings pods that are leaving out, at the latest `waitMs` from now, and takes away what is left on the node if no pod
   * is captured: to be called before {@link close}. So nothing stays behind once every pod was let go.
   */
  async finishLeaving(waitMs: number): Promise<void> {
    await this.enrolment.finishLeaving(waitMs);
    if (this.enrolment.capturedAddresses().length > 0) return;
    await this.#probes.remove().catch((error: unknown) => {
      this.#log.warn('the rules for probes could not be removed', { error: errorMessage(error) });
    });
  }

  /** Ends the agent; the redirects stay, so that nothing goes out in plaintext until another agent takes over. */
  close(): void {
    clearInterval(this.#reportTimer);
    this.feed.close();
    this.#signer.close();
    this.#pods.close();
    this.certificates.close();
    this.workers.close();
  }

  #greeting(): ToWorker[] {
    const { accessLog, limit: limits, node, sameNode, zone } = this.options;
    const messages: ToWorker[] = [{ type: 'configure', settings: { node, zone, sameNode, limits, accessLog } }];
    if (this.mesh.hasState) messages.push({ type: 'mesh', delta: this.mesh.asDelta() });
    for (const certificate of this.#held.values()) {
      messages.push({ type: 'certificate', certificate: messageOf(certificate) });
    }
    for (const pod of this.enrolment.openPods()) messages.push({ type: 'open-pod', pod });
    return messages;
  }

  #onDelta(delta: MeshDelta): void {
    this.mesh.apply(delta);
    this.#refused = undefined;
    this.workers.broadcast({ type: 'mesh', delta });
    const { settings } = delta;
    if (settings !== undefined && this.#signer.follow(settings.certificateAuthority)) {
      this.certificates.renewAll(renewalSpreadMs);
    }
    const trust = settings?.trust;
    if (trust !== undefined && trust.signingRoot !== '')
      this.certificates.renewUnlessOf(trust.signingRoot, renewalSpreadMs);
    if (delta.workloads.changed.size > 0 || delta.workloads.removed.length > 0) this.#reconcile();
  }

  #reconcile(): void {
    const workloads: ReadonlyMap<string, Workload> = this.mesh.workloads;
    if (!this.mesh.hasState) return;
    this.enrolment.reconcile(this.#pods.pods(), workloads);
    this.#wantCertificates();
  }

  #wantCertificates(): void {
    const texts = [...this.enrolment.identities()].sort();
    const key = texts.join(' ');
    if (key === this.#wantedKey) return;
    this.#wantedKey = key;
    const identities: SpiffeId[] = [];
    for (const text of texts) {
      const identity = SpiffeId.parse(text);
      if (identity.ok) identities.push(identity.value);
      else this.#log.error('a workload has no valid SPIFFE id', { error: identity.error.message });
    }
    this.certificates.setWanted(identities);
  }

  #onCertificate(certificate: IssuedCertificate): void {
    const identity = certificate.identity.text;
    this.#held.set(identity, certificate);
    this.workers.broadcast({ type: 'certificate', certificate: messageOf(certificate) });
    this.enrolment.certificateCame(identity);
    this.#changed();
  }

  #onCertificateGone(identity: string): void {
    this.#held.delete(identity);
    this.workers.broadcast({ type: 'drop-certificate', identity });
    this.#changed();
  }

  /** Tells the controller soon; changes that come together go together. */
  #changed(): void {
    this.#wantCertificates();
    this.#probes.update(this.enrolment.capturedAddresses()).catch((error: unknown) => {
      this.#log.warn('probes of captured pods could not be exempted: in strict mode they would be refused', {
        error: errorMessage(error),
      });
    });
    if (this.#reportPlanned) return;
    this.#reportPlanned = true;
    this.#clock.after(reportDelayMs, () => {
      this.#reportPlanned = false;
      if (this.feed.connected) void this.#report();
    });
  }

  async #report(): Promise<void> {
    try {
      await this.feed.report(await this.#nodeReport());
    } catch (error) {
      this.#log.debug('the controller did not take a report', { error: errorMessage(error) });
    }
  }

  async #nodeReport(): Promise<NodeReport> {
    const measures = await this.workers.measure();
    const requestRate = this.#rate.note(measures, this.#clock.monotonicMs());
    return {
      node: this.options.node,
      agentVersion,
      pods: this.enrolment.report(),
      certificates: this.certificates.states(),
      counters: reportedCounters(measures),
      configVersion: this.feed.version ?? '',
      denials: sumDenials(measures),
      ...(this.options.sameNode === 'direct' ? { sameNodeDirect: true } : {}),
      ...(requestRate === undefined ? {} : { requestRate }),
    };
  }
}

function podSource(
  { cri, podsDir }: AgentOptions,
  onChange: () => void,
  tools: { readonly log: Logger; readonly clock: Clock },
): PodSource {
  if (cri !== undefined) return new CriPods({ runtime: new CriClient(cri), onChange, ...tools });
  return new PodDirectory(podsDir ?? '', onChange, tools);
}

function messageOf(certificate: IssuedCertificate): CertificateMessage {
  return {
    identity: certificate.identity.text,
    privateKeyPem: certificate.privateKeyPem,
    chainPem: certificate.chainPem,
    rootsPem: certificate.rootsPem,
    notAfterMs: certificate.notAfterMs,
  };
}
