import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';
import { peerIdentity } from '@tulle/identity/peer';
import type { WorkloadCertificate } from './certificates.ts';
import { serverMargin, TunnelLife } from './tunnel-life.ts';
import { TunnelServerConnection } from './tunnel-server-connection.ts';
import type { TunnelServerContext } from './tunnel-server-connection.ts';

const handshakeTimeoutMs = 10_000;
const maxConnections = 4_096;

/**
 * The HBONE port of one pod: TLS 1.3, a client certificate of the mesh demanded, HTTP/2 CONNECT to the pod's own
 * address. It answers no byte of HTTP/2 to anybody whose identity it has not checked.
 */
export class TunnelServer {
  readonly #context: TunnelServerContext;
  readonly #tls: TlsServer;
  readonly #connections = new Set<TunnelServerConnection>();
  readonly #handshakes = new Set<Socket>();
  #draining = false;
  #certificateEndMs = 0;

  constructor(context: TunnelServerContext) {
    this.#context = context;
    this.#tls = createServer({
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      handshakeTimeout: handshakeTimeoutMs,
      allowHalfOpen: true,
    });
    this.#tls.on('secureConnection', this.#onSecure);
    this.#tls.on('tlsClientError', (_error, socket) => {
      context.count('hbone_handshake_failed');
      socket.destroy();
    });
  }

  /** Uses another certificate for connections from now on. */
  setCertificate(certificate: WorkloadCertificate): void {
    this.#tls.setSecureContext(certificate.secureOptions);
    this.#certificateEndMs = certificate.notAfterMs;
  }

  /** Takes a connection to the pod's port 15008. */
  accept(socket: Socket): void {
    if (this.#connections.size + this.#handshakes.size >= maxConnections) {
      socket.resetAndDestroy();
      return;
    }
    socket.on('error', ignore);
    this.#handshakes.add(socket);
    socket.once('close', () => this.#handshakes.delete(socket));
    this.#tls.emit('connection', socket);
  }

  /** How many streams are open; {@link drain} has ended when there are none. */
  get streams(): number {
    let streams = 0;
    for (const connection of this.#connections) streams += connection.streams;
    return streams;
  }

  /** The tunnels that are open, with who is at the other end. */
  *open(): Generator<{ readonly address: string; readonly identity: string; readonly streams: number }> {
    for (const { source, identity, streams } of this.#connections) yield { address: source, identity, streams };
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Tells the other ends, also those that come later, to open no more streams here; closes as the last ones end. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Takes streams again. Connections that were told to end do so. */
  stay(): void {
    this.#draining = false;
  }

  destroy(): void {
    for (const socket of this.#handshakes) socket.destroy();
    for (const connection of [...this.#connections]) connection.destroy();
    this.#tls.removeAllListeners('secureConnection');
  }

  readonly #onSecure = (secure: TLSSocket): void => {
    secure.on('error', ignore);
    const certificate = secure.getPeerX509Certificate();
    const nowMs = Date.now();
    const identity = certificate === undefined ? undefined : peerIdentity(certificate, { nowMs, role: 'client' });
    const isKnown = secure.authorized && identity?.ok === true && this.#context.trusts(secure, identity.value);
    if (!isKnown || secure.alpnProtocol !== 'h2' || certificate === undefined) {
      this.#context.count('hbone_handshake_failed');
      secure.destroy();
      return;
    }
    const ends = [this.#certificateEndMs, certificate.validToDate.getTime()];
    const peer = { identity: identity.value.text, life: new TunnelLife(ends, serverMargin, nowMs) };
    const connection = new TunnelServerConnection(this.#context, secure, peer, () => {
      this.#connections.delete(connection);
    });
    this.#connections.add(connection);
    // What an agent that has not heard of it yet brings with the connection is carried, and nothing after that.
    if (this.#draining) connection.drain();
  };
}

function ignore(): void {
  // What a broken socket means is told by its 'close'.
}
