import { privateKeyToPem } from '@tulle/identity';
import type { AuthorityOptions, CertificateAuthority, IssuerPem } from './certificate-authority.ts';
import { generateRootKey, selfSignedRoot } from './root.ts';

/** Where the root of the built-in authority is kept: a directory, or something that several controllers share. */
export interface RootStore {
  /** The authority of this store; on first use its root is made, once, however many open it at the same time. */
  open(options: AuthorityOptions): CertificateAuthority | Promise<CertificateAuthority>;
}

/** A new root for a trust domain, with its key: for a {@link RootStore} that has none yet. */
export function createRoot({ clock, trustDomain }: Pick<AuthorityOptions, 'clock' | 'trustDomain'>): IssuerPem {
  const key = generateRootKey();
  return { keyPem: privateKeyToPem(key), certificatePem: selfSignedRoot(key, trustDomain, clock.nowMs()) };
}
