import type { SecureContextOptions } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { CodedError } from '@tulle/core';

/** A certificate that a server shows, leaf first, and its key. */
export interface ServingCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

/** What a gRPC server is made from. */
export interface GrpcServerOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly listen: string;
  readonly tls: ServingCertificate;
  /** Given: clients are asked for a certificate. One that does not chain to these roots (PEM) counts as none. */
  readonly clientRootsPem?: string;
  /** The longest message that is read. */
  readonly maxReceiveBytes?: number;
}

/** TLS 1.3 with a certificate that can be replaced: connections made afterwards see the new one. */
class SwappableCredentials extends ServerCredentials {
  #certificate: ServingCertificate;
  #clientRootsPem: string | undefined;

  constructor(certificate: ServingCertificate, clientRootsPem: string | undefined) {
    const asked = clientRootsPem === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
    super(asked, contextOptions(certificate, clientRootsPem));
    this.#certificate = certificate;
    this.#clientRootsPem = clientRootsPem;
  }

  setCertificate(certificate: ServingCertificate): void {
    this.#certificate = certificate;
    this.updateSecureContextOptions(contextOptions(certificate, this.#clientRootsPem));
  }

  setClientRoots(clientRootsPem: string): void {
    this.#clientRootsPem = clientRootsPem;
    this.updateSecureContextOptions(contextOptions(this.#certificate, clientRootsPem));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions(certificate: ServingCertificate, clientRootsPem: string | undefined): SecureContextOptions {
  const own = { key: certificate.keyPem, cert: certificate.certPem, minVersion: 'TLSv1.3' } as const;
  return clientRootsPem === undefined ? own : { ...own, ca: clientRootsPem };
}

/**
 * A gRPC server over TLS. Register services on `server`, then `listen`; `drain` ends it gracefully and `close` at once.
 */
export class GrpcServer implements AsyncDisposable {
  readonly server: Server;
  readonly #credentials: SwappableCredentials;
  readonly #listen: string;

  constructor(options: GrpcServerOptions) {
    this.#listen = options.listen;
    this.#credentials = new SwappableCredentials(options.tls, options.clientRootsPem);
    this.server = new Server({
      'grpc.max_receive_message_length': options.maxReceiveBytes ?? 4 * 1024 * 1024,
      'grpc.max_metadata_size': 64 * 1024,
      'grpc.max_concurrent_streams': 200,
      // Streams to agents are silent for hours: a dead agent is noticed by pings.
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
  }

  /** Begins to serve; gives the port. Error code: `listen-failed`. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync(this.#listen, this.#credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(new CodedError('listen-failed', `cannot listen on ${this.#listen}: ${error.message}`));
      });
    });
  }

  /** Replaces the certificate shown to connections made from now on. */
  setCertificate(certificate: ServingCertificate): void {
    this.#credentials.setCertificate(certificate);
  }

  /** Verifies clients that connect from now on with these roots; only where `clientRootsPem` was given at first. */
  setClientRoots(clientRootsPem: string): void {
    this.#credentials.setClientRoots(clientRootsPem);
  }

  /** Takes no more calls and ends when those under way have ended; after `deadlineMs` they are cut. */
  async drain(deadlineMs: number): Promise<void> {
    const timer = setTimeout(() => this.server.forceShutdown(), deadlineMs);
    await new Promise<void>((resolve) => {
      this.server.tryShutdown(() => resolve());
    });
    clearTimeout(timer);
  }

  /** Cuts everything at once. */
  close(): void {
    this.server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}

/** Makes a gRPC server over TLS 1.3; it does not listen yet. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new GrpcServer(options);
}
