import type { RootCertificateView } from './certificates.ts';
import type { CliApiVersion } from './common.ts';
import type { CaStatus } from './status.ts';

/** The certificate authority and its roots: `tulle ca status`, `GET /v1/ca`. */
export interface CertificateAuthorityView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'CertificateAuthority';
  readonly status: CaStatus;
  /** The roots that workloads trust. */
  readonly roots: readonly RootCertificateView[];
  /** All of them, PEM. */
  readonly bundle: string;
  readonly rotation: RootRotationView;
}

/** Where the replacement of the root stands. */
export interface RootRotationView {
  /**
   * `idle`: one root. `prepared`: a new one is trusted beside the old one. `switched`: the new one signs, the old one is
   * still trusted. `unsupported`: the root is not the controller's to replace.
   */
  readonly phase: 'idle' | 'prepared' | 'switched' | 'unsupported';
  /** Why the next step would break connections; it may be taken when there is nothing. */
  readonly waitsFor: readonly string[];
}
