import { errorMessage, type Clock, type Logger, type Timer } from '@tulle/core';
import type { SpiffeId } from '@tulle/identity';
import type { CertificateAuthority, IssuedServingCertificate } from './certificate-authority.ts';

/** What a {@link ServingCertificateKeeper} is made from. */
export interface ServingCertificateOptions {
  readonly authority: Pick<CertificateAuthority, 'issueServingCertificate'>;
  readonly identity: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each certificate after the first. */
  readonly onCertificate: (certificate: IssuedServingCertificate) => void;
}

const retryMs = 60_000;

/** Keeps a server of the control plane in certificates: a new one after half of the life of the one before. */
export class ServingCertificateKeeper implements Disposable {
  /** The certificate to begin with. */
  readonly first: IssuedServingCertificate;
  readonly #options: ServingCertificateOptions;
  #timer: Timer;

  /** Throws what {@link CertificateAuthority.issueServingCertificate} throws. */
  constructor(options: ServingCertificateOptions) {
    this.#options = options;
    this.first = options.authority.issueServingCertificate(options);
    this.#timer = this.#planAfter(this.first);
  }

  /** Issues another certificate now: the authority's root is another one. */
  renewNow(): void {
    this.#timer.cancel();
    this.#renew();
  }

  close(): void {
    this.#timer.cancel();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #planAfter(certificate: IssuedServingCertificate): Timer {
    const { clock } = this.#options;
    return clock.after(Math.max(1000, (certificate.notAfterMs - clock.nowMs()) / 2), () => this.#renew());
  }

  #renew(): void {
    const { authority, clock, logger, onCertificate } = this.#options;
    try {
      const certificate = authority.issueServingCertificate(this.#options);
      this.#timer = this.#planAfter(certificate);
      onCertificate(certificate);
    } catch (thrown) {
      logger.error('the serving certificate cannot be renewed', { error: errorMessage(thrown) });
      this.#timer = clock.after(retryMs, () => this.#renew());
    }
  }
}
