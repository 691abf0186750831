import { runOrThrow } from '../run-program.ts';
import { netnsPath } from '../paths.ts';

/** A port of a Service as the nodes' rules need it. */
export interface ServicePortRule {
  /** `NS/NAME:PORT`, for the rules' comments. */
  readonly name: string;
  readonly clusterIP: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly endpoints: readonly { readonly ip: string; readonly port: number }[];
}

/** Our chains are the only thing in these tables that is written: the agent's rules beside them stay. */
const services = 'TULLE-SERVICES';
const hairpin = 'TULLE-HAIRPIN';
const reject = 'TULLE-REJECT';

/** The text for `iptables-restore --noflush` that makes a node's chains and leads traffic into them; run once a node. */
export const hooksText = [
  '*nat',
  `:${services} - [0:0]`,
  `:${hairpin} - [0:0]`,
  `-A PREROUTING -j ${services}`,
  `-A OUTPUT -j ${services}`,
  `-A POSTROUTING -j ${hairpin}`,
  'COMMIT',
  '*filter',
  `:${reject} - [0:0]`,
  ...['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `-A ${chain} -j ${reject}`),
  'COMMIT',
  '',
].join('\n');

/**
 * The text for `iptables-restore --noflush` that gives a node the rules of every Service, as its kube-proxy would:
 * each endpoint of a port gets an equal share of the new connections, a port without endpoints refuses, and source
 * addresses stay, except for a pod that reaches itself through a Service (it would not accept its own address).
 *
 * `localPods` are the addresses of the node's pods. Declaring a chain empties it, and a table changes at once, so a
 * connection sees the rules before or the rules after.
 */
export function serviceRulesText(ports: readonly ServicePortRule[], localPods: readonly string[]): string {
  const nat = ['*nat', `:${services} - [0:0]`, `:${hairpin} - [0:0]`];
  const filter = ['*filter', `:${reject} - [0:0]`];
  for (const port of ports) {
    const match = `-d ${port.clusterIP}/32 -p ${port.protocol} --dport ${port.port} -m comment --comment "${port.name}"`;
    if (port.endpoints.length === 0) filter.push(`-A ${reject} ${match} -j REJECT`);
    port.endpoints.forEach((endpoint, index) => {
      const left = port.endpoints.length - index;
      const share = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
      nat.push(`-A ${services} ${match}${share} -j DNAT --to-destination ${endpoint.ip}:${endpoint.port}`);
    });
  }
  for (const ip of localPods) nat.push(`-A ${hairpin} -s ${ip}/32 -d ${ip}/32 -j MASQUERADE`);
  return [...nat, 'COMMIT', ...filter, 'COMMIT', ''].join('\n');
}

/** Applies such a text inside a network namespace. */
export async function restoreRules(netns: string, text: string): Promise<void> {
  await runOrThrow('nsenter', [`--net=${netnsPath(netns)}`, 'iptables-restore', '--noflush', '-w', '5'], text);
}
