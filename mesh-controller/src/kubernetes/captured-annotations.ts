import type { Clock, Logger } from '@tulle/core';
import type { NodeReport, PodReport } from '@tulle/feed';
import type { Pod } from '@tulle/gateway-api';
import { isApiStatus, type KubernetesClient } from '@tulle/kubernetes';
import type { ObjectStore } from '../objects/object-store.ts';
import { KeyedQueue } from './keyed-queue.ts';

/** The annotation that says what captures a pod now. */
export const capturedAnnotation = 'tulle.dev/captured';

/** What {@link CapturedAnnotations} are made from. */
export interface CapturedAnnotationsOptions {
  readonly client: KubernetesClient;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Truth {
  readonly captured: PodReport['captured'];
  readonly uid: string;
}

/**
 * Writes on each Pod what captures it, as the agent of its node reports. The controller writes and not the agent, so
 * that agents need no permission at all in Kubernetes: one that is taken over could otherwise change every Pod. Whichever
 * controller an agent reports to writes for that agent's node, so nothing is written twice.
 */
export class CapturedAnnotations implements Disposable {
  readonly #options: CapturedAnnotationsOptions;
  readonly #queue: KeyedQueue;
  /** What is to be written, by `namespace/name`. */
  readonly #truths = new Map<string, Truth>();

  constructor(options: CapturedAnnotationsOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#queue = new KeyedQueue({ what: 'what captures a pod', run: (key) => this.#write(key), clock, logger });
  }

  /** Takes what an agent says. Pods that are not of its node are passed over. */
  report({ node, pods }: Pick<NodeReport, 'node' | 'pods'>): void {
    for (const { captured, name, namespace, uid } of pods) {
      const pod = this.#options.store.get('Pod', namespace, name);
      if (pod?.metadata.uid !== uid || pod.spec.nodeName !== node) continue;
      const key = `${namespace}/${name}`;
      if (annotationOf(pod) === captured) {
        this.#truths.delete(key);
        continue;
      }
      this.#truths.set(key, { captured, uid });
      this.#queue.add(key);
    }
  }

  [Symbol.dispose](): void {
    this.#queue[Symbol.dispose]();
    this.#truths.clear();
  }

  async #write(key: string): Promise<void> {
    const truth = this.#truths.get(key);
    if (truth === undefined) return;
    this.#truths.delete(key);
    const [namespace, name] = key.split('/');
    // The uid keeps it from another pod that has the name by now.
    const metadata = { uid: truth.uid, annotations: { [capturedAnnotation]: truth.captured } };
    try {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
      await this.#options.client.patch(path, { metadata }, { type: 'merge' });
    } catch (thrown) {
      if (isApiStatus(thrown, 404) || isApiStatus(thrown, 409)) return;
      if (!this.#truths.has(key)) this.#truths.set(key, truth);
      throw thrown;
    }
  }
}

function annotationOf(pod: Pod): string | null {
  return pod.metadata.annotations?.[capturedAnnotation] ?? null;
}
