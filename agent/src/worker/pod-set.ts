import { errorMessage } from '@tulle/core';
import type { MeshDelta } from '@tulle/ir';
import type { DenialReport, FromWorker, PodSpec, TunnelReport } from '../ipc.ts';
import { maxReportedDenials, maxReportedTunnels } from '../ipc.ts';
import { PodPlane } from './pod-plane.ts';
import type { Deadline } from './tick.ts';
import type { WorkerContext } from './worker-context.ts';

/** How often a pod that is leaving is looked at: whether its last connection has ended. */
const drainCheckMs = 100;

/** How long a pod that leaves is served at the least: other agents learn of it in their own time. */
const leastLeavingMs = 2000;

/** A pod that leaves for so long says what it waits for, and again after twice the time. */
const firstWaitingNoticeMs = 5000;

/** The pods that a worker carries, and those that are leaving. */
export class PodSet {
  readonly #context: WorkerContext;
  readonly #tell: (message: FromWorker) => void;
  readonly #pods = new Map<string, PodPlane>();
  readonly #leaving = new Map<string, LeavingPod>();
  /** Pods whose ports are being opened; one that is taken out meanwhile is closed as soon as they are. */
  readonly #opening = new Map<string, PodPlane>();

  constructor(context: WorkerContext, tell: (message: FromWorker) => void) {
    this.#context = context;
    this.#tell = tell;
    context.certificates.onChange((certificate) => {
      for (const pod of this.#pods.values()) pod.renewed(certificate);
      for (const { pod } of this.#leaving.values()) pod.renewed(certificate);
    });
  }

  /** Opens a pod's ports; a pod that was leaving stays. */
  async open(spec: PodSpec): Promise<void> {
    const { uid } = spec;
    const leaving = this.#leaving.get(uid);
    if (leaving !== undefined) {
      leaving.cancel();
      this.#leaving.delete(uid);
      leaving.pod.stay();
      this.#pods.set(uid, leaving.pod);
      this.#context.sameNode.add(leaving.pod);
    }
    if (this.#pods.has(uid)) {
      this.#tell({ type: 'pod-opened', uid });
      return;
    }
    // Asked for again before it was done: the answer is for both.
    if (this.#opening.has(uid)) return;
    let pod: PodPlane | undefined;
    try {
      pod = new PodPlane(spec, this.#context);
      this.#opening.set(uid, pod);
      await pod.open();
      if (this.#opening.get(uid) !== pod) {
        pod.destroy();
        return;
      }
      this.#opening.delete(uid);
      this.#pods.set(uid, pod);
      this.#context.sameNode.add(pod);
      this.#tell({ type: 'pod-opened', uid });
    } catch (error) {
      if (this.#opening.get(uid) === pod) this.#opening.delete(uid);
      pod?.destroy();
      this.#tell({ type: 'pod-failed', uid, message: errorMessage(error) });
    }
  }

  /** Carries the pod's connections to their end, or to the deadline. */
  release(uid: string, drainMs: number): void {
    const pod = this.#pods.get(uid);
    this.#opening.delete(uid);
    if (pod === undefined) {
      const leaving = this.#leaving.get(uid);
      if (leaving === undefined) this.#tell({ type: 'pod-drained', uid });
      else leaving.endBy(performance.now() + drainMs);
      return;
    }
    this.#pods.delete(uid);
    this.#context.sameNode.remove(pod);
    pod.drain();
    const done = () => {
      this.#leaving.delete(uid);
      pod.destroy();
      this.#tell({ type: 'pod-drained', uid });
    };
    this.#leaving.set(uid, new LeavingPod(pod, this.#context, performance.now() + drainMs, done));
  }

  /** The pod is gone, and its connections with it. */
  close(uid: string): void {
    this.#opening.delete(uid);
    const pod = this.#pods.get(uid);
    if (pod !== undefined) this.#context.sameNode.remove(pod);
    pod?.destroy();
    this.#pods.delete(uid);
    const leaving = this.#leaving.get(uid);
    leaving?.cancel();
    leaving?.pod.destroy();
    this.#leaving.delete(uid);
  }

  /** The mesh has changed so: breaks connections that policy no longer allows. */
  policiesChanged({ policies, workloads }: MeshDelta): void {
    const changed = new Set([...policies.changed.keys(), ...policies.removed]);
    for (const { guard } of this.#carried()) {
      if (workloads.changed.has(guard.pod) || guard.dependsOn(changed)) guard.recheck();
    }
  }

  /** Who was turned away by policy at any pod, as many as are reported at most. */
  denials(): DenialReport[] {
    const denials: DenialReport[] = [];
    for (const pod of this.#carried()) {
      for (const denial of pod.denials()) {
        if (denials.length === maxReportedDenials) return denials;
        denials.push(denial);
      }
    }
    return denials;
  }

  *#carried(): Generator<PodPlane> {
    yield* this.#opening.values();
    yield* this.#pods.values();
    for (const { pod } of this.#leaving.values()) yield pod;
  }

  /** The tunnels of all pods, as many as are reported at most. */
  tunnels(): TunnelReport[] {
    const tunnels: TunnelReport[] = [];
    for (const pod of this.#pods.values()) {
      for (const tunnel of pod.openTunnels()) {
        if (tunnels.length === maxReportedTunnels) return tunnels;
        tunnels.push(tunnel);
      }
    }
    return tunnels;
  }

  /** Ends the worker's work: nothing new, and the end of what is open within the deadline. */
  drainAll(deadlineMs: number): void {
    for (const uid of [...this.#pods.keys()]) this.release(uid, deadlineMs);
  }
}

/** A pod whose last connections are being carried. */
class LeavingPod implements Deadline {
  deadlineMs: number;
  readonly pod: PodPlane;
  readonly #context: WorkerContext;
  readonly #sinceMs: number;
  readonly #leastMs: number;
  #untilMs: number;
  #noticeAfterMs = firstWaitingNoticeMs;
  readonly #done: () => void;

  constructor(pod: PodPlane, context: WorkerContext, untilMs: number, done: () => void) {
    this.pod = pod;
    this.#context = context;
    this.#untilMs = untilMs;
    this.#sinceMs = context.ticker.nowMs;
    this.#leastMs = this.#sinceMs + leastLeavingMs;
    this.#done = done;
    this.deadlineMs = context.ticker.nowMs + drainCheckMs;
    context.ticker.add(this);
  }

  onDeadline(): void {
    const { nowMs } = this.#context.ticker;
    if ((this.pod.busy > 0 || nowMs < this.#leastMs) && nowMs < this.#untilMs) {
      this.deadlineMs = this.#context.ticker.nowMs + drainCheckMs;
      this.#notice(nowMs);
      return;
    }
    this.cancel();
    this.#done();
  }

  #notice(nowMs: number): void {
    if (nowMs - this.#sinceMs < this.#noticeAfterMs) return;
    this.#noticeAfterMs *= 2;
    const { guard, connections, busy } = this.pod;
    this.#context.log.info('a pod that leaves the mesh is kept by its open connections', {
      pod: guard.pod,
      forSeconds: Math.round((nowMs - this.#sinceMs) / 1000),
      connections: connections.size,
      tunnels: busy - connections.size,
      kinds: [...new Set([...connections].map(({ constructor: { name } }) => name))],
      endsInSeconds: Math.round((this.#untilMs - nowMs) / 1000),
    });
  }

  /** Its connections may go on until then, and no longer. */
  endBy(untilMs: number): void {
    this.#untilMs = Math.min(this.#untilMs, untilMs);
  }

  cancel(): void {
    this.#context.ticker.remove(this);
  }
}
