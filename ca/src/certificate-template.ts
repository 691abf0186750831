import { randomFillSync, sign, type KeyObject, type X509Certificate } from 'node:crypto';
import { derTag, readDer, readDerChildren, writeDer } from '@tulle/identity';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  SubjectKeyIdentifier,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
} from '@peculiar/asn1-x509';
import { signatureAlgorithmOf } from './signature-algorithm.ts';

/** GeneralName's choices (RFC 5280 §4.2.1.6) with their implicit tags. */
const uriTag = 0x86;
const dnsTag = 0x82;
const ipTag = 0x87;
const explicitVersion3 = Buffer.from([0xa0, 0x03, 0x02, 0x01, 0x02]);
const emptyName = Buffer.from([0x30, 0x00]);
const subjectAltNameOid = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x11]);
const derTrue = Buffer.from([0x01, 0x01, 0xff]);
const serialBytes = 16;

/** What differs from one certificate to the next. */
export interface LeafContent {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly uri: string;
  readonly dnsNames?: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ipAddresses?: readonly Uint8Array[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Writes leaf certificates of one issuer. What all of them share is encoded once; per certificate only the serial, the
 * times, the key and the names are written, which makes signing itself the greater part of the work.
 */
export class CertificateTemplate {
  readonly #key: KeyObject;
  readonly #digest: string;
  readonly #algorithm: Buffer;
  readonly #issuer: Buffer;
  readonly #extensions: readonly Buffer[];

  constructor(issuer: X509Certificate, key: KeyObject) {
    const { digest, der } = signatureAlgorithmOf(key);
    this.#key = key;
    this.#digest = digest;
    this.#algorithm = der;
    this.#issuer = subjectOf(issuer.raw);
    const keyId = subjectKeyIdOf(issuer.raw);
    this.#extensions = [
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth, id_kp_clientAuth]), false),
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
      ...(keyId === undefined ? [] : [authorityKeyId(keyId)]),
    ];
  }

  /** A signed certificate, DER, and its serial number, lower case hexadecimal. */
  issue(content: LeafContent): { readonly der: Buffer; readonly serial: string } {
    const serial = randomSerial();
    const tbs = writeDer(
      derTag.sequence,
      explicitVersion3,
      writeDer(derTag.integer, serial),
      this.#algorithm,
      this.#issuer,
      writeDer(derTag.sequence, derTime(content.notBeforeMs), derTime(content.notAfterMs)),
      emptyName,
      content.publicKeyDer,
      writeDer(0xa3, writeDer(derTag.sequence, ...this.#extensions, subjectAltName(content))),
    );
    const signature = sign(this.#digest, tbs, this.#key);
    const bits = writeDer(derTag.bitString, Buffer.from([0]), signature);
    return { der: writeDer(derTag.sequence, tbs, this.#algorithm, bits), serial: serial.toString('hex') };
  }
}

/** The SAN is critical because the subject is empty (RFC 5280 §4.1.2.6). */
function subjectAltName(content: LeafContent): Buffer {
  const names = [writeDer(uriTag, Buffer.from(content.uri, 'latin1'))];
  for (const name of content.dnsNames ?? []) names.push(writeDer(dnsTag, Buffer.from(name, 'latin1')));
  for (const address of content.ipAddresses ?? []) names.push(writeDer(ipTag, address));
  const value = writeDer(derTag.octetString, writeDer(derTag.sequence, ...names));
  return writeDer(derTag.sequence, subjectAltNameOid, derTrue, value);
}

/** 128 random bits less the two that make it positive and of full length (RFC 5280 §4.1.2.2). */
function randomSerial(): Buffer {
  const serial = randomFillSync(Buffer.allocUnsafe(serialBytes));
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
function derTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return digits >= '2050'
    ? writeDer(derTag.generalizedTime, Buffer.from(digits, 'latin1'))
    : writeDer(derTag.utcTime, Buffer.from(digits.slice(2), 'latin1'));
}

/** The issuer's subject exactly as its certificate has it: a name that is encoded anew may differ. */
function subjectOf(der: Uint8Array): Buffer {
  const certificate = readDer(der, 0, der.length);
  const tbs = certificate && readDer(der, certificate.start, certificate.end);
  const fields = (tbs && readDerChildren(der, tbs)) ?? [];
  // version [0], serialNumber, signature, issuer, validity, subject; the version is absent in v1.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject === undefined) throw new TypeError('not a certificate');
  return Buffer.from(der.subarray(subject.at, subject.end));
}

function subjectKeyIdOf(der: Uint8Array): ArrayBuffer | undefined {
  const found = AsnConvert.parse(der, Certificate).tbsCertificate.extensions?.find(
    (one) => one.extnID === id_ce_subjectKeyIdentifier,
  );
  return found && AsnConvert.parse(found.extnValue.buffer, SubjectKeyIdentifier).buffer;
}

function authorityKeyId(keyId: ArrayBuffer): Buffer {
  const value = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId) });
  return extension(id_ce_authorityKeyIdentifier, value, false);
}

function extension(extnID: string, value: object, critical: boolean): Buffer {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return Buffer.from(AsnConvert.serialize(new Extension({ extnID, critical, extnValue })));
}
