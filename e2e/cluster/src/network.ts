import { type Machine, runIn, runInNetwork } from './machine.ts';
import { addresses, type ClusterPlan, type NodePlan } from './settings.ts';

const timeoutMs = 20_000;
const bridge = 'nodes';

/** A node's link in the control machine: its other end is `eth0` in the node. */
function linkOf(node: NodePlan): string {
  return `to-${node.name}`;
}

/**
 * Joins the nodes and the control plane: a bridge in the control machine, a link from it to each node, and routes to
 * every node's pods. The bridge has the API server's address; there is no way out to the host's network.
 */
export async function connectMachines(
  plan: ClusterPlan,
  control: Machine,
  nodes: readonly { plan: NodePlan; machine: Machine }[],
): Promise<void> {
  const prefix = addresses.nodePrefixLength;
  await ip(control, [
    'link set lo up',
    `link add ${bridge} type bridge`,
    `addr add ${addresses.apiServer}/${prefix} dev ${bridge}`,
    `link set ${bridge} up`,
    // Who asks for an address that nobody has is told so, instead of waiting for an answer that never comes.
    'route add unreachable default',
    ...nodes.flatMap(({ plan: node, machine }) => [
      `link add ${linkOf(node)} type veth peer name eth0 netns ${machine.initPid}`,
      `link set ${linkOf(node)} master ${bridge} up`,
      `route add ${node.podRange} via ${node.address}`,
    ]),
  ]);
  for (const { plan: node, machine } of nodes) {
    await ip(machine, [
      'link set lo up',
      `addr add ${node.address}/${prefix} dev eth0`,
      'link set eth0 up',
      `route add default via ${addresses.apiServer}`,
      ...plan.nodes
        .filter((other) => other.name !== node.name)
        .map((other) => `route add ${other.podRange} via ${other.address}`),
    ]);
  }
  // Without forwarding the kernel would drop what it cannot deliver, and say nothing.
  for (const machine of [control, ...nodes.map((node) => node.machine)]) {
    await runIn(machine, ['tee', '/proc/sys/net/ipv4/ip_forward'], { input: '1\n', timeoutMs });
  }
}

/** One `ip` process for all commands: it stops at the first that fails. */
async function ip(machine: Machine, commands: readonly string[]): Promise<void> {
  await runInNetwork(machine, ['ip', '-batch', '-'], { input: `${commands.join('\n')}\n`, timeoutMs });
}
