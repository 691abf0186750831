import type { KeyObject } from 'node:crypto';
import { CodedError } from '@tulle/core';

/** How an issuer's key signs: the digest and the AlgorithmIdentifier, DER (RFC 5758 §3.2, RFC 4055 §5). */
export interface SignatureAlgorithm {
  readonly oid: string;
  readonly digest: 'sha256' | 'sha384';
  readonly der: Buffer;
}

const ecdsaP256: SignatureAlgorithm = {
  oid: '1.2.840.10045.4.3.2',
  digest: 'sha256',
  der: Buffer.from('300a06082a8648ce3d040302', 'hex'),
};
const ecdsaP384: SignatureAlgorithm = {
  oid: '1.2.840.10045.4.3.3',
  digest: 'sha384',
  der: Buffer.from('300a06082a8648ce3d040303', 'hex'),
};
const rsa: SignatureAlgorithm = {
  oid: '1.2.840.113549.1.1.11',
  digest: 'sha256',
  der: Buffer.from('300d06092a864886f70d01010b0500', 'hex'),
};

/** The algorithm for an issuer's key. Throws a {@link CodedError} `ca-key-unsupported` for other kinds of keys. */
export function signatureAlgorithmOf(key: KeyObject): SignatureAlgorithm {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1') return ecdsaP256;
  if (key.asymmetricKeyType === 'ec' && curve === 'secp384r1') return ecdsaP384;
  if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return rsa;
  throw new CodedError(
    'ca-key-unsupported',
    `the authority's key is of type ${String(key.asymmetricKeyType)}${curve === undefined ? '' : ` on ${curve}`}`,
    { hint: 'use an ECDSA key on P-256 or P-384, or an RSA key of at least 2048 bits' },
  );
}
