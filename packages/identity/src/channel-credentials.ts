import { X509Certificate } from 'node:crypto';
import { createSecureContext, type PeerCertificate } from 'node:tls';
import { ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { CodedError, systemClock, type Clock, type Result } from '@tulle/core';
import type { SpiffeId } from './spiffe-id.ts';
import { TrustBundle } from './trust-bundle.ts';
import { parseTokenFile, WatchedFile } from './watched-file.ts';
import { peerIdentity } from './workload-certificate.ts';

/** Who the server must be: a SPIFFE id in its certificate, or a DNS name (a certificate service that is not ours). */
export type ExpectedServer = { readonly spiffeId: SpiffeId } | { readonly dnsName: string };

/** Where the credentials of a client of the control plane come from. */
export interface ControlPlaneCredentialsOptions {
  /** The roots that the server's certificate must chain to: a PEM file, read again when it changes, or the PEM itself. */
  readonly trustBundleFile: string | { readonly pem: string };
  readonly server: ExpectedServer;
  /** File with the bearer token sent with each call; read again when it changes. */
  readonly tokenFile: string;
  readonly clock?: Clock;
}

/**
 * Credentials for gRPC calls to the control plane: TLS 1.3, the server named by its certificate and not by its address,
 * and a bearer token with each call.
 */
export class ControlPlaneCredentials {
  readonly #readBundle: () => Result<TrustBundle, CodedError>;
  readonly #token: WatchedFile<string>;
  readonly #server: ExpectedServer;
  readonly #clock: Clock;
  #made: { readonly fingerprint: string; readonly channel: ChannelCredentials } | undefined;

  constructor(options: ControlPlaneCredentialsOptions) {
    const { trustBundleFile: trustBundle } = options;
    if (typeof trustBundle === 'string') {
      const file = new WatchedFile(trustBundle, { maxBytes: 1024 * 1024, parse: (pem) => TrustBundle.parse(pem) });
      this.#readBundle = () => file.read();
    } else {
      const bundle = TrustBundle.parse(trustBundle.pem);
      this.#readBundle = () => bundle;
    }
    this.#token = new WatchedFile(options.tokenFile, { maxBytes: 64 * 1024, parse: parseTokenFile });
    this.#server = options.server;
    this.#clock = options.clock ?? systemClock;
  }

  /** The trust bundle as its file has it now. Throws the file's {@link CodedError} if it cannot be used. */
  trustBundle(): TrustBundle {
    const bundle = this.#readBundle();
    if (!bundle.ok) throw bundle.error;
    return bundle.value;
  }

  /**
   * Credentials for a new channel, with the trust bundle as it is now: the same object as long as the bundle does not
   * change. Throws the file's {@link CodedError} if the bundle cannot be used.
   */
  channel(): ChannelCredentials {
    const bundle = this.trustBundle();
    if (this.#made?.fingerprint === bundle.fingerprint) return this.#made.channel;
    const context = createSecureContext({ ca: bundle.pem, minVersion: 'TLSv1.3' });
    const server = this.#server;
    const tls =
      'dnsName' in server
        ? ChannelCredentials.createFromSecureContext(context)
        : ChannelCredentials.createFromSecureContext(context, {
            checkServerIdentity: (_host, certificate) => this.#checkServer(server.spiffeId, certificate),
          });
    const channel = credentials.combineChannelCredentials(tls, this.#bearerToken());
    this.#made = { fingerprint: bundle.fingerprint, channel };
    return channel;
  }

  /** Channel options that go with the credentials. */
  channelOptions(): Record<string, string | number> {
    // An address is no legal server name (RFC 6066 §3), so a name is always sent; with a SPIFFE id it is not checked.
    const name = 'dnsName' in this.#server ? this.#server.dnsName : 'mesh-controller.tulle-system.svc';
    return { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
  }

  #checkServer(expected: SpiffeId, certificate: PeerCertificate): Error | undefined {
    const found = peerIdentity(new X509Certificate(certificate.raw), { role: 'server', nowMs: this.#clock.nowMs() });
    if (!found.ok) return found.error;
    if (found.value.text === expected.text) return undefined;
    return new CodedError('wrong-server', `the server is ${found.value.text}, expected ${expected.text}`);
  }

  #bearerToken() {
    return credentials.createFromMetadataGenerator((_call, done) => {
      const token = this.#token.read();
      if (!token.ok) return done(token.error);
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${token.value}`);
      return done(null, metadata);
    });
  }
}

/** The bearer token among a call's metadata, or undefined. */
export function bearerToken(metadata: Metadata): string | undefined {
  const [value, another] = metadata.get('authorization');
  if (typeof value !== 'string' || another !== undefined) return undefined;
  const match = /^bearer ([\x21-\x7e]+)$/i.exec(value);
  return match?.[1];
}
