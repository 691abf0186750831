import { constants } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { MeshTrust } from '@tulle/ir';
import type { CertificateMessage } from '../ipc.ts';

/**
 * TLS 1.3 only; AES-128 first, for it is the cheapest that is safe. No session is resumed: whoever is trusted no longer
 * could come back by it.
 */
const tlsSettings = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  ecdhCurve: 'X25519:P-256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** A certificate in use. */
export interface WorkloadCertificate {
  readonly identity: string;
  /** For connections that this workload opens. */
  readonly context: SecureContext;
  /** The same, for servers, which make a context of their own; clients of federated trust domains verify with it, too. */
  readonly secureOptions: SecureContextOptions;
  readonly notAfterMs: number;
}

/** The workload certificates of a worker's pods, by SPIFFE id. Keys live here, in memory, and nowhere else. */
export class CertificateStore {
  readonly #byIdentity = new Map<string, WorkloadCertificate>();
  readonly #messages = new Map<string, CertificateMessage>();
  /** The roots that the controller says are trusted; until it does, those that come with a certificate. */
  #trust: MeshTrust | undefined;
  readonly #listeners = new Set<(certificate: WorkloadCertificate) => void>();

  /** Takes a certificate, new or renewed; whoever listens is told. */
  put(message: CertificateMessage): void {
    this.#messages.set(message.identity, message);
    const ca = this.#trust?.rootsPem ?? message.rootsPem;
    const federated = this.#trust?.federated ?? [];
    const options = { key: message.privateKeyPem, cert: message.chainPem, ...tlsSettings };
    const context = createSecureContext({ ...options, ca });
    const secureOptions = { ...options, ca: [ca, ...federated.map(({ rootsPem }) => rootsPem)] };
    const certificate = { identity: message.identity, context, secureOptions, notAfterMs: message.notAfterMs };
    this.#byIdentity.set(message.identity, certificate);
    for (const listener of this.#listeners) listener(certificate);
  }

  /** Verifies peers with these roots from now on; tunnels that are open go on. Undefined changes nothing. */
  trust(trust: MeshTrust | undefined): void {
    if (trust === undefined || isDeepStrictEqual(trust, this.#trust)) return;
    this.#trust = trust;
    for (const message of this.#messages.values()) this.put(message);
  }

  /** Whom the mesh trusts, once the controller has said it. */
  get trusted(): MeshTrust | undefined {
    return this.#trust;
  }

  get(identity: string): WorkloadCertificate | undefined {
    return this.#byIdentity.get(identity);
  }

  drop(identity: string): void {
    this.#byIdentity.delete(identity);
    this.#messages.delete(identity);
  }

  /** Calls `listener` with each certificate that comes; the function given back ends that. */
  onChange(listener: (certificate: WorkloadCertificate) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
