import type { AgentCertificateView, AgentPodView } from '@tulle/admin-api';
import type { DenialReport, RequestRate } from '@tulle/feed';

/** A certificate that an agent reported. */
export interface CertificateFact extends Omit<AgentCertificateView, 'pods'> {
  /** The distinguished name of its issuer, on one line. */
  readonly issuer?: string;
  /** When its agent asks for the next one (RFC 3339). */
  readonly nextRenewal?: string;
}

/** What is known of the agent of a node, from its feed and its reports. */
export interface AgentRecord {
  readonly node: string;
  readonly connected: boolean;
  /** The agent's version. */
  readonly version?: string;
  /** The configuration that it acknowledged last; null when none. */
  readonly ackedVersion: string | null;
  /** When it began to lack the newest configuration, milliseconds since the epoch; undefined when it has it. */
  readonly behindSinceMs?: number;
  readonly refused?: { readonly configVersion: string; readonly message: string };
  /** When its last report came, and what it said. */
  readonly reportedAtMs?: number;
  readonly pods: readonly AgentPodView[];
  readonly certificates: readonly CertificateFact[];
  /** Whom policy turned away from pods of the node. */
  readonly denials?: readonly DenialReport[];
  /** Present where connections between two pods of the node go without a tunnel, not encrypted. */
  readonly sameNodeDirect?: true;
  /** What it measured for its last report. */
  readonly requestRate?: RequestRate;
}
