import { errorMessage, type Clock, type Logger } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';

/** What Events are written with. */
export interface EventTools {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The pod that something is told of, and the node it runs on. */
export interface PodOfEvent {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
}

/** Writes a warning on a pod, in its agent's name. One that cannot be written is let go: reports say the same. */
export async function warnOfPod(
  { client, clock, logger }: EventTools,
  { name, namespace, node, uid }: PodOfEvent,
  { message, reason }: { readonly reason: string; readonly message: string },
): Promise<void> {
  const now = new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${name}.`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type: 'Warning',
    reason,
    message: message.slice(0, 1024),
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
