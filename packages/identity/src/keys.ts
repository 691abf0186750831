import { generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A private key and its public half, held by node:crypto; printing one shows no key material. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Makes an ECDSA key on P-256, the kind that every certificate of the mesh has. */
export function generateKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** The private key as PKCS #8 PEM, as TLS wants it. Keep it in memory; never log it. */
export function privateKeyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}
