import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { CodedError, errorMessage } from '@tulle/core';
import type { SignedChain } from './certificate-client.ts';
import { privateKeyToPem, type KeyPair } from './keys.ts';
import { toPem } from './pem.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { TrustBundle } from './trust-bundle.ts';
import { parseWorkloadCertificate, peerIdentity, type WorkloadCertificate } from './workload-certificate.ts';

/**
 * A certificate for an identity with its private key, ready for TLS. The key is in memory only: neither `inspect`, nor
 * JSON, nor an enumeration of the object's properties shows it.
 */
export class IssuedCertificate {
  readonly identity: SpiffeId;
  /** The leaf and any intermediates, PEM, leaf first, without the root. */
  readonly chainPem: string;
  /** The roots that peers are verified with, PEM. */
  readonly rootsPem: string;
  /** The root of its own chain, SHA-256 as `X509Certificate` shows it. */
  readonly rootFingerprint: string;
  readonly serial: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly #privateKeyPem: string;

  private constructor(keys: KeyPair, leaf: WorkloadCertificate, chainPem: string, trusted: TrustBundle) {
    this.identity = leaf.spiffeId;
    this.chainPem = chainPem;
    this.rootsPem = trusted.pem;
    this.rootFingerprint = trusted.roots[0]?.fingerprint256 ?? '';
    this.serial = leaf.serial;
    this.issuer = leaf.issuer;
    this.notBeforeMs = leaf.notBeforeMs;
    this.notAfterMs = leaf.notAfterMs;
    this.#privateKeyPem = privateKeyToPem(keys.privateKey);
  }

  /**
   * Checks an authority's answer: the leaf is for `identity` and `keys`, valid at `nowMs`, usable on both sides of TLS,
   * and each certificate is signed by the next. Throws a {@link CodedError} `ca-bad-answer` that says what is wrong.
   */
  static fromAnswer(identity: SpiffeId, keys: KeyPair, answer: SignedChain, nowMs: number): IssuedCertificate {
    const refuse = (problem: string): never => {
      throw new CodedError(
        'ca-bad-answer',
        `the authority's certificate for ${identity.text} cannot be used: ${problem}`,
      );
    };
    const chain = readChain(answer.chain, refuse);
    const [leaf, root] = [chain[0], chain.at(-1)];
    if (leaf === undefined || root === undefined || chain.length < 2) return refuse('the chain has no root');
    const parsed = parseWorkloadCertificate(leaf);
    if (!parsed.ok) return refuse(parsed.error.message);
    for (const role of ['client', 'server'] as const) {
      const peer = peerIdentity(leaf, { role, nowMs });
      if (!peer.ok) return refuse(peer.error.message);
    }
    if (parsed.value.spiffeId.text !== identity.text) return refuse(`it is for ${parsed.value.spiffeId.text}`);
    if (!leaf.publicKey.equals(keys.publicKey)) return refuse('it is for another key');
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain[index + 1];
      if (issuer === undefined) break;
      if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
        return refuse(`certificate ${index + 1} of the chain is not signed by the next`);
      }
    }
    const own = TrustBundle.ofDer([root.raw]);
    if (!own.ok) return refuse(own.error.message);
    const roots = answer.trusted === undefined ? own.value : own.value.with(answer.trusted);
    const chainPem = answer.chain.slice(0, -1).map((der) => toPem(der, 'CERTIFICATE'));
    return new IssuedCertificate(keys, parsed.value, chainPem.join(''), roots);
  }

  /** PKCS #8 PEM. Never log it. */
  get privateKeyPem(): string {
    return this.#privateKeyPem;
  }

  /** What may be shown. */
  toJSON(): Record<string, string> {
    return {
      identity: this.identity.text,
      serial: this.serial,
      issuer: this.issuer,
      notBefore: new Date(this.notBeforeMs).toISOString(),
      notAfter: new Date(this.notAfterMs).toISOString(),
      privateKey: '[redacted]',
    };
  }

  [inspect.custom](): string {
    return `IssuedCertificate ${inspect(this.toJSON())}`;
  }
}

function readChain(chain: readonly Buffer[], refuse: (problem: string) => never): X509Certificate[] {
  return chain.map((der, index) => {
    try {
      return new X509Certificate(der);
    } catch (cause) {
      return refuse(`certificate ${index + 1} cannot be read: ${errorMessage(cause)}`);
    }
  });
}
