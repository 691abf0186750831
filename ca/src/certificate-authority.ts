import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Clock, type Result } from '@tulle/core';
import { generateKeyPair, parseCsr, pemBlocks, privateKeyToPem, toPem, TrustBundle } from '@tulle/identity';
import type { SpiffeId } from '@tulle/identity';
import { CertificateTemplate } from './certificate-template.ts';
import { parseIpAddress } from './ip-address.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** A name, or one with a first label of `*`. */
const dnsName = /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/;

/** An issuer as PEM: what {@link FileRootStore} keeps, or what an operator gives. */
export interface IssuerPem {
  /** The issuer's certificate first, then those above it; the last one is the root. */
  readonly certificatePem: string;
  readonly keyPem: string;
  /** More roots to be trusted, while one replaces another. */
  readonly bundlePem?: string;
}

/** Bounds on the certificates that are issued. */
export interface AuthorityOptions {
  readonly clock: Clock;
  /** Identities of other trust domains are refused. */
  readonly trustDomain: string;
  /** When the request says nothing, 24 h; at most `maxValidityMs` (24 h), at least `minValidityMs` (1 min). */
  readonly defaultValidityMs?: number;
  readonly maxValidityMs?: number;
  readonly minValidityMs?: number;
}

/** What is to be signed. */
export interface SignRequest {
  readonly csrPem: string;
  readonly identity: SpiffeId;
  /** 0 or absent: the authority's default. */
  readonly validityMs?: number;
}

/** A certificate that was issued. */
export interface SignedCertificate {
  /** PEM, leaf first, root last: what the certificate service answers. */
  readonly chain: readonly string[];
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What to put into a serving certificate. */
export interface ServingCertificateRequest {
  readonly identity: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly validityMs?: number;
}

/** A serving certificate with its new key, as a TLS server takes them. */
export interface IssuedServingCertificate {
  /** Never log it. */
  readonly keyPem: string;
  /** Leaf and intermediates, without the root. */
  readonly certPem: string;
  readonly notAfterMs: number;
}

/**
 * Signs workload certificates: the identity that the caller of {@link CertificateAuthority.sign} names, the public key of
 * the request, and nothing else of it. Who may ask for what is decided before, in the certificate service.
 */
export class CertificateAuthority {
  /** The roots that workloads should trust: this authority's own first. */
  readonly trustBundle: TrustBundle;
  /** The certificate that signs. */
  readonly issuer: X509Certificate;
  readonly #template: CertificateTemplate;
  /** Everything above the leaf, PEM. */
  readonly #upperChain: readonly string[];
  readonly #options: AuthorityOptions;

  private constructor(
    chain: readonly X509Certificate[],
    key: KeyObject,
    bundle: TrustBundle,
    options: AuthorityOptions,
  ) {
    this.issuer = chain[0] as X509Certificate;
    this.trustBundle = bundle;
    this.#template = new CertificateTemplate(this.issuer, key);
    this.#upperChain = chain.map((certificate) => toPem(certificate.raw, 'CERTIFICATE'));
    this.#options = options;
  }

  /**
   * An authority from an issuer's certificates and key. Throws a {@link CodedError}: `ca-certificate-invalid` (not a
   * chain of authorities up to a self-signed root, expired, or not the key's), `ca-key-invalid`, `ca-key-unsupported`.
   */
  static load(issuer: IssuerPem, options: AuthorityOptions): CertificateAuthority {
    const key = readKey(issuer.keyPem);
    const chain = readChain(issuer.certificatePem, options.clock.nowMs());
    if (!(chain[0] as X509Certificate).checkPrivateKey(key)) {
      throw new CodedError('ca-certificate-invalid', "the authority's certificate and key do not belong together");
    }
    const own = TrustBundle.ofDer([(chain.at(-1) as X509Certificate).raw]);
    if (!own.ok) throw own.error;
    const more = issuer.bundlePem === undefined ? own : TrustBundle.parse(issuer.bundlePem);
    if (!more.ok) throw more.error;
    return new CertificateAuthority(chain, key, own.value.with(more.value), options);
  }

  /**
   * Signs a request. Error codes: those of `parseCsr` (`invalid-csr`, `unsupported-key`, `csr-signature`),
   * `foreign-trust-domain`, and `ca-expired`.
   */
  sign(request: SignRequest): Result<SignedCertificate, CodedError> {
    const { identity } = request;
    const { trustDomain } = this.#options;
    if (identity.trustDomain !== trustDomain) {
      return err(new CodedError('foreign-trust-domain', `${identity.text} is not of the trust domain ${trustDomain}`));
    }
    const key = parseCsr(request.csrPem);
    if (!key.ok) return key;
    const validity = this.#validity(request.validityMs);
    if (!validity.ok) return validity;
    const publicKeyDer = key.value.export({ type: 'spki', format: 'der' });
    const { der, serial } = this.#template.issue({ publicKeyDer, uri: identity.text, ...validity.value });
    return ok({ chain: [toPem(der, 'CERTIFICATE'), ...this.#upperChain], serial, ...validity.value });
  }

  /**
   * A certificate and a new key for a server of the control plane. Throws a {@link CodedError}: `ca-expired`,
   * `invalid-dns-name`, `invalid-ip-address`.
   */
  issueServingCertificate(request: ServingCertificateRequest): IssuedServingCertificate {
    const validity = this.#validity(request.validityMs);
    if (!validity.ok) throw validity.error;
    for (const name of request.dnsNames) {
      if (dnsName.test(name)) continue;
      throw new CodedError('invalid-dns-name', `${JSON.stringify(name)} is no DNS name`);
    }
    const keys = generateKeyPair();
    const { der } = this.#template.issue({
      publicKeyDer: keys.publicKey.export({ type: 'spki', format: 'der' }),
      uri: request.identity.text,
      dnsNames: request.dnsNames,
      ipAddresses: (request.ipAddresses ?? []).map(parseIpAddress),
      ...validity.value,
    });
    const certPem = toPem(der, 'CERTIFICATE') + this.#upperChain.slice(0, -1).join('');
    return { keyPem: privateKeyToPem(keys.privateKey), certPem, notAfterMs: validity.value.notAfterMs };
  }

  /** Clamped to the bounds and to the issuer's own life; begins a minute ago, for clocks that are late. */
  #validity(asked: number | undefined): Result<{ notBeforeMs: number; notAfterMs: number }, CodedError> {
    const { clock, defaultValidityMs = dayMs, maxValidityMs = dayMs, minValidityMs = minuteMs } = this.#options;
    const nowMs = Math.floor(clock.nowMs() / 1000) * 1000;
    const wantedMs = asked === undefined || !(asked > 0) ? defaultValidityMs : asked;
    const lifeMs = Math.max(minValidityMs, Math.min(maxValidityMs, wantedMs));
    const issuerEndMs = this.issuer.validToDate.getTime();
    if (issuerEndMs <= nowMs) {
      return err(
        new CodedError('ca-expired', `the authority's certificate expired at ${new Date(issuerEndMs).toISOString()}`),
      );
    }
    return ok({ notBeforeMs: nowMs - minuteMs, notAfterMs: Math.min(nowMs + lifeMs, issuerEndMs) });
  }
}

function readKey(keyPem: string): KeyObject {
  try {
    return createPrivateKey(keyPem);
  } catch {
    // The cause could quote the file, so it is not passed on.
    throw new CodedError('ca-key-invalid', "the authority's key cannot be read: expected an unencrypted PEM key");
  }
}

function readChain(pem: string, nowMs: number): X509Certificate[] {
  const refuse = (problem: string) =>
    new CodedError('ca-certificate-invalid', `the authority's certificate ${problem}`);
  const blocks = pemBlocks(pem, 'CERTIFICATE');
  if (!blocks.ok) throw refuse(`cannot be read: ${blocks.error.message}`);
  if (blocks.value.length === 0) throw refuse('is missing: expected PEM, issuer first, root last');
  const chain = blocks.value.map((der, index) => {
    try {
      return new X509Certificate(der);
    } catch (cause) {
      throw refuse(`number ${index + 1} cannot be read: ${errorMessage(cause)}`);
    }
  });
  for (const [index, certificate] of chain.entries()) {
    const above = chain[index + 1] ?? certificate;
    if (!certificate.ca) throw refuse(`number ${index + 1} is not that of an authority (CA:TRUE)`);
    if (!certificate.checkIssued(above) || !certificate.verify(above.publicKey)) {
      const expected =
        above === certificate ? 'is not a self-signed root, which must come last' : 'is not signed by the next';
      throw refuse(`number ${index + 1} ${expected}`);
    }
    if (certificate.validToDate.getTime() <= nowMs) throw refuse(`number ${index + 1} has expired`);
  }
  return chain;
}
