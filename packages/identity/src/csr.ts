import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { CodedError, err, errorMessage, ok, type Result } from '@tulle/core';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import {
  AlgorithmIdentifier,
  Attribute,
  Extension,
  Extensions,
  GeneralName,
  Name,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  id_ce_subjectAltName,
} from '@peculiar/asn1-x509';
import type { KeyPair } from './keys.ts';
import { pemBlocks, toPem } from './pem.ts';
import type { SpiffeId } from './spiffe-id.ts';

const extensionRequestOid = '1.2.840.113549.1.9.14';
const ecdsaWithSha256Oid = '1.2.840.10045.4.3.2';
/** Signature algorithms of a request that are accepted, and the digest of each. */
const digests: ReadonlyMap<string, 'sha256' | 'sha384' | 'sha512'> = new Map([
  [ecdsaWithSha256Oid, 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
]);
/** A request with a P-256 key has some 400 bytes, one with an RSA-4096 key 1.7 KiB. */
const maxCsrPemBytes = 16 * 1024;
const minRsaBits = 2048;
const maxRsaBits = 4096;

/** A certificate signing request (PKCS #10, RFC 2986) in PEM for a key, naming the identity as its only SAN. */
export function createCsr(keys: KeyPair, identity: SpiffeId): string {
  const names = new SubjectAlternativeName([new GeneralName({ uniformResourceIdentifier: identity.text })]);
  const extensions = new Extensions([
    new Extension({
      extnID: id_ce_subjectAltName,
      critical: true,
      extnValue: new OctetString(AsnConvert.serialize(names)),
    }),
  ]);
  const info = new CertificationRequestInfo({
    subject: new Name(),
    subjectPKInfo: AsnConvert.parse(keys.publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo),
    attributes: new Attributes([
      new Attribute({ type: extensionRequestOid, values: [AsnConvert.serialize(extensions)] }),
    ]),
  });
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ecdsaWithSha256Oid }),
    signature: toArrayBuffer(sign('sha256', Buffer.from(AsnConvert.serialize(info)), keys.privateKey)),
  });
  return toPem(new Uint8Array(AsnConvert.serialize(request)), 'CERTIFICATE REQUEST');
}

/**
 * Takes a certificate signing request (PEM) and gives its public key, once the request's own signature proves that the
 * sender holds the private half. Nothing else of the request is given, so nothing else can be copied from it.
 *
 * Keys: ECDSA on P-256 or P-384, RSA of 2048 to 4096 bits. Error codes: `invalid-csr` (not a request, or too long),
 * `unsupported-key`, `csr-signature` (the proof of possession fails).
 */
export function parseCsr(csrPem: string): Result<KeyObject, CodedError> {
  if (csrPem.length > maxCsrPemBytes) {
    return err(new CodedError('invalid-csr', `the signing request is longer than ${maxCsrPemBytes} bytes`));
  }
  const blocks = pemBlocks(csrPem, 'CERTIFICATE REQUEST');
  if (!blocks.ok) return err(new CodedError('invalid-csr', `the signing request: ${blocks.error.message}`));
  const [der, another] = blocks.value;
  if (der === undefined || another !== undefined) {
    return err(new CodedError('invalid-csr', 'expected one PEM block "CERTIFICATE REQUEST" as the signing request'));
  }
  try {
    const request = AsnConvert.parse(der, CertificationRequest);
    const digest = digests.get(request.signatureAlgorithm.algorithm);
    if (digest === undefined) {
      const found = request.signatureAlgorithm.algorithm;
      return err(new CodedError('unsupported-key', `the signing request is signed with algorithm ${found}`));
    }
    const spki = Buffer.from(AsnConvert.serialize(request.certificationRequestInfo.subjectPKInfo));
    const key = createPublicKey({ key: spki, type: 'spki', format: 'der' });
    const problem = keyProblem(key);
    if (problem !== undefined) return err(new CodedError('unsupported-key', problem));
    const signed = request.certificationRequestInfoRaw;
    if (signed === undefined || !verify(digest, Buffer.from(signed), key, Buffer.from(request.signature))) {
      return err(new CodedError('csr-signature', 'the signing request is not signed by the key that it names'));
    }
    return ok(key);
  } catch (cause) {
    return err(new CodedError('invalid-csr', `the signing request cannot be read: ${errorMessage(cause)}`));
  }
}

function keyProblem(key: KeyObject): string | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const expected = 'expected ECDSA on P-256 or P-384, or RSA of 2048 to 4096 bits';
  if (key.asymmetricKeyType === 'ec') {
    if (namedCurve === 'prime256v1' || namedCurve === 'secp384r1') return undefined;
    return `the key is on curve ${namedCurve ?? '(parameters given in full)'}; ${expected}`;
  }
  if (key.asymmetricKeyType !== 'rsa') return `the key is of type ${String(key.asymmetricKeyType)}; ${expected}`;
  if (modulusLength !== undefined && modulusLength >= minRsaBits && modulusLength <= maxRsaBits) return undefined;
  return `the RSA key has ${String(modulusLength)} bits; ${expected}`;
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
