import type { NetworkPolicy } from '@tulle/gateway-api';
import type { MeshMembership } from './membership.ts';

/** The port of a pod at which tunnels of the mesh arrive. */
const tunnelPort = 15_008;
const dnsPort = 53;

/** What a network policy does to the mesh; `message` begins with the field. */
export interface PolicyFinding {
  readonly message: string;
  readonly hint: string;
}

/** A port of a rule: only what is looked at here. */
interface RulePort {
  readonly protocol: string;
  readonly port: number | string | undefined;
  readonly endPort: number | undefined;
}

/**
 * What of a network policy keeps tunnels out that it means to let in. Between pods of the mesh it sees connections to the
 * tunnel port only, from pod to pod as without the mesh, whatever port they are for.
 */
export function policyFindings(policy: NetworkPolicy, membership: MeshMembership): PolicyFinding[] {
  const { podSelector, ingress, egress } = policy.spec;
  if (!membership.selectsMeshed(policy.metadata.namespace, podSelector)) return [];
  return [
    ...directionFindings('ingress', ingress ?? [], 'clients in the mesh connect to it'),
    ...directionFindings('egress', egress ?? [], 'pods of the mesh are reached through it'),
  ];
}

function directionFindings(field: 'ingress' | 'egress', rules: readonly unknown[], why: string): PolicyFinding[] {
  const peersField = field === 'ingress' ? 'from' : 'to';
  const known = rules.map((rule) => ({ ports: portsOf(rule), peers: peersOf(rule, peersField) }));
  const open = known.filter(({ ports }) => ports.length === 0 || ports.some(coversTunnel));
  return known.flatMap(({ ports, peers }, index): PolicyFinding[] => {
    if (ports.length === 0 || ports.some(coversTunnel)) return [];
    if (!ports.some(({ port, protocol }) => protocol === 'TCP' && port !== dnsPort)) return [];
    // Another rule may let the tunnels of the same peers through.
    if (open.some((other) => other.peers === undefined || other.peers === peers)) return [];
    const named = ports.map(({ port }) => String(port ?? 'any')).join(', ');
    const lets = field === 'ingress' ? 'lets in' : 'lets out to';
    return [
      {
        message: `spec.${field}[${index}].ports: ${lets} ${named}, but not port ${tunnelPort}: ${why}`,
        hint: `add port ${tunnelPort} (TCP) to the rule; which client may reach which port is for an AuthorizationPolicy to say`,
      },
    ];
  });
}

/** The peers of a rule, as a text to compare; undefined for all. */
function peersOf(rule: unknown, field: 'from' | 'to'): string | undefined {
  const peers = record(rule)[field];
  return Array.isArray(peers) && peers.length > 0 ? JSON.stringify(peers) : undefined;
}

/** The ports of a rule; none stand for all. */
function portsOf(rule: unknown): RulePort[] {
  const { ports } = record(rule);
  if (!Array.isArray(ports)) return [];
  return (ports as readonly unknown[]).map((one) => {
    const { protocol, port, endPort } = record(one);
    return {
      protocol: typeof protocol === 'string' ? protocol : 'TCP',
      port: typeof port === 'number' || typeof port === 'string' ? port : undefined,
      endPort: typeof endPort === 'number' ? endPort : undefined,
    };
  });
}

function coversTunnel({ protocol, port, endPort }: RulePort): boolean {
  if (protocol !== 'TCP') return false;
  if (typeof port !== 'number') return port === undefined;
  return port <= tunnelPort && tunnelPort <= (endPort ?? port);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
