import type { NodeReport } from '@tulle/feed';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { warnOfPod, type EventTools } from './pod-event.ts';

/** What {@link CaptureEvents} are made from. */
export interface CaptureEventsOptions extends EventTools {
  readonly snapshot: () => MeshSnapshot;
}

/** What an agent says of a pod that is on its way: no failure. */
const onItsWay = new Set(['waiting-certificate', 'joining', 'captured', 'leaving', 'not known to the controller yet']);
const maxRemembered = 4096;

/** Tells people by an Event on the Pod why it could not be captured, once for each reason. */
export class CaptureEvents {
  readonly #options: CaptureEventsOptions;
  readonly #told = new Set<string>();

  constructor(options: CaptureEventsOptions) {
    this.#options = options;
  }

  /** Takes what an agent says. */
  report({ node, pods }: Pick<NodeReport, 'node' | 'pods'>): void {
    const { workloads } = this.#options.snapshot().state;
    for (const { captured, name, namespace, reason, uid } of pods) {
      if (captured !== null || reason === undefined || onItsWay.has(reason)) continue;
      const workload = workloads.get(`${namespace}/${name}`);
      if (workload?.uid !== uid || workload.mesh.state !== 'in' || workload.node !== node) continue;
      const key = `${uid} ${reason}`;
      if (this.#told.has(key)) continue;
      if (this.#told.size >= maxRemembered) this.#told.clear();
      this.#told.add(key);
      const message = `the pod is not in the mesh yet, its traffic is not protected: ${reason}`;
      void warnOfPod(this.#options, { namespace, name, uid, node }, { reason: 'CaptureFailed', message });
    }
  }
}
