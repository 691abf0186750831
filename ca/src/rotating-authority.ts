import type { X509Certificate } from 'node:crypto';
import { CodedError } from '@tulle/core';
import type { TrustBundle } from '@tulle/identity';
import { startOfStep, type RotatableAuthority, type RotationStep } from './authority.ts';
import type {
  AuthorityOptions,
  CertificateAuthority,
  ServingCertificateRequest,
  SignRequest,
} from './certificate-authority.ts';
import type { FileRootStore, RotationPhase } from './file-root-store.ts';

/**
 * An authority whose root can be replaced while it is in use. `prepare` makes a new root that all are to trust beside the
 * old; `switch` lets the new one sign; `finish` ends the trust in the old one. When each may be taken is for the caller to
 * know: who has not heard of a step yet would lose connections by the next. Each phase outlives the process.
 */
export class RotatingAuthority implements RotatableAuthority {
  readonly automatic = false;
  readonly #store: FileRootStore;
  readonly #options: AuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #current: CertificateAuthority;

  /** Throws what {@link FileRootStore.open} throws. */
  constructor(store: FileRootStore, options: AuthorityOptions) {
    this.#store = store;
    this.#options = options;
    this.#current = store.open(options);
  }

  get trustBundle(): TrustBundle {
    return this.#current.trustBundle;
  }

  get issuer(): X509Certificate {
    return this.#current.issuer;
  }

  get phase(): RotationPhase {
    return this.#store.phase;
  }

  sign(request: SignRequest): ReturnType<CertificateAuthority['sign']> {
    return this.#current.sign(request);
  }

  issueServingCertificate(
    request: ServingCertificateRequest,
  ): ReturnType<CertificateAuthority['issueServingCertificate']> {
    return this.#current.issueServingCertificate(request);
  }

  /** Calls `listener` after each step. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Takes a step. Throws a {@link CodedError}: `rotation-phase` (it is not this step's turn), or the store's. */
  take(step: RotationStep): void {
    if (this.phase !== startOfStep[step]) {
      throw new CodedError(
        'rotation-phase',
        `"${step}" follows the phase "${startOfStep[step]}"; this is "${this.phase}"`,
      );
    }
    this.#store.take(step, this.#options);
    this.#current = this.#store.open(this.#options);
    for (const listener of this.#listeners) listener();
  }
}
