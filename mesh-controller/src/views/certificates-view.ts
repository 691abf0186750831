import {
  cliApiVersion,
  type CertificatesView,
  type RootCertificateView,
  type WorkloadCertificateView,
} from '@tulle/admin-api';
import { SpiffeId } from '@tulle/identity';
import type { AgentRecord, CertificateFact } from './agent-record.ts';

/** What the certificates view is made from. */
export interface CertificateFacts {
  readonly roots: readonly RootCertificateView[];
  readonly agents: Iterable<AgentRecord>;
  readonly nowMs: number;
}

/** The roots, and the certificates that agents reported; with `namespace`, only those of its identities. */
export function certificatesView(facts: CertificateFacts, namespace?: string): CertificatesView {
  const certificates: WorkloadCertificateView[] = [];
  for (const agent of facts.agents) {
    for (const certificate of agent.certificates) {
      const view = workloadCertificate(agent.node, certificate, facts.nowMs);
      if (namespace === undefined || view.namespace === namespace) certificates.push(view);
    }
  }
  const rank = (view: WorkloadCertificateView) => `${view.node} ${view.identity}`;
  certificates.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return { apiVersion: cliApiVersion, kind: 'Certificates', roots: facts.roots, certificates };
}

function workloadCertificate(node: string, certificate: CertificateFact, nowMs: number): WorkloadCertificateView {
  const { identity, issuer, nextRenewal, notBefore, notAfter, serialNumber, lastError } = certificate;
  const id = SpiffeId.parse(identity);
  const workload = id.ok ? id.value.workload : undefined;
  return {
    node,
    identity,
    namespace: workload?.namespace ?? '',
    serviceAccount: workload?.serviceAccount ?? '',
    state: stateOf(notBefore, notAfter, nowMs),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter, expiresInMs: Date.parse(notAfter) - nowMs }),
    ...(serialNumber === undefined ? {} : { serialNumber }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(nextRenewal === undefined ? {} : { nextRenewal }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** Agents renew long before the end: one with less than a fifth of its life left could not be renewed. */
function stateOf(
  notBefore: string | undefined,
  notAfter: string | undefined,
  nowMs: number,
): WorkloadCertificateView['state'] {
  if (notAfter === undefined) return 'missing';
  const endMs = Date.parse(notAfter);
  if (nowMs >= endMs) return 'expired';
  const beginMs = notBefore === undefined ? nowMs : Date.parse(notBefore);
  return endMs - nowMs < (endMs - beginMs) / 5 ? 'expiring' : 'valid';
}
