import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { cgroupOf, hasCgroupV2, makeCgroups } from './host.ts';
import { type Kubectl, lookTimeoutMs } from './kubectl.ts';
import { type Machine, runIn } from './machine.ts';
import { partName, type Parts } from './parts.ts';
import type { Pki } from './pki.ts';
import { addresses, type ClusterPlan, type NodePlan } from './settings.ts';

/** Where each node has its own instead of the host's. */
export const nodeDirectories = [
  '/etc/cni/net.d',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/lib/tulle',
  '/var/log/containers',
  '/var/log/pods',
] as const;

/** Everything that starting a node needs. */
export interface NodeContext {
  readonly plan: ClusterPlan;
  readonly parts: Parts;
  readonly pki: Pki;
  readonly node: NodePlan;
  readonly machine: Machine;
}

const containerdSocket = '/run/containerd/containerd.sock';
const commandTimeoutMs = 20_000;
const containerdTimeoutMs = 60_000;
const importTimeoutMs = 300_000;
const readyTimeoutMs = 120_000;

/** Gives a machine what a node has of its own: /run, /sys of its network, its directories, its name. */
export async function furnishNode({ plan, node, machine }: NodeContext): Promise<void> {
  const inNode = async (...argv: string[]): Promise<void> => {
    await runIn(machine, argv, { timeoutMs: commandTimeoutMs });
  };
  const own = join(plan.stateDirectory, 'nodes', node.name);
  for (const target of nodeDirectories) {
    const source = target.startsWith('/var/log/') ? join(plan.logDirectory, node.name, target) : join(own, target);
    await mkdir(source, { recursive: true });
    await inNode('mount', '--bind', source, target);
  }
  await makeCgroups(plan, node.name);
  await inNode('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run');
  await inNode('mkdir', '/run/containerd', '/run/lock', '/run/netns', '/run/cgroups');
  // A fresh /sys shows the devices of the node's own network; the cgroups mounted below the old one are kept.
  await inNode('mount', '--rbind', '/sys/fs/cgroup', '/run/cgroups');
  await inNode('mount', '-t', 'sysfs', 'sysfs', '/sys');
  await inNode('mount', '--rbind', '/run/cgroups', '/sys/fs/cgroup');
  await inNode('umount', '--recursive', '/run/cgroups');
  await inNode('rmdir', '/run/cgroups');
  if (existsSync('/sys/fs/bpf')) await inNode('mount', '-t', 'bpf', 'bpf', '/sys/fs/bpf');
  await inNode('mount', '--make-rshared', '/');
  await inNode('hostname', node.name);
}

/** Starts the node's containerd, and gives it the images. Nothing here needs the API server. */
export async function startContainerd(context: NodeContext, archives: readonly string[]): Promise<void> {
  const { plan, parts, node, machine } = context;
  const own = join(plan.stateDirectory, 'nodes', node.name);
  await writeFile(join(own, '/etc/cni/net.d/10-pods.conflist'), cniConfiguration(node));
  const file = join(own, 'containerd.toml');
  await writeFile(file, containerdConfiguration);
  parts.start(machine, 'containerd', ['containerd', '--config', file]);
  const ctr = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io'];
  await parts.ready(
    [partName(machine, 'containerd')],
    `containerd on ${node.name}`,
    async () => {
      await runIn(machine, [...ctr, 'version'], { timeoutMs: commandTimeoutMs, signal: parts.signal });
      return true;
    },
    containerdTimeoutMs,
  );
  await importImages(machine, archives, parts.signal);
}

/** Gives a running node images from archives, as if it had pulled them. */
export async function importImages(machine: Machine, archives: readonly string[], signal?: AbortSignal): Promise<void> {
  const ctr = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io'];
  for (const archive of archives) {
    await runIn(machine, [...ctr, 'images', 'import', archive], {
      timeoutMs: importTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

/** Whether a running node has exactly this image under its name. */
export async function hasImage(machine: Machine, image: { reference: string; digest: string }): Promise<boolean> {
  const ctr = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io'];
  const { stdout } = await runIn(machine, [...ctr, 'images', 'list', `name==${image.reference}`], {
    timeoutMs: commandTimeoutMs,
  });
  return stdout.includes(image.digest);
}

/** Starts kubelet and kube-proxy. The API server is ready, the node's containerd too. */
export async function startKubelet(context: NodeContext, binaries: { kubernetes: string }): Promise<void> {
  const { plan, parts, node, machine, pki } = context;
  const own = join(plan.stateDirectory, 'nodes', node.name);
  const file = join(own, 'kubelet.yaml');
  await writeFile(file, stringify(kubeletConfiguration(context)));
  await writeFile(join(own, 'resolv.conf'), '# No name outside of the cluster resolves: there is no way out of it.\n');
  const keys = pki.nodes[node.name];
  if (keys === undefined) throw new Error(`no certificate was made for ${node.name}`);
  parts.start(machine, 'kubelet', [
    join(binaries.kubernetes, 'kubelet'),
    `--config=${file}`,
    `--kubeconfig=${keys.kubeconfig}`,
    `--hostname-override=${node.name}`,
    `--node-ip=${node.address}`,
  ]);
  parts.start(machine, 'kube-proxy', [
    join(binaries.kubernetes, 'kube-proxy'),
    `--kubeconfig=${pki.kubeconfigs.proxy}`,
    `--hostname-override=${node.name}`,
    `--cluster-cidr=${addresses.podRange}`,
    '--proxy-mode=iptables',
    // The size of the connection table is the host's, and may not be set in a network namespace.
    '--conntrack-max-per-core=0',
  ]);
}

/** Waits until the node takes pods and its kube-proxy has written its rules. */
export async function nodeReady({ parts, node, machine }: NodeContext, kubectl: Kubectl): Promise<void> {
  await parts.ready(
    ['kubelet', 'containerd'].map((part) => partName(machine, part)),
    `node ${node.name}`,
    async () => {
      const ready = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
      const status = await kubectl(['get', 'node', node.name, ready], { timeoutMs: lookTimeoutMs });
      return status === 'True' || undefined;
    },
    readyTimeoutMs,
  );
  await parts.ready(
    [partName(machine, 'kube-proxy')],
    `kube-proxy on ${node.name}`,
    async () => {
      await kubectl.raw(`/api/v1/nodes/${node.name}:10256/proxy/healthz`);
      // It calls itself healthy before it has written its first rules, too.
      const { stdout } = await runIn(machine, ['iptables-save', '-t', 'nat'], { timeoutMs: lookTimeoutMs });
      return stdout.includes(`-d ${addresses.apiServerService}/32 `) || undefined;
    },
    readyTimeoutMs,
  );
}

/**
 * Every pod has a link of its own to the node and everything is routed, so that kube-proxy's rules see each packet
 * without the kernel's bridge filter. No source address is ever rewritten on the way between pods.
 */
function cniConfiguration({ podRange }: NodePlan): string {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: { type: 'host-local', ranges: [[{ subnet: podRange }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

/** The plugin that is left out would make a folder below /opt, which is the host's. */
const containerdConfiguration = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`;

function kubeletConfiguration({ plan, node, pki }: NodeContext): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pki.authority.certificate },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupOf(plan, node.name),
    // The quality-of-service cgroups want every controller mounted, which version 1 does not promise.
    cgroupsPerQOS: false,
    enforceNodeAllocatable: ['none'],
    ...(hasCgroupV2() ? {} : { failCgroupV1: false }),
    clusterDNS: [addresses.dnsService],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    // A shared machine may be full for reasons that are not the cluster's: pods are never evicted for it.
    evictionHard: {},
    imageGCHighThresholdPercent: 100,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    resolvConf: join(plan.stateDirectory, 'nodes', node.name, 'resolv.conf'),
    tlsCertFile: pki.nodes[node.name]?.certificate,
    tlsPrivateKeyFile: pki.nodes[node.name]?.key,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
  };
}
