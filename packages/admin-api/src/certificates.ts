import type { CliApiVersion } from './common.ts';

/** The mesh's certificates: `tulle certificates`, `GET /v1/certificates`. */
export interface CertificatesView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Certificates';
  /** The roots that workloads trust. */
  readonly roots: readonly RootCertificateView[];
  /** What agents hold, ordered by node and identity. */
  readonly certificates: readonly WorkloadCertificateView[];
}

/** A root of the trust bundle. */
export interface RootCertificateView {
  readonly subject: string;
  /** SHA-256 of the DER, lower case hexadecimal. */
  readonly fingerprintSha256: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Negative once it is over. */
  readonly expiresInMs: number;
  /** Whether new certificates are signed by it. */
  readonly signing: boolean;
}

/** A workload certificate on a node. */
export interface WorkloadCertificateView {
  readonly node: string;
  /** The SPIFFE id. */
  readonly identity: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** `missing`: asked for, and there is none yet. `expiring`: a renewal is overdue. */
  readonly state: 'valid' | 'expiring' | 'expired' | 'missing';
  /** RFC 3339; these are absent while state is `missing`. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Negative once it is over. */
  readonly expiresInMs?: number;
  /** Lower case hexadecimal. */
  readonly serialNumber?: string;
  /** The distinguished name of its issuer, on one line. */
  readonly issuer?: string;
  /** When its agent asks for the next one: the renewal, or the next try after a failure (RFC 3339). */
  readonly nextRenewal?: string;
  /** Why the last try to get or renew it failed. */
  readonly lastError?: string;
}
