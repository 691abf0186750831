import type { CertificateReport, NodeReport } from '@tulle/feed';
import type { CaptureEventsOptions } from './capture-events.ts';
import { warnOfPod } from './pod-event.ts';

/** The same certificate of the same node is told of again after this time. */
const againAfterMs = 10 * 60_000;
const maxRemembered = 4096;
/** A workload of more pods than this is told of on so many of them. */
const maxPods = 10;
const failures = new Set(['renewal-failing', 'failing', 'expired']);

/** Tells people by an Event on the Pods that their certificate is not renewed, and how long it will do. */
export class CertificateEvents {
  readonly #options: CaptureEventsOptions;
  readonly #toldMs = new Map<string, number>();

  constructor(options: CaptureEventsOptions) {
    this.#options = options;
  }

  /** Takes what an agent says. Events are on pods of that agent's node only. */
  report({ node, certificates }: Pick<NodeReport, 'node' | 'certificates'>): void {
    const failing = certificates.filter(({ state }) => failures.has(state));
    if (failing.length === 0) return;
    const nowMs = this.#options.clock.monotonicMs();
    const workloads = [...this.#options.snapshot().state.workloads.values()].filter(
      (workload) => workload.node === node && workload.mesh.state === 'in',
    );
    for (const certificate of failing) {
      const key = `${node} ${certificate.identity} ${certificate.state}`;
      const toldMs = this.#toldMs.get(key);
      if (toldMs !== undefined && nowMs - toldMs < againAfterMs) continue;
      if (this.#toldMs.size >= maxRemembered) this.#toldMs.clear();
      this.#toldMs.set(key, nowMs);
      const pods = workloads.filter(({ identity }) => identity === certificate.identity);
      const message = messageOf(certificate, this.#options.clock.nowMs());
      for (const pod of pods.slice(0, maxPods)) {
        void warnOfPod(this.#options, pod, { reason: 'CertificateNotRenewed', message });
      }
    }
  }
}

function messageOf({ error, identity, notAfterMs }: CertificateReport, nowMs: number): string {
  const why = error ?? 'the authority does not answer';
  if (notAfterMs === undefined) return `there is no certificate of ${identity}, its traffic does not pass: ${why}`;
  const minutes = Math.max(0, Math.floor((notAfterMs - nowMs) / 60_000));
  const left = minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`;
  return `the certificate of ${identity} is not renewed, it will do for ${left}: ${why}`;
}
