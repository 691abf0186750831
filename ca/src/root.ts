import { createHash, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { generateKeyPair, toPem } from '@tulle/identity';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
} from '@peculiar/asn1-x509';
import { signatureAlgorithmOf } from './signature-algorithm.ts';

const commonNameOid = '2.5.4.3';
const organizationOid = '2.5.4.10';
const tenYearsMs = 10 * 365.25 * 24 * 60 * 60 * 1000;
const clockSkewMs = 60_000;

/** A self-signed root certificate for a key, PEM: valid for ten years from `nowMs`, its name tells the trust domain. */
export function selfSignedRoot(key: KeyObject, trustDomain: string, nowMs: number): string {
  const spkiDer = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'spki', format: 'der' });
  const publicKey = AsnConvert.parse(spkiDer, SubjectPublicKeyInfo);
  const keyId = createHash('sha1').update(Buffer.from(publicKey.subjectPublicKey)).digest();
  const { oid, digest } = signatureAlgorithmOf(key);
  // A part of the key's id keeps apart the roots of one trust domain while one replaces another.
  const name = distinguishedName([
    [organizationOid, trustDomain],
    [commonNameOid, `Tulle root ${keyId.toString('hex', 0, 4)}`],
  ]);
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(serial),
    signature: new AlgorithmIdentifier({ algorithm: oid }),
    issuer: name,
    subject: name,
    validity: new Validity({ notBefore: new Date(nowMs - clockSkewMs), notAfter: new Date(nowMs + tenYearsMs) }),
    subjectPublicKeyInfo: publicKey,
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(new KeyIdentifier(toArrayBuffer(keyId))), false),
    ]),
  });
  const signature = sign(digest, Buffer.from(AsnConvert.serialize(tbs)), key);
  const certificate = new Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: oid }),
    signatureValue: toArrayBuffer(signature),
  });
  return toPem(new Uint8Array(AsnConvert.serialize(certificate)), 'CERTIFICATE');
}

/** A new root key: ECDSA on P-256. */
export function generateRootKey(): KeyObject {
  return generateKeyPair().privateKey;
}

function distinguishedName(parts: readonly (readonly [oid: string, value: string])[]): Name {
  const names = parts.map(([type, utf8String]) => {
    const value = new AttributeValue({ utf8String });
    return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]);
  });
  return new Name(names);
}

function extension(extnID: string, value: object, critical: boolean): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
