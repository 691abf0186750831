import type { Socket } from 'node:net';
import { originalDestination, podPorts } from '@tulle/linux';
import { plainAddress } from './addresses.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import { nobody } from './channel.ts';
import { plaintextApplicationConnectTimeoutMs } from './connect-timeouts.ts';
import { descriptorOf } from './descriptor.ts';
import { FairChannel } from './fair-channel.ts';
import { SocketChannel } from './socket-channel.ts';
import { Splice } from './splice.ts';

const reservedPorts: ReadonlySet<number> = new Set(Object.values(podPorts));

/**
 * Takes a plaintext connection to the pod, from outside the mesh: in PERMISSIVE mode it goes to the application, which
 * sees its client's own address, if policy allows those without an identity; in STRICT mode it is reset. All is counted.
 */
export function acceptInbound(pod: Pod, socket: Socket): void {
  const { counters } = pod.context;
  const fd = descriptorOf(socket);
  const destination = fd === undefined ? undefined : originalDestination(fd, 4);
  const isOurs = destination !== undefined && pod.spec.addresses.includes(destination.address);
  if (destination === undefined || !isOurs || reservedPorts.has(destination.port)) {
    counters.add('inbound_refused');
    socket.on('error', () => {});
    socket.resetAndDestroy();
    return;
  }
  if (isStrict(pod)) {
    counters.add('inbound_plaintext_refused');
    socket.on('error', () => {});
    socket.resetAndDestroy();
    return;
  }
  const source = plainAddress(socket.remoteAddress ?? '');
  const caller = { identity: undefined, address: source, port: destination.port };
  if (!pod.guard.allows(caller)) {
    socket.on('error', () => {});
    socket.resetAndDestroy();
    return;
  }
  if (!pod.share.openConnection()) {
    socket.on('error', () => {});
    socket.resetAndDestroy();
    return;
  }
  counters.add('inbound_plaintext_accepted');
  const client = new FairChannel(SocketChannel.accepted(socket, nobody), pod.share);
  const to = { ...destination, timeoutMs: plaintextApplicationConnectTimeoutMs };
  const application = pod.connectApplication(to, source, nobody);
  const connection: PodConnection = { drain: () => {}, destroy: () => splice.reset() };
  const forget = pod.guard.admit({ ...caller, revoke: () => splice.reset() });
  const splice = new Splice(client, application, () => {
    forget();
    pod.connections.delete(connection);
  });
  pod.connections.add(connection);
}

/** One that is to leave the mesh is sent plaintext by all who know it, which may be before its redirect is gone. */
function isStrict({ context, spec }: Pod): boolean {
  const workload = context.mesh.workload(`${spec.namespace}/${spec.name}`);
  const leaves = workload?.uid === spec.uid && workload.mesh.state === 'out';
  return workload?.mtlsMode === 'strict' && !leaves;
}
