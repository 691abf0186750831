import type { X509Certificate } from 'node:crypto';
import { CodedError } from '@tulle/core';
import { TrustBundle } from '@tulle/identity';
import type { RotatableAuthority, RotationStep } from './authority.ts';
import { startOfStep } from './authority.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import type { AuthorityOptions, IssuerPem, ServingCertificateRequest, SignRequest } from './certificate-authority.ts';
import type { RotationPhase } from './file-root-store.ts';

/**
 * An authority whose issuer an operator gives and may replace at any time. One of a root that is trusted already signs at
 * once: an intermediate that was renewed. One of another root is trusted first, beside the old (`prepared`), signs when
 * `switch` is taken, and is trusted alone after `finish`. The steps are to be taken as soon as they may be.
 */
export class GivenAuthority implements RotatableAuthority {
  readonly automatic = true;
  readonly #options: AuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #current: CertificateAuthority;
  #next: CertificateAuthority | undefined;
  /** Trusted still, though none of them signs. */
  #previous: TrustBundle | undefined;

  /**
   * `rememberedPem`: the roots that were trusted before this process; those that are not the issuer's stay trusted until
   * `finish`. Throws what {@link CertificateAuthority.load} throws.
   */
  constructor(issuer: IssuerPem, options: AuthorityOptions, rememberedPem?: string) {
    this.#options = options;
    this.#current = CertificateAuthority.load(issuer, options);
    const remembered = rememberedPem === undefined ? undefined : TrustBundle.parse(rememberedPem);
    if (remembered?.ok === true) this.#previous = without(remembered.value, this.#current.trustBundle);
  }

  get trustBundle(): TrustBundle {
    let bundle = this.#current.trustBundle;
    for (const more of [this.#next?.trustBundle, this.#previous]) if (more !== undefined) bundle = bundle.with(more);
    return bundle;
  }

  get issuer(): X509Certificate {
    return this.#current.issuer;
  }

  get phase(): RotationPhase {
    if (this.#next !== undefined) return 'prepared';
    return this.#previous === undefined ? 'idle' : 'switched';
  }

  sign(request: SignRequest): ReturnType<CertificateAuthority['sign']> {
    return this.#current.sign(request);
  }

  issueServingCertificate(
    request: ServingCertificateRequest,
  ): ReturnType<CertificateAuthority['issueServingCertificate']> {
    return this.#current.issueServingCertificate(request);
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Takes another issuer. Throws what {@link CertificateAuthority.load} throws; nothing is changed then. */
  offer(issuer: IssuerPem): void {
    const offered = CertificateAuthority.load(issuer, this.#options);
    const [root] = offered.trustBundle.roots;
    const isKnown = this.#current.trustBundle.roots.some((known) => known.fingerprint256 === root?.fingerprint256);
    if (isKnown) {
      this.#current = offered;
      this.#next = undefined;
    } else {
      this.#next = offered;
    }
    this.#tell();
  }

  /** Throws a {@link CodedError}: `rotation-given` (another issuer is given, not made), `rotation-phase`. */
  take(step: RotationStep): void {
    if (step === 'prepare' || step === 'abort') {
      throw new CodedError('rotation-given', 'the issuer is given by an operator: to replace it, give another one');
    }
    if (this.phase !== startOfStep[step]) {
      const turn = `"${step}" follows the phase "${startOfStep[step]}"; this is "${this.phase}"`;
      throw new CodedError('rotation-phase', turn);
    }
    if (this.#next === undefined) {
      this.#previous = undefined;
    } else {
      const before = this.trustBundle;
      this.#current = this.#next;
      this.#next = undefined;
      this.#previous = without(before, this.#current.trustBundle);
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The roots of a bundle that another does not have; undefined if it has all. */
function without(bundle: TrustBundle, other: TrustBundle): TrustBundle | undefined {
  const others = new Set(other.roots.map((root) => root.fingerprint256));
  const left = bundle.roots.filter((root) => !others.has(root.fingerprint256));
  if (left.length === 0) return undefined;
  const made = TrustBundle.ofDer(left.map((root) => root.raw));
  if (!made.ok) throw made.error;
  return made.value;
}
