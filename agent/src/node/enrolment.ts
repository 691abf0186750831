import type { Clock, Logger } from '@tulle/core';
import { backoffDelayMs, errorMessage } from '@tulle/core';
import type { Workload } from '@tulle/ir';
import type { Capture } from '@tulle/linux';
import type { PodSpec } from '../ipc.ts';
import type { LocalPod } from './pod-directory.ts';

/** What enrolling a pod needs of the rest of the agent. */
export interface EnrolmentActions {
  /** Whether there is a certificate for the identity. */
  hasCertificate(identity: string): boolean;
  /** Opens the pod's ports in every worker; ends when all have them. */
  openPod(pod: PodSpec): Promise<void>;
  /** Carries the pod's connections to their end in every worker; ends when all are done. */
  releasePod(uid: string, drainMs: number): Promise<void>;
  /** Ends the waiting of {@link releasePod}: the pod is wanted again. */
  stopReleasing(uid: string): void;
  /** Ends the connections that {@link releasePod} still waits for. */
  hurryRelease(uid: string): void;
  /** Forgets a pod that is gone. */
  closePod(uid: string): void;
  /** Something about a pod changed that people should see. */
  changed(): void;
}

/** Where a pod stands. */
export type PodState = 'waiting-certificate' | 'joining' | 'captured' | 'leaving';

interface EnrolledPod {
  readonly local: LocalPod;
  workload: Workload;
  state: PodState;
  /** Whether the redirect may be there: new connections come to the agent. */
  redirected: boolean;
  /** What is wished now; a step that ends looks at it anew. */
  wanted: boolean;
  busy: boolean;
  /** The step that was taken last: it ends when the step does, and never fails. */
  step: Promise<void>;
  failures: number;
  /** When a step that failed is taken again. */
  retry: { cancel(): void } | undefined;
  reason: string | undefined;
}

/** What is true of a pod, for reports. */
export interface PodReport {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly captured: Capture['mode'] | null;
  readonly reason?: string;
}

/** How long workers may take to end the connections of a pod. */
const hurryMs = 2000;

const retryBackoff = { initialMs: 100, maxMs: 5_000, jitter: 0.3 };

/**
 * Brings the pods of this node into the mesh and out of it.
 *
 * A pod that is wanted goes `waiting-certificate` -> `joining` (kernel prepared, ports open, then the redirect) ->
 * `captured`; one that is no longer wanted goes -> `leaving` (the redirect ends for new connections, and only then is it
 * reported as not captured; old connections drain) -> forgotten, or back to `joining` when it is wanted again. Each step
 * may be repeated; failures are tried again with back-off.
 */
export class Enrolment {
  readonly #capture: Capture;
  readonly #actions: EnrolmentActions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #drainMs: number;
  readonly #pods = new Map<string, EnrolledPod>();
  /** Pods outside of the mesh that were looked at for what an earlier agent left in them. */
  readonly #cleaned = new Map<string, Promise<void>>();
  #cleaning: Promise<void> = Promise.resolve();
  #local: ReadonlyMap<string, LocalPod> = new Map();
  #workloads: ReadonlyMap<string, Workload> = new Map();

  constructor(
    capture: Capture,
    actions: EnrolmentActions,
    tools: { readonly log: Logger; readonly clock: Clock; readonly drainMs: number },
  ) {
    this.#capture = capture;
    this.#actions = actions;
    this.#log = tools.log;
    this.#clock = tools.clock;
    this.#drainMs = tools.drainMs;
  }

  /** Takes what runs on the node and what the controller wishes (by `namespace/name`), and acts on the difference. */
  reconcile(local: ReadonlyMap<string, LocalPod>, workloads: ReadonlyMap<string, Workload>): void {
    this.#local = local;
    this.#workloads = workloads;
    for (const pod of local.values()) {
      const workload = this.#wishFor(pod);
      const known = this.#pods.get(pod.uid);
      if (known === undefined) {
        if (workload !== undefined) this.#begin(pod, workload);
        else if (this.#isOut(pod)) this.#cleanOnce(pod);
        continue;
      }
      known.wanted = workload !== undefined;
      if (workload !== undefined) known.workload = workload;
      this.#step(known);
    }
    for (const uid of this.#cleaned.keys()) if (!local.has(uid)) this.#cleaned.delete(uid);
    for (const [uid, pod] of this.#pods) {
      if (local.has(uid)) continue;
      // The pod is gone, and its namespace with its rules.
      this.#pods.delete(uid);
      pod.wanted = false;
      this.#actions.closePod(uid);
    }
    this.#actions.changed();
  }

  /**
   * Brings pods that are on their way out to its end: for an agent that ends, after which nobody would carry their
   * connections. Those may go on for `waitMs`, then they are ended, and only then the rules that carry them are taken
   * away: what ends a connection has to reach the application.
   */
  async finishLeaving(waitMs: number): Promise<void> {
    const leaving = [...this.#pods.values()].filter(({ state, wanted }) => state === 'leaving' && !wanted);
    await Promise.all(
      leaving.map(async (pod) => {
        const { uid } = pod.local;
        const timers = [
          this.#clock.after(waitMs, () => this.#actions.hurryRelease(uid)),
          this.#clock.after(waitMs + hurryMs, () => this.#actions.stopReleasing(uid)),
        ];
        await pod.step;
        for (const timer of timers) timer.cancel();
        // The step failed, and would be taken again too late.
        if (this.#pods.get(uid) === pod && !pod.wanted) await this.#clean(pod.local);
      }),
    );
  }

  /** The pods that need a certificate for these identities. */
  identities(): Set<string> {
    const identities = new Set<string>();
    for (const { workload } of this.#pods.values()) identities.add(workload.identity);
    return identities;
  }

  /** A certificate came: pods that waited for it go on. */
  certificateCame(identity: string): void {
    for (const pod of this.#pods.values()) if (pod.workload.identity === identity) this.#step(pod);
  }

  /** The pods that workers have open, or are opening. */
  openPods(): PodSpec[] {
    const open: PodSpec[] = [];
    for (const pod of this.#pods.values()) {
      if (pod.state === 'captured' || pod.state === 'joining') open.push(specOf(pod));
    }
    return open;
  }

  /** The addresses of the pods whose traffic is redirected. */
  capturedAddresses(): string[] {
    const addresses: string[] = [];
    for (const pod of this.#pods.values()) {
      if (pod.state === 'joining' || pod.redirected) addresses.push(...pod.workload.addresses);
    }
    return addresses;
  }

  /** What is true of every pod of the node. */
  report(): PodReport[] {
    const reports: PodReport[] = [];
    for (const local of this.#local.values()) {
      const { uid, namespace, name } = local;
      const pod = this.#pods.get(uid);
      // One that leaves is captured until its redirect is gone: only then do new connections go their own way.
      if (pod?.state === 'captured' || (pod?.state === 'leaving' && pod.redirected)) {
        reports.push({ uid, namespace, name, captured: this.#capture.mode });
        continue;
      }
      const reason = pod === undefined ? this.#whyOut(local) : (pod.reason ?? pod.state);
      reports.push({ uid, namespace, name, captured: null, reason });
    }
    return reports;
  }

  #whyOut(local: LocalPod): string {
    const workload = this.#workloads.get(`${local.namespace}/${local.name}`);
    return workload?.mesh.state === 'out' ? workload.mesh.reason : 'not known to the controller yet';
  }

  /** Whether the controller says of this very pod that it is not in the mesh. */
  #isOut(pod: LocalPod): boolean {
    const workload = this.#workloads.get(`${pod.namespace}/${pod.name}`);
    return workload?.uid === pod.uid && workload.mesh.state === 'out';
  }

  /** A pod may have left the mesh while no agent ran: its redirect would lead nowhere. Pods are looked at one by one. */
  #cleanOnce(pod: LocalPod): void {
    if (this.#cleaned.has(pod.uid)) return;
    this.#cleaning = this.#cleaning.then(() => (this.#pods.has(pod.uid) ? undefined : this.#clean(pod)));
    this.#cleaned.set(pod.uid, this.#cleaning);
  }

  async #clean(pod: LocalPod): Promise<void> {
    try {
      await this.#capture.clean(pod);
    } catch (error) {
      this.#cleaned.delete(pod.uid);
      this.#log.warn('it cannot be told whether a pod is free of redirects', {
        pod: `${pod.namespace}/${pod.name}`,
        error: errorMessage(error),
      });
    }
  }

  #wishFor(pod: LocalPod): Workload | undefined {
    const workload = this.#workloads.get(`${pod.namespace}/${pod.name}`);
    return workload?.uid === pod.uid && workload.mesh.state === 'in' ? workload : undefined;
  }

  #begin(local: LocalPod, workload: Workload): void {
    const pod: EnrolledPod = {
      local,
      workload,
      state: 'waiting-certificate',
      redirected: false,
      wanted: true,
      busy: false,
      step: Promise.resolve(),
      failures: 0,
      retry: undefined,
      reason: undefined,
    };
    this.#pods.set(local.uid, pod);
    this.#step(pod);
  }

  /** Takes the next step, unless one is under way. */
  #step(pod: EnrolledPod): void {
    if (this.#pods.get(pod.local.uid) !== pod) return;
    if (pod.busy) {
      if (pod.state === 'leaving' && pod.wanted) this.#actions.stopReleasing(pod.local.uid);
      return;
    }
    switch (pod.state) {
      case 'waiting-certificate':
        if (!pod.wanted) this.#pods.delete(pod.local.uid);
        else if (this.#actions.hasCertificate(pod.workload.identity)) this.#run(pod, 'joining', () => this.#join(pod));
        return;
      case 'joining':
        if (pod.wanted) this.#run(pod, 'joining', () => this.#join(pod));
        // It never came in, but what was prepared for it is there.
        else this.#run(pod, 'leaving', () => this.#leave(pod));
        return;
      case 'captured':
        if (!pod.wanted) this.#run(pod, 'leaving', () => this.#leave(pod));
        return;
      case 'leaving':
        if (pod.wanted) this.#run(pod, 'joining', () => this.#join(pod));
        else this.#run(pod, 'leaving', () => this.#leave(pod));
    }
  }

  #run(pod: EnrolledPod, state: PodState, step: () => Promise<void>): void {
    pod.busy = true;
    pod.state = state;
    pod.retry?.cancel();
    pod.retry = undefined;
    pod.step = step()
      .then(() => {
        pod.failures = 0;
        pod.reason = undefined;
        pod.busy = false;
        this.#step(pod);
      })
      .catch((error: unknown) => {
        pod.busy = false;
        pod.failures += 1;
        pod.reason = errorMessage(error);
        if (this.#pods.get(pod.local.uid) !== pod) return;
        this.#log.warn('a pod could not be brought where it should be; trying again', {
          pod: `${pod.local.namespace}/${pod.local.name}`,
          state,
          error: pod.reason,
        });
        pod.retry = this.#clock.after(backoffDelayMs(retryBackoff, pod.failures), () => this.#step(pod));
      })
      .finally(() => this.#actions.changed());
  }

  async #join(pod: EnrolledPod): Promise<void> {
    // What was begun while the pod was out of the mesh must not undo what follows.
    await this.#cleaned.get(pod.local.uid);
    await this.#capture.prepare(pod.local);
    await this.#actions.openPod(specOf(pod));
    pod.redirected = true;
    await this.#capture.install(pod.local);
    pod.state = 'captured';
    this.#log.info('pod captured', {
      pod: `${pod.local.namespace}/${pod.local.name}`,
      identity: pod.workload.identity,
    });
  }

  async #leave(pod: EnrolledPod): Promise<void> {
    await this.#capture.release(pod.local);
    pod.redirected = false;
    this.#log.info('pod released', { pod: `${pod.local.namespace}/${pod.local.name}` });
    this.#actions.changed();
    // Wanted again meanwhile: nothing to wait for, and the next step installs the redirect anew.
    if (pod.wanted) return;
    // Wanted again meanwhile: the workers keep the pod.
    await this.#actions.releasePod(pod.local.uid, this.#drainMs);
    if (pod.wanted || this.#pods.get(pod.local.uid) !== pod) return;
    await this.#capture.remove(pod.local);
    // Wanted again while its rules were taken away: then the next step brings it in anew.
    if (!pod.wanted) this.#pods.delete(pod.local.uid);
  }
}

function specOf(pod: EnrolledPod): PodSpec {
  const { local, workload } = pod;
  return {
    uid: local.uid,
    namespace: local.namespace,
    name: local.name,
    workloadName: workload.workloadName,
    addresses: workload.addresses,
    identity: workload.identity,
    netns: local.netns,
  };
}
