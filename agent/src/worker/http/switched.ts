import type { ByteChannel } from '../channel.ts';
import type { Pod } from '../pod.ts';
import type { PodConnection } from '../pod-connections.ts';
import { Splice } from '../splice.ts';

/** Joins both sides of an exchange that has switched to another protocol; the pod ends it when the pod ends. */
export function joinSwitched(pod: Pod, client: ByteChannel, server: ByteChannel): Splice {
  const connection: PodConnection = { drain: () => {}, destroy: () => splice.reset() };
  const splice = new Splice(client, server, () => pod.connections.delete(connection));
  pod.connections.add(connection);
  return splice;
}
