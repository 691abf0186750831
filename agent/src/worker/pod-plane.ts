import { createServer, Socket } from 'node:net';
import type { Server } from 'node:net';
import { errorMessage } from '@tulle/core';
import { SpiffeId } from '@tulle/identity/peer';
import type { MeshTrust, Workload } from '@tulle/ir';
import { NetworkNamespace, openTcpListener, openTcpSocket, podPorts, socketMarks } from '@tulle/linux';
import type { TcpSocketOptions } from '@tulle/linux';
import type { BalancedEndpoint } from '@tulle/routing';
import type { DenialReport, PodSpec, TunnelReport } from '../ipc.ts';
import { hostPort } from './addresses.ts';
import type { TimedDestination } from './addresses.ts';
import type { ByteChannel, ChannelOwner } from './channel.ts';
import type { WorkloadCertificate } from './certificates.ts';
import { applicationConnectTimeoutMs, endpointConnectTimeoutMs } from './connect-timeouts.ts';
import { FailedChannel } from './failed-channel.ts';
import { acceptInbound } from './inbound.ts';
import { acceptOutbound } from './outbound.ts';
import { PodGuard } from './pod-guard.ts';
import type { PodShare } from './pod-share.ts';
import { OriginatedChannel } from './origination.ts';
import type { InnerProtocol, OriginationSettings } from './origination.ts';
import { connectLocally, LocalConnection } from './same-node.ts';
import { SocketChannel } from './socket-channel.ts';
import { PeerTrust } from './peer-trust.ts';
import { TunnelHeaders } from './tunnel-headers.ts';
import { TunnelPool } from './tunnel-pool.ts';
import { TunnelServer } from './tunnel-server.ts';
import type { EndpointConnector } from './http/upstream-pool.ts';
import { UpstreamPools } from './http/upstream-pool.ts';
import { Http2UpstreamPools } from './http2/http2-upstream-pool.ts';
import type { Http2Upstream } from './http2/http2-upstream.ts';
import type { Upstream } from './http/upstream.ts';
import type { Pod } from './pod.ts';
import { PodConnections } from './pod-connections.ts';
import type { WorkerContext } from './worker-context.ts';

const listenBacklog = 4_096;

/** One captured pod in one worker: its listeners, its tunnels, and every connection that the worker carries for it. */
export class PodPlane implements Pod {
  readonly spec: PodSpec;
  readonly context: WorkerContext;
  readonly guard: PodGuard;
  readonly share: PodShare;
  readonly tunnels: TunnelPool;
  readonly #upstreams: UpstreamPools;
  readonly #http2Upstreams: Http2UpstreamPools;
  readonly connections = new PodConnections();
  #draining = false;
  /** Made anew when the mesh trusts others. */
  #trusted: { readonly by: MeshTrust | undefined; readonly peers: PeerTrust } | undefined;
  readonly #namespace: NetworkNamespace;
  readonly #tunnelServer: TunnelServer;
  readonly #servers: Server[] = [];

  constructor(spec: PodSpec, context: WorkerContext) {
    this.spec = spec;
    this.context = context;
    this.guard = new PodGuard(`${spec.namespace}/${spec.name}`, context);
    this.share = context.load.share();
    this.#namespace = NetworkNamespace.open(spec.netns);
    this.tunnels = new TunnelPool({
      input: this.share.answers,
      namespace: this.#namespace,
      identity: spec.identity,
      certificates: context.certificates,
      headers: new TunnelHeaders(spec),
      flusher: context.flusher,
      ticker: context.ticker,
    });
    this.#upstreams = new UpstreamPools(context.ticker, this.#connector('http/1.1'));
    this.#http2Upstreams = new Http2UpstreamPools(context, this.#connector('h2'));
    this.#tunnelServer = new TunnelServer({
      input: this.share.inbound,
      flusher: context.flusher,
      ticker: context.ticker,
      trusts: (peer, identity) => this.#peerTrust().admits(peer, identity),
      connectApplication: (to, source, owner) => this.connectApplication(to, source, owner),
      guard: this.guard,
      count: (event) => context.counters.add(event),
    });
  }

  /** Opens the pod's three ports. Throws where one cannot be opened; nothing is left open then. */
  async open(): Promise<void> {
    const certificate = this.context.certificates.get(this.spec.identity);
    if (certificate === undefined) throw new Error(`there is no certificate for ${this.spec.identity} yet`);
    this.#tunnelServer.setCertificate(certificate);
    try {
      await this.#listen(podPorts.outbound, (socket) => acceptOutbound(this, socket));
      await this.#listen(podPorts.inboundPlaintext, (socket) => acceptInbound(this, socket));
      await this.#listen(podPorts.hbone, (socket) => this.#tunnelServer.accept(socket));
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** A new certificate for the pod's identity came. */
  renewed(certificate: WorkloadCertificate): void {
    if (certificate.identity === this.spec.identity) this.#tunnelServer.setCertificate(certificate);
  }

  /** Connects out of the pod to a destination that is not meshed, as the pod. */
  connectPlain(to: TimedDestination, owner: ChannelOwner): ByteChannel {
    return this.#connect({ destination: to.address, mark: socketMarks.outbound }, to, owner);
  }

  /** Connects to the pod's own application, which sees `source` as its client. */
  connectApplication(to: TimedDestination, source: string, owner: ChannelOwner): ByteChannel {
    const options = { destination: to.address, mark: socketMarks.inbound, transparentSource: source };
    return this.#connect(options, { timeoutMs: applicationConnectTimeoutMs, ...to }, owner);
  }

  /** A socket that cannot be made (no descriptors are left) is a connection that fails: nobody needs a second way. */
  #connect(options: TcpSocketOptions, to: TimedDestination, owner: ChannelOwner): ByteChannel {
    let fd: number;
    try {
      fd = this.#namespace.run(() => openTcpSocket(options));
    } catch (error) {
      this.context.counters.add('socket_failed');
      this.context.log.debug('a socket could not be made in a pod', { error: errorMessage(error) });
      return new FailedChannel(owner);
    }
    return SocketChannel.connecting(new Socket({ fd, allowHalfOpen: true }), to, owner);
  }

  /** Connects to `port` of a workload: through a tunnel where it is in the mesh, as it is where it is not. */
  connectWorkload(to: TimedDestination, workload: Workload | undefined, owner: ChannelOwner): ByteChannel {
    const identity = tunnelTo(workload);
    if (identity === plainPath) return this.connectPlain(to, owner);
    const { address, port } = to;
    const local = this.context.sameNode.find(address, identity);
    if (local !== undefined) return connectLocally(this.spec, local, { address, port }, this.context, owner);
    return this.tunnels.openStream({ address, identity }, hostPort(address, port), owner);
  }

  #peerTrust(): PeerTrust {
    const by = this.context.certificates.trusted;
    if (this.#trusted === undefined || this.#trusted.by !== by) {
      this.#trusted = { by, peers: new PeerTrust(trustDomainOf(this.spec.identity), by) };
    }
    return this.#trusted.peers;
  }

  connectEndpoint(balanced: BalancedEndpoint, inner: InnerProtocol | 'as-is', owner: ChannelOwner): ByteChannel {
    const { endpoint } = balanced;
    const { address, port, tls } = endpoint;
    const to = { address, port, timeoutMs: endpointConnectTimeoutMs };
    const connect = (of: ChannelOwner) => this.connectWorkload(to, this.#workloadOf(balanced), of);
    if (tls === undefined || inner === 'as-is') return connect(owner);
    const { counters, log, originations, ticker } = this.context;
    const refused = (why: string) => {
      counters.add('backend_tls_refused');
      log.warn('the TLS of an application is not what its BackendTLSPolicy asks for', {
        reason: 'backend-tls',
        pod: this.guard.pod,
        endpoint: hostPort(endpoint.address, endpoint.port),
        why,
      });
    };
    if (tls.type === 'invalid') {
      refused(tls.message);
      return new FailedChannel(owner, 'backend-tls');
    }
    let settings: OriginationSettings;
    try {
      settings = originations.settingsOf(tls);
    } catch (error) {
      refused(errorMessage(error));
      return new FailedChannel(owner, 'backend-tls');
    }
    return new OriginatedChannel(owner, { settings, inner, ticker, onRefused: refused }, connect);
  }

  /** What pools connect with, whose connections speak `inner`. */
  #connector(inner: InnerProtocol): EndpointConnector {
    return {
      pathTo: (balanced) => {
        const { tls } = balanced.endpoint;
        const tunnel = tunnelTo(this.#workloadOf(balanced));
        return tls === undefined ? tunnel : `${tunnel} ${this.context.originations.numberOf(tls)}`;
      },
      connect: (endpoint, owner) => this.connectEndpoint(endpoint, inner, owner),
    };
  }

  #workloadOf({ endpoint }: BalancedEndpoint): Workload | undefined {
    return endpoint.workload === undefined ? undefined : this.context.mesh.workload(endpoint.workload);
  }

  takeUpstream(endpoint: BalancedEndpoint, fresh: boolean): Upstream {
    return this.#upstreams.take(endpoint, fresh);
  }

  takeHttp2Upstream(endpoint: BalancedEndpoint): Http2Upstream {
    return this.#http2Upstreams.take(endpoint);
  }

  /** The pod's tunnels, both ways, and who of its own node is connected to it without one. */
  *openTunnels(): Generator<TunnelReport> {
    const { identity, namespace, name } = this.spec;
    const pod = `${namespace}/${name}`;
    for (const [direction, tunnels] of [
      ['outbound', this.tunnels.open()],
      ['inbound', this.#tunnelServer.open()],
    ] as const) {
      for (const { address, identity: peerIdentity, streams } of tunnels) {
        yield { pod, identity, direction, peerAddress: address, peerIdentity, streams };
      }
    }
    const local = new Map<string, { readonly connection: LocalConnection; streams: number }>();
    for (const connection of this.connections) {
      if (!(connection instanceof LocalConnection)) continue;
      const known = local.get(connection.address);
      if (known === undefined) local.set(connection.address, { connection, streams: 1 });
      else known.streams += 1;
    }
    for (const { connection, streams } of local.values()) {
      const { address: peerAddress, identity: peerIdentity } = connection;
      yield { pod, identity, direction: 'inbound', peerAddress, peerIdentity, streams, unencrypted: true };
    }
  }

  /** Who was turned away by policy. */
  denials(): Generator<DenialReport> {
    return this.guard.denials();
  }

  /** What still keeps the pod's rules and sockets needed. */
  get busy(): number {
    return this.connections.size + this.#tunnelServer.connections;
  }

  /** The pod leaves the mesh: whoever is connected goes on, and idle connections close. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#tunnelServer.drain();
    for (const connection of [...this.connections]) connection.drain();
  }

  /** The pod stays in the mesh after all. */
  stay(): void {
    this.#draining = false;
    this.#tunnelServer.stay();
  }

  /** Ends everything at once. */
  destroy(): void {
    for (const server of this.#servers) server.close();
    this.#servers.length = 0;
    for (const connection of [...this.connections]) connection.destroy();
    this.#upstreams.destroy();
    this.#http2Upstreams.destroy();
    this.tunnels.destroy();
    this.#tunnelServer.destroy();
    this.share.close();
    this.#namespace.close();
  }

  #listen(port: number, accept: (socket: Socket) => void): Promise<void> {
    const fd = this.#namespace.run(() =>
      openTcpListener({ address: '0.0.0.0', port, backlog: listenBacklog, reusePort: true }),
    );
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, accept);
      server.once('error', reject);
      server.listen({ fd }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.context.log.error('a listener failed', { port, error: error.message }));
        this.#servers.push(server);
        resolve();
      });
    });
  }
}

const plainPath = '';

/** How a workload is reached now: the identity that must answer in a tunnel, or {@link plainPath}. */
function tunnelTo(workload: Workload | undefined): string {
  return workload?.mesh.state === 'in' ? workload.identity : plainPath;
}

function trustDomainOf(identity: string): string {
  const parsed = SpiffeId.parse(identity);
  if (!parsed.ok) throw parsed.error;
  return parsed.value.trustDomain;
}
