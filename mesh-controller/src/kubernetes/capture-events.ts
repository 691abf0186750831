import { errorMessage, type Clock, type Logger } from '@tulle/core';
import type { NodeReport } from '@tulle/feed';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';

/** What {@link CaptureEvents} are made from. */
export interface CaptureEventsOptions {
  readonly client: KubernetesClient;
  readonly snapshot: () => MeshSnapshot;
  readonly clock: Clock;
  readonly logger: Logger;
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
      void this.#tell({ namespace, name, uid, reason, node });
    }
  }

  async #tell(pod: { namespace: string; name: string; uid: string; reason: string; node: string }): Promise<void> {
    const { client, clock, logger } = this.#options;
    const { name, namespace, node, reason, uid } = pod;
    const now = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      type: 'Warning',
      reason: 'CaptureFailed',
      message: `the pod is not in the mesh yet, its traffic is not protected: ${reason}`.slice(0, 1024),
      source: { component: 'tulle-agent', host: node },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    try {
      await client.create(`/api/v1/namespaces/${namespace}/events`, event);
    } catch (thrown) {
      logger.debug('an event could not be written', { error: errorMessage(thrown) });
    }
  }
}
