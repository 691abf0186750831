import type { X509Certificate } from 'node:crypto';
import type { CaStatus, RootCertificateView } from '@tulle/admin-api';
import type { Authority } from '@tulle/ca';
import type { SigningLedger } from '../server/signing-ledger.ts';

const ninetyDaysMs = 90 * 24 * 60 * 60 * 1000;

/** The authority at one look. What ends first of its chain counts as its end. */
export function caView(authority: Authority, ledger: SigningLedger, nowMs: number): CaStatus {
  const root = authority.trustBundle.roots[0] ?? authority.issuer;
  const endMs = Math.min(root.validToDate.getTime(), authority.issuer.validToDate.getTime());
  const { issued, refused, lastRefusal } = ledger.summary();
  return {
    state: stateOf(endMs - nowMs),
    rootNotAfter: new Date(endMs).toISOString(),
    rootExpiresInMs: endMs - nowMs,
    issuedLast24Hours: issued,
    refusedLast24Hours: refused,
    ...(lastRefusal === undefined ? {} : { lastRefusal }),
  };
}

/** The roots that workloads trust; the first is the authority's own. */
export function rootViews(authority: Authority, nowMs: number): RootCertificateView[] {
  return authority.trustBundle.roots.map((root, index) => rootView(root, index === 0, nowMs));
}

function rootView(root: X509Certificate, signing: boolean, nowMs: number): RootCertificateView {
  return {
    subject: root.subject.replaceAll('\n', ', '),
    fingerprintSha256: root.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: root.validFromDate.toISOString(),
    notAfter: root.validToDate.toISOString(),
    expiresInMs: root.validToDate.getTime() - nowMs,
    signing,
  };
}

function stateOf(expiresInMs: number): CaStatus['state'] {
  if (expiresInMs <= 0) return 'expired';
  return expiresInMs < ninetyDaysMs ? 'expiring' : 'ok';
}
