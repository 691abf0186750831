import { X509Certificate } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { pemBlocks, toPem } from './pem.ts';

const maxRoots = 64;

/** The roots that are trusted, in the order given and without repetitions. Immutable. */
export class TrustBundle {
  readonly roots: readonly X509Certificate[];
  /** All roots as PEM, one after the other. */
  readonly pem: string;
  /** Equal for bundles of the same roots in the same order. */
  readonly fingerprint: string;

  private constructor(roots: readonly X509Certificate[]) {
    this.roots = roots;
    this.pem = roots.map((root) => toPem(root.raw, 'CERTIFICATE')).join('');
    this.fingerprint = roots.map((root) => root.fingerprint256).join(' ');
  }

  /**
   * Reads roots from PEM. Each must be the certificate of an authority; several are the rule while a root is replaced.
   * Error codes: `invalid-pem`, `invalid-trust-bundle`.
   */
  static parse(pem: string): Result<TrustBundle, CodedError> {
    const blocks = pemBlocks(pem, 'CERTIFICATE');
    return blocks.ok ? TrustBundle.ofDer(blocks.value) : blocks;
  }

  /** A bundle of the roots given as DER. Error code: `invalid-trust-bundle`. */
  static ofDer(certificates: readonly Uint8Array[]): Result<TrustBundle, CodedError> {
    const refuse = (problem: string) => err(new CodedError('invalid-trust-bundle', `the trust bundle ${problem}`));
    if (certificates.length === 0) return refuse('has no certificate');
    if (certificates.length > maxRoots) return refuse(`has more than ${maxRoots} certificates`);
    const roots = new Map<string, X509Certificate>();
    for (const [index, der] of certificates.entries()) {
      try {
        const root = new X509Certificate(der);
        if (!root.ca) return refuse(`has a certificate, number ${index + 1}, that is of no certificate authority`);
        roots.set(root.fingerprint256, root);
      } catch (cause) {
        return refuse(`has a certificate, number ${index + 1}, that cannot be read: ${errorMessage(cause)}`);
      }
    }
    return ok(new TrustBundle([...roots.values()]));
  }

  /** This bundle with the roots of the other behind its own. */
  with(other: TrustBundle): TrustBundle {
    const known = new Set(this.roots.map((root) => root.fingerprint256));
    const added = other.roots.filter((root) => !known.has(root.fingerprint256));
    return added.length === 0 ? this : new TrustBundle([...this.roots, ...added]);
  }
}
