import type { Socket } from 'node:net';
import type { BackendTarget } from '@tulle/ir';
import { originalDestination, podPorts } from '@tulle/linux';
import { detectHttp1 } from '@tulle/wire';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import { nobody } from './channel.ts';
import { Http1Client } from './http/http1-client.ts';
import { Http2Client } from './http2/http2-client.ts';
import { descriptorOf } from './descriptor.ts';
import type { ServicePortView } from './mesh-view.ts';
import { OpaqueConnection } from './opaque.ts';
import type { OpaqueTarget } from './opaque.ts';
import type { Pod, PodConnection } from './pod.ts';
import { SocketChannel } from './socket-channel.ts';
import type { Deadline } from './tick.ts';

const reservedPorts: ReadonlySet<number> = new Set(Object.values(podPorts));
/** So long a client may be silent on a port of unknown protocol before the server is asked whether it speaks first. */
const silenceMs = 50;
/** So long a client may be silent on a port where HTTP is spoken before its connection is closed. */
const firstByteTimeoutMs = 600_000;
/** Bytes that are looked at to tell a protocol. */
const maxDetectBytes = 64;

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
  const client = SocketChannel.accepted(socket, nobody);
  const frontend = pod.context.mesh.frontend(destination.address, destination.port);
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

function acceptForService(pod: Pod, client: ByteChannel, frontend: ServicePortView): void {
  const decision = frontend.decisionFor(pod.spec.namespace);
  switch (decision.kind) {
    case 'missing':
      // The controller says that there are routes, but they have not come: sending without them could be wrong.
      pod.context.counters.add('outbound_routes_missing');
      client.reset();
      return;
    case 'tcp':
      acceptTcpRoute(pod, client, decision.match()?.pickBackend());
      return;
    case 'tls':
      // By server name, once the ClientHello is read; until then nothing is let through.
      pod.context.counters.add('outbound_refused');
      client.reset();
      return;
    case 'http':
    case 'grpc':
      new DetectingConnection(pod, client, frontend, 'http-only');
      return;
    case 'implicit':
      acceptImplicit(pod, client, frontend);
  }
}

function acceptImplicit(pod: Pod, client: ByteChannel, frontend: ServicePortView): void {
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
    case 'tcp':
    case 'opaque':
      new OpaqueConnection(pod, client, { type: 'service', port: frontend });
  }
}

function acceptTcpRoute(pod: Pod, client: ByteChannel, target: BackendTarget | undefined): void {
  const port = target?.type === 'service' ? pod.context.mesh.servicePort(target.service, target.port) : undefined;
  if (port === undefined) {
    pod.context.counters.add('outbound_invalid_backend');
    client.reset();
    return;
  }
  new OpaqueConnection(pod, client, { type: 'service', port });
}

/** Whether the port says HTTP/2: there, what is no HTTP at all is an invalid preface (RFC 9113 section 3.4). */
function speaksHttp2(frontend: ServicePortView): boolean {
  const { protocol } = frontend.port;
  return protocol === 'http2' || protocol === 'grpc';
}

/**
 * A connection whose first bytes tell which version of HTTP is spoken, or that it is none.
 *
 * `anything`: a port of unknown protocol without routes. What is not HTTP is carried as bytes; a client that is silent
 * may wait for the server to speak first, so after a moment it is carried as bytes, too. `http-only`: a port with
 * routes, or one that says it is HTTP. Other bytes would pass the routes by: the HTTP/1.1 reader refuses them.
 */
class DetectingConnection implements ChannelOwner, PodConnection, Deadline {
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ByteChannel;
  readonly #frontend: ServicePortView;
  readonly #accepts: 'anything' | 'http-only';
  #seen: Buffer | undefined;

  constructor(pod: Pod, client: ByteChannel, frontend: ServicePortView, accepts: 'anything' | 'http-only') {
    this.#pod = pod;
    this.#client = client;
    this.#frontend = frontend;
    this.#accepts = accepts;
    client.owner = this;
    this.deadlineMs = pod.context.ticker.nowMs + (accepts === 'anything' ? silenceMs : firstByteTimeoutMs);
    pod.context.ticker.add(this);
    pod.connections.add(this);
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#client.reset();
  }

  onDeadline(): void {
    if (this.#accepts === 'anything') {
      this.#becomeOpaque();
      return;
    }
    this.#leave();
    this.#client.end();
  }

  onOpen(): void {}

  onData(_channel: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const bytes =
      this.#seen === undefined ? chunk.subarray(start, end) : Buffer.concat([this.#seen, chunk.subarray(start, end)]);
    const protocol = detectHttp1(bytes, 0, bytes.length);
    if (protocol === 'need-more' && bytes.length < maxDetectBytes) {
      this.#seen = bytes;
      return;
    }
    if (protocol === 'http2-preface' || (protocol === 'other' && speaksHttp2(this.#frontend))) {
      this.#leave();
      new Http2Client(this.#pod, this.#client, this.#frontend).onData(this.#client, bytes, 0, bytes.length);
    } else if (protocol === 'http1' || this.#accepts === 'http-only') {
      this.#leave();
      new Http1Client(this.#pod, this.#client, this.#frontend).onData(this.#client, bytes, 0, bytes.length);
    } else {
      this.#seen = bytes;
      this.#becomeOpaque();
    }
  }

  onEnd(): void {
    if (this.#accepts === 'anything') {
      this.#becomeOpaque(true);
      return;
    }
    this.#leave();
    this.#client.end();
  }

  onWritable(): void {}

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    this.#leave();
  }

  #becomeOpaque(ended = false): void {
    this.#leave();
    const target: OpaqueTarget = { type: 'service', port: this.#frontend };
    const early = this.#seen;
    const opaque = new OpaqueConnection(this.#pod, this.#client, target, early);
    if (ended) opaque.onEnd(this.#client);
  }

  #leave(): void {
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}
