import type { X509Certificate } from 'node:crypto';
import { CodedError, err, ok, type Clock, type Result } from '@tulle/core';
import { peerIdentity } from '@tulle/identity';
import type { Authenticate, Caller } from './certificate-service.ts';

/** What certificates of callers are judged by. */
export interface CertificateCallerOptions {
  readonly clock: Clock;
  readonly trustDomain: string;
}

/**
 * Lets callers without a token prove themselves by a certificate of ours, which TLS has verified: a workload that renews
 * its own. A token counts for more where both are shown, for it may speak for a node.
 */
export function tokenOrCertificate(byToken: Authenticate, options: CertificateCallerOptions): Authenticate {
  return (token, certificate) =>
    token === undefined && certificate !== undefined ? callerOf(certificate, options) : byToken(token);
}

/** The workload that a verified certificate names. Error code: `unauthenticated`. */
function callerOf(
  certificate: X509Certificate,
  { clock, trustDomain }: CertificateCallerOptions,
): Result<Caller, CodedError> {
  const identity = peerIdentity(certificate, { nowMs: clock.nowMs(), role: 'client', trustDomain });
  if (!identity.ok) return err(new CodedError('unauthenticated', identity.error.message));
  if (identity.value.workload === undefined) {
    return err(new CodedError('unauthenticated', `${identity.value.text} is no workload`));
  }
  return ok({ kind: 'workload', identity: identity.value, by: 'certificate' });
}
