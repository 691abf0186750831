import type { Socket } from 'node:net';
import { originalDestination, podPorts } from '@tulle/linux';
import type { CompiledTcpRule } from '@tulle/routing';
import type { ClientChannel } from './channel.ts';
import { nobody } from './channel.ts';
import { ConnectionRecord } from './connection-record.ts';
import { descriptorOf } from './descriptor.ts';
import { DetectingConnection } from './detecting-connection.ts';
import { FairChannel } from './fair-channel.ts';
import type { ServicePortView } from './mesh-view.ts';
import { OpaqueConnection } from './opaque.ts';
import { OverloadedConnection } from './overloaded-connection.ts';
import type { Pod } from './pod.ts';
import { SocketChannel } from './socket-channel.ts';
import { TlsRouteConnection } from './tls-route-connection.ts';

const reservedPorts: ReadonlySet<number> = new Set(Object.values(podPorts));

/** Takes a connection that the pod's application opened to anywhere, and leads it to where routes and addresses say. */
export function acceptOutbound(pod: Pod, socket: Socket): void {
  const fd = descriptorOf(socket);
  const destination = fd === undefined ? undefined : originalDestination(fd, 4);
  const isLoop =
    destination !== undefined && reservedPorts.has(destination.port) && destination.address === socket.localAddress;
  if (destination === undefined || isLoop) {
    // Somebody connected to the agent's own port: there is nowhere to go from here.
    pod.context.counters.add('outbound_refused');
    socket.on('error', () => {});
    socket.resetAndDestroy();
    return;
  }
  const accepted = SocketChannel.accepted(socket, nobody);
  const frontend = pod.context.mesh.frontend(destination.address, destination.port);
  if (!pod.share.openConnection()) {
    if (frontend === undefined || pod.connections.size > pod.share.load.limits.connectionsPerPod * 2) accepted.reset();
    else new OverloadedConnection(pod, accepted, frontend);
    return;
  }
  const client = new FairChannel(accepted, pod.share);
  if (frontend !== undefined) {
    acceptForService(pod, client, frontend);
    return;
  }
  // A pod's own address gets no route: its bytes are carried as they are. What is neither Service nor pod passes.
  pod.context.counters.add(
    pod.context.mesh.workloadAt(destination.address)?.mesh.state === 'in'
      ? 'outbound_workload'
      : 'outbound_passthrough',
  );
  new OpaqueConnection(pod, client, { type: 'address', ...destination });
}

function acceptForService(pod: Pod, client: ClientChannel, frontend: ServicePortView): void {
  const decision = frontend.decisionFor(pod.spec.namespace);
  switch (decision.kind) {
    case 'missing':
      // The controller says that there are routes, but they have not come: sending without them could be wrong. Each
      // request is told so, until they come.
      if (frontend.port.routeKind === 'http' || frontend.port.routeKind === 'grpc') {
        new DetectingConnection(pod, client, frontend, 'http-only');
        return;
      }
      new ConnectionRecord(pod, frontend, 'tcp').finish('routes-missing');
      client.reset();
      return;
    case 'tcp':
      acceptTcpRoute(pod, client, frontend, decision.match());
      return;
    case 'tls':
      new TlsRouteConnection(pod, client, frontend, decision);
      return;
    case 'http':
    case 'grpc':
      new DetectingConnection(pod, client, frontend, 'http-only');
      return;
    case 'implicit':
      acceptImplicit(pod, client, frontend);
  }
}

function acceptImplicit(pod: Pod, client: ClientChannel, frontend: ServicePortView): void {
  const wantsTls = frontend.port.tls !== undefined;
  switch (frontend.port.protocol) {
    case 'http':
    case 'http2':
    case 'grpc':
      new DetectingConnection(pod, client, frontend, 'http-only');
      return;
    case 'detect':
      new DetectingConnection(pod, client, frontend, 'anything');
      return;
    case 'https':
      // Where a BackendTLSPolicy says how to speak TLS, clients may leave it to the mesh.
      if (wantsTls) new DetectingConnection(pod, client, frontend, 'anything');
      else new OpaqueConnection(pod, client, { type: 'service', port: frontend, inner: 'as-is' });
      return;
    case 'tcp':
      if (wantsTls) new DetectingConnection(pod, client, frontend, 'bytes');
      else new OpaqueConnection(pod, client, { type: 'service', port: frontend, inner: 'as-is' });
      return;
    case 'opaque':
      new OpaqueConnection(pod, client, { type: 'service', port: frontend, inner: 'as-is' });
  }
}

/** Every connection follows the one rule; a rule without a backend that works ends it. */
function acceptTcpRoute(
  pod: Pod,
  client: ClientChannel,
  frontend: ServicePortView,
  rule: CompiledTcpRule | undefined,
): void {
  const record = new ConnectionRecord(pod, frontend, 'tcp');
  record.rule = rule;
  const target = rule?.pickBackend();
  const port = target?.type === 'service' ? pod.context.mesh.servicePort(target.service, target.port) : undefined;
  if (port === undefined) {
    record.finish(rule === undefined ? 'no-route' : 'invalid-backend');
    client.reset();
    return;
  }
  const inner = port.port.tls === undefined ? 'as-is' : 'bytes';
  new OpaqueConnection(pod, client, { type: 'service', port, inner }, { record });
}
