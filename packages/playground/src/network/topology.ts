import { run, runOrThrow } from '../run-program.ts';
import { netnsPath, nodeNetns } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { dnsAddress, fabricAddress, nodes } from './addresses.ts';
import type { NodeAddress } from './addresses.ts';

/** The interface of a node towards the other nodes, inside the node's namespace. */
export const nodeLink = 'eth0';

/**
 * The commands for `ip -batch` that make the fabric: a bridge with a port a node, the address that names are resolved
 * at, and the way back to each node's pods. Run inside the fabric's namespace, so that nothing is made outside it.
 */
export function fabricBatch(paths: PlaygroundPaths): string {
  const lines = [
    'link set lo up',
    `address add ${dnsAddress}/32 dev lo`,
    'link add br0 type bridge',
    `address add ${fabricAddress}/24 dev br0`,
    'link set br0 up',
  ];
  for (const node of nodes) {
    lines.push(
      `link add ${node.name} type veth peer name ${nodeLink} netns ${nodeNetns(paths, node.name)}`,
      `link set ${node.name} master br0 up`,
      `route add ${node.podPrefix}0/24 via ${node.address}`,
    );
  }
  // What is nowhere is refused at once (the fabric forwards for this alone), so that no client waits for the internet.
  lines.push('route add unreachable default');
  return `${lines.join('\n')}\n`;
}

/** The commands for `ip -batch` inside a node's namespace: its address, the way to the other nodes' pods and to the DNS. */
export function nodeBatch(node: NodeAddress): string {
  const lines = ['link set lo up', `address add ${node.address}/24 dev ${nodeLink}`, `link set ${nodeLink} up`];
  for (const other of nodes) {
    if (other.name !== node.name) lines.push(`route add ${other.podPrefix}0/24 via ${other.address}`);
  }
  lines.push(`route add unreachable ${node.podPrefix}0/24`, `route add default via ${fabricAddress}`);
  return `${lines.join('\n')}\n`;
}

/** A pod's place in the network. */
export interface PodLink {
  readonly node: NodeAddress;
  readonly netns: string;
  readonly ip: string;
}

/** The node's end of a pod's link, named after the pod's address (an interface's name has at most 15 bytes). */
export function podLinkName(ip: string): string {
  return `pod${ip.split('.').slice(2).join('-')}`;
}

/**
 * The commands for `ip -batch` inside the node's namespace that connect a pod. Each pod is reached by a route of its
 * own, with no bridge: an answer always goes through the node, which has to undo its translation of addresses.
 */
export function podLinkBatch(pod: PodLink): string {
  const link = podLinkName(pod.ip);
  return [
    `link add ${link} type veth peer name eth0 netns ${pod.netns}`,
    `address add ${pod.node.podGateway}/32 dev ${link}`,
    `link set ${link} up`,
    `route add ${pod.ip}/32 dev ${link}`,
    '',
  ].join('\n');
}

/** The commands for `ip -batch` inside a pod's namespace. */
export function podBatch(pod: PodLink): string {
  return [
    'link set lo up',
    `address add ${pod.ip}/32 dev eth0`,
    'link set eth0 up',
    `route add ${pod.node.podGateway} dev eth0 scope link`,
    `route add default via ${pod.node.podGateway}`,
    '',
  ].join('\n');
}

/** Every refused connection is told so; by default the kernel tells one a second. */
const refuseAlways = { 'net/ipv4/icmp_ratelimit': '0' };

/**
 * Kernel settings of a node. The strict reverse path filter keeps a pod from sending with another pod's address, which
 * a container's default capabilities (CAP_NET_RAW) would let it do.
 */
const nodeSettings = {
  'net/ipv4/ip_forward': '1',
  ...refuseAlways,
  'net/ipv4/conf/all/rp_filter': '1',
  'net/ipv4/conf/default/rp_filter': '1',
};

/** Kernel settings of a pod: the loose reverse path filter that most distributions give. */
const podSettings = { 'net/ipv4/conf/all/rp_filter': '2', 'net/ipv4/conf/default/rp_filter': '2' };

function settingsScript(settings: { readonly [key: string]: string }): string {
  return Object.entries(settings)
    .map(([key, value]) => `echo ${value} > /proc/sys/${key}`)
    .join('; ');
}

function ipIn(netns: string, batch: string): Promise<string> {
  return runOrThrow('ip', ['-n', netns, '-batch', '-'], batch);
}

/** Runs a shell script inside a network namespace. The script is ours; nothing from a manifest goes into it. */
export function scriptIn(netns: string, script: string): Promise<string> {
  return runOrThrow('nsenter', [`--net=${netnsPath(netns)}`, 'sh', '-c', script]);
}

/** Makes the namespaces of the fabric and the nodes, and connects them. */
export async function createFabric(paths: PlaygroundPaths): Promise<void> {
  const names = [paths.fabricNetns, ...nodes.map((node) => nodeNetns(paths, node.name))];
  await runOrThrow('ip', ['-batch', '-'], names.map((name) => `netns add ${name}\n`).join(''));
  // Before the links are made: `default` is copied to each of them.
  await Promise.all([
    scriptIn(paths.fabricNetns, settingsScript({ 'net/ipv4/ip_forward': '1', ...refuseAlways })),
    ...nodes.map((node) => scriptIn(nodeNetns(paths, node.name), settingsScript(nodeSettings))),
  ]);
  await ipIn(paths.fabricNetns, fabricBatch(paths));
  await Promise.all(nodes.map((node) => ipIn(nodeNetns(paths, node.name), nodeBatch(node))));
}

/** Makes a pod's namespace and connects it to its node. */
export async function connectPod(paths: PlaygroundPaths, pod: PodLink): Promise<void> {
  await runOrThrow('ip', ['netns', 'add', pod.netns]);
  await scriptIn(pod.netns, settingsScript(podSettings));
  await ipIn(nodeNetns(paths, pod.node.name), podLinkBatch(pod));
  await ipIn(pod.netns, podBatch(pod));
}

/** Removes a pod's link and its namespace. The link goes first: the namespace may live on for as long as someone holds it. */
export async function disconnectPod(paths: PlaygroundPaths, pod: PodLink): Promise<void> {
  await run('ip', ['-n', nodeNetns(paths, pod.node.name), 'link', 'delete', podLinkName(pod.ip)]);
  await run('ip', ['netns', 'delete', pod.netns]);
}
