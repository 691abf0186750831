import type { RootRotationView } from '@tulle/admin-api';
import type { Authority, RotationPhase } from '@tulle/ca';
import type { AgentRecord } from './agent-record.ts';

/** What tells whether the next step of a rotation may be taken. */
export interface RotationFacts {
  readonly authority: Authority;
  readonly phase: RotationPhase | undefined;
  readonly agents: Iterable<AgentRecord>;
  /** The configuration that agents should have: with the roots as they are now. */
  readonly configVersion: string;
}

/**
 * Where a rotation stands. A step may follow when every agent that is known has what the last one brought: the roots, and
 * after the switch certificates of the new root.
 */
export function rotationView({ authority, phase, agents, configVersion }: RotationFacts): RootRotationView {
  if (phase === undefined) return { phase: 'unsupported', waitsFor: [] };
  const issuer = authority.issuer.subject.replaceAll('\n', ', ');
  const waitsFor: string[] = [];
  for (const { node, connected, ackedVersion, certificates } of agents) {
    if (!connected) waitsFor.push(`node ${node}: its agent is not connected`);
    else if (ackedVersion !== configVersion) waitsFor.push(`node ${node}: its agent has not taken over the roots yet`);
    else if (phase === 'switched') {
      const old = certificates.filter((certificate) => certificate.issuer !== issuer).length;
      if (old > 0) waitsFor.push(`node ${node}: ${old} of its certificates are of another root`);
    }
  }
  return { phase, waitsFor };
}
