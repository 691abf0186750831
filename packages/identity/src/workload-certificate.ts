import { X509Certificate } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { derTag, readDer, readDerChildren, type DerElement } from './der.ts';
import { SpiffeId } from './spiffe-id.ts';

const clientAuthOid = '1.3.6.1.5.5.7.3.2';
const serverAuthOid = '1.3.6.1.5.5.7.3.1';
const anyUsageOid = '2.5.29.37.0';
/** Contents of the object identifiers 2.5.29.15, 2.5.29.17 and 2.5.29.19. */
const keyUsageOid = Buffer.from([0x55, 0x1d, 0x0f]);
const subjectAltNameOid = Buffer.from([0x55, 0x1d, 0x11]);
const basicConstraintsOid = Buffer.from([0x55, 0x1d, 0x13]);
/** GeneralName's choice [6], uniformResourceIdentifier (RFC 5280 §4.2.1.6). */
const uriNameTag = 0x86;
/** Bits of the first octet of KeyUsage (RFC 5280 §4.2.1.3). */
const digitalSignatureBit = 0x80;
const keyCertSignBit = 0x04;
const cRLSignBit = 0x02;

/** What a workload's certificate says, once it is found to be a valid X.509-SVID. */
export interface WorkloadCertificate {
  readonly spiffeId: SpiffeId;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  /** The issuer's distinguished name on one line. */
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly certificate: X509Certificate;
}

/** How strict to be with a certificate. */
export interface PeerIdentityOptions {
  /** Milliseconds since the epoch: the certificate must be valid at this time. */
  readonly nowMs: number;
  /** What the peer acts as; its extended key usage must allow it. */
  readonly role: 'client' | 'server';
  /** Given: the identity must be of this trust domain, the one whose roots the chain was verified with. */
  readonly trustDomain?: string;
}

/**
 * The identity of a TLS peer, from its leaf certificate. The chain must have been verified by TLS; this checks what the
 * X.509-SVID specification (§2 to §5) asks of the leaf besides: exactly one URI SAN, which is a SPIFFE id; no CA
 * certificate; a key usage for signatures and not for certificates or revocation lists; an extended key usage that
 * allows the role; and validity at `nowMs`. To be called once a connection.
 *
 * Error codes: `invalid-certificate`, `certificate-expired`, `certificate-not-yet-valid`, `no-spiffe-id`,
 * `several-uri-names`, `invalid-spiffe-id`, `foreign-trust-domain`, `ca-certificate`, `key-usage`.
 */
export function peerIdentity(
  certificate: X509Certificate | Uint8Array,
  options: PeerIdentityOptions,
): Result<SpiffeId, CodedError> {
  const parsed = parseWorkloadCertificate(certificate);
  if (!parsed.ok) return parsed;
  const { spiffeId, notBeforeMs, notAfterMs, certificate: leaf } = parsed.value;
  const refuse = (code: string, message: string) =>
    err(new CodedError(code, `the certificate of ${spiffeId.text} ${message}`));
  if (options.nowMs > notAfterMs) {
    return refuse('certificate-expired', `expired at ${new Date(notAfterMs).toISOString()}`);
  }
  if (options.nowMs < notBeforeMs) {
    return refuse('certificate-not-yet-valid', `is valid only from ${new Date(notBeforeMs).toISOString()}`);
  }
  const usages: readonly string[] | undefined = leaf.keyUsage;
  const wanted = options.role === 'client' ? clientAuthOid : serverAuthOid;
  if (usages !== undefined && !usages.includes(wanted) && !usages.includes(anyUsageOid)) {
    return refuse('key-usage', `may not be used by a TLS ${options.role}`);
  }
  if (options.trustDomain !== undefined && spiffeId.trustDomain !== options.trustDomain) {
    return refuse('foreign-trust-domain', `is not of the trust domain ${options.trustDomain}`);
  }
  return ok(spiffeId);
}

/**
 * Reads a workload's certificate (PEM, of which the first block counts, or DER) and checks all that does not depend on
 * the time and the role. Error codes: those of {@link peerIdentity}.
 */
export function parseWorkloadCertificate(
  source: X509Certificate | Uint8Array | string,
): Result<WorkloadCertificate, CodedError> {
  let certificate: X509Certificate;
  try {
    certificate = source instanceof X509Certificate ? source : new X509Certificate(source);
  } catch (cause) {
    return err(new CodedError('invalid-certificate', `the certificate cannot be read: ${errorMessage(cause)}`));
  }
  const extensions = readExtensions(certificate.raw);
  if (extensions === undefined) {
    return err(new CodedError('invalid-certificate', 'the extensions of the certificate cannot be read'));
  }
  const [uri, another] = extensions.uriNames;
  if (uri === undefined) {
    return err(new CodedError('no-spiffe-id', 'the certificate has no URI among its subject alternative names'));
  }
  if (another !== undefined) {
    return err(new CodedError('several-uri-names', 'the certificate has more than one URI subject alternative name'));
  }
  const spiffeId = SpiffeId.parse(uri);
  if (!spiffeId.ok) return spiffeId;
  // OpenSSL's own answer also asks for the key usage: a leaf that only claims to be an authority must not pass either.
  if (certificate.ca || extensions.isAuthority) {
    return err(new CodedError('ca-certificate', `the certificate of ${uri} is that of a certificate authority`));
  }
  const { keyUsage } = extensions;
  const usageFits =
    keyUsage === undefined ||
    ((keyUsage & digitalSignatureBit) !== 0 && (keyUsage & (keyCertSignBit | cRLSignBit)) === 0);
  if (!usageFits) {
    return err(new CodedError('key-usage', `the certificate of ${uri} has a key usage that a workload may not have`));
  }
  return ok({
    spiffeId: spiffeId.value,
    serial: certificate.serialNumber.toLowerCase(),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    certificate,
  });
}

interface ReadExtensions {
  readonly uriNames: readonly string[];
  /** The first octet of KeyUsage; undefined without that extension. */
  readonly keyUsage: number | undefined;
  /** Whether the basic constraints say CA:TRUE (RFC 5280 §4.2.1.9). */
  readonly isAuthority: boolean;
}

/**
 * Reads the two extensions that node:crypto does not give as data (its `subjectAltName` is a text for people). The
 * certificate has been parsed by OpenSSL before, so a shape that is not RFC 5280's is refused without saying where.
 */
function readExtensions(der: Uint8Array): ReadExtensions | undefined {
  const certificate = readDer(der, 0, der.length);
  const tbs = certificate && readDer(der, certificate.start, certificate.end);
  const fields = tbs && readDerChildren(der, tbs);
  if (fields === undefined) return undefined;
  const uriNames: string[] = [];
  let keyUsage: number | undefined;
  let isAuthority = false;
  // TBSCertificate's `extensions [3] EXPLICIT Extensions`.
  const explicit = fields.find((field) => field.tag === 0xa3);
  const list = explicit && readDer(der, explicit.start, explicit.end);
  for (const extension of list === undefined ? [] : (readDerChildren(der, list) ?? [])) {
    const parts = readDerChildren(der, extension);
    const id = parts?.[0];
    const value = parts?.at(-1);
    if (id === undefined || value?.tag !== derTag.octetString) return undefined;
    if (isOid(der, id, subjectAltNameOid)) {
      const names = readDer(der, value.start, value.end);
      const entries = names && readDerChildren(der, names);
      if (entries === undefined) return undefined;
      for (const { tag, start, end } of entries) {
        if (tag === uriNameTag) uriNames.push(Buffer.from(der.subarray(start, end)).toString('latin1'));
      }
    } else if (isOid(der, id, basicConstraintsOid)) {
      const constraints = readDer(der, value.start, value.end);
      const [flag] = (constraints && readDerChildren(der, constraints)) ?? [];
      isAuthority = flag?.tag === derTag.boolean && der[flag.start] !== 0;
    } else if (isOid(der, id, keyUsageOid)) {
      const bits = readDer(der, value.start, value.end);
      if (bits?.tag !== derTag.bitString || bits.end - bits.start < 1) return undefined;
      keyUsage = bits.end - bits.start < 2 ? 0 : (der[bits.start + 1] as number);
    }
  }
  return { uriNames, keyUsage, isAuthority };
}

function isOid(der: Uint8Array, element: DerElement, oid: Buffer): boolean {
  return element.tag === derTag.objectIdentifier && oid.equals(der.subarray(element.start, element.end));
}
