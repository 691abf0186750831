import type { CertificateAuthority } from './certificate-authority.ts';

/** What those who have certificates signed need of an authority, whether its root may change or not. */
export type Authority = Pick<CertificateAuthority, 'sign' | 'issueServingCertificate' | 'trustBundle' | 'issuer'>;
