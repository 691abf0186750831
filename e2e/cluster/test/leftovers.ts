import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../src/machine.ts';
import { run } from '../src/process.ts';
import { type ClusterUnderTest, podNetworks } from './cluster-under-test.ts';

/** All that a mesh could leave in a cluster, by kind: lines that are the same when it left nothing. */
export type ClusterSnapshot = Readonly<Record<string, readonly string[]>>;

const timeoutMs = 30_000;

/** Kinds whose objects come and go by themselves. */
const restless = new Set(['events', 'events.events.k8s.io']);

/** The directories of a node that an agent, or a plugin of its, could write to. */
const watchedDirectories = ['/etc/cni/net.d', '/opt', '/run', '/var/lib/cni', '/var/lib/tulle', '/usr/lib/cni'];

/** Everything as it is now: objects, and on each node rules, routes, listeners, mounts, processes and files. */
export async function takeClusterSnapshot(cluster: ClusterUnderTest): Promise<ClusterSnapshot> {
  const snapshot: Record<string, string[]> = {
    objects: await allObjects(cluster),
    'marks on pods, namespaces and nodes': await marks(cluster),
  };
  for (const node of cluster.nodes) {
    const places = new Map([[node.name, `/proc/${node.initPid}/ns/net`]]);
    for (const [address, path] of await podNetworks(node)) places.set(`pod ${address}`, path);
    for (const [place, path] of places) Object.assign(snapshot, await network(place, path));
    Object.assign(snapshot, files(node), processes(node));
  }
  return snapshot;
}

/** What is there now that was not before, or the other way round, one line each. */
export function differences(before: ClusterSnapshot, after: ClusterSnapshot): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((kind) => {
    const [old, now] = [new Set(before[kind]), new Set(after[kind])];
    return [
      ...[...now].filter((line) => !old.has(line)).map((line) => `${kind}: + ${line}`),
      ...[...old].filter((line) => !now.has(line)).map((line) => `${kind}: - ${line}`),
    ];
  });
}

/** `kind namespace/name` of every object of every kind that the API server serves. */
async function allObjects({ kubectl }: ClusterUnderTest): Promise<string[]> {
  const kinds = (await kubectl(['api-resources', '--verbs=list', '--output=name'])).trim().split('\n');
  const wanted = kinds.filter((kind) => !restless.has(kind));
  const columns = 'KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name';
  const table = await kubectl(['get', wanted.join(','), '-A', '--no-headers', `-o=custom-columns=${columns}`]);
  return table.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
}

/** Labels and annotations of ours, and statuses of ours on routes. The user's own labels are in it before, too. */
async function marks({ kubectl }: ClusterUnderTest): Promise<string[]> {
  const lists = await Promise.all(
    ['pods', 'namespaces', 'nodes', 'httproutes.gateway.networking.k8s.io'].map(
      async (kind) => (await kubectl.json(['get', kind, '-A'])) as { items: unknown[] },
    ),
  );
  return lists
    .flatMap(({ items }) => items)
    .flatMap((object) => JSON.stringify(object).match(/"[^"]*tulle\.dev[^"]*":"[^"]*"|"tulle\.dev[^"]*"/g) ?? []);
}

async function network(place: string, path: string): Promise<ClusterSnapshot> {
  const lines = async (...argv: string[]): Promise<string[]> => {
    const { stdout } = await run(['nsenter', `--net=${path}`, ...argv], { timeoutMs });
    const said = stdout.split('\n').map((line) => line.trim());
    // Counters and comments change by themselves; of kube-proxy's rules only pods that come and go are new.
    return said.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.replace(/\[\d+:\d+\]/, ''));
  };
  const rules = [...(await lines('iptables-save')), ...(await lines('ip6tables-save'))];
  return {
    // A table that is empty, with the kernel's own chains in it, does nothing: no rule and no chain of ours counts.
    [`rules in ${place}`]: rules.filter(
      (line) => /^(-A|:\S+ -)/.test(line) && !/KUBE-(SVC|SEP|EXT|FW)-|KUBE-SERVICES/.test(line),
    ),
    [`policy routes in ${place}`]: await lines('ip', 'rule', 'show'),
    [`routes in ${place}`]: (await lines('ip', 'route', 'show', 'table', 'all')).filter(
      (line) => !/dev veth|broadcast|scope host/.test(line),
    ),
    [`listeners in ${place}`]: (await lines('ss', '-H', '-ltn')).map((line) => line.split(/\s+/)[3] ?? ''),
    [`kernel settings in ${place}`]: await lines(
      ...['sysctl', 'net.ipv4.tcp_fwmark_accept', 'net.ipv4.fwmark_reflect', 'net.ipv4.tcp_migrate_req'],
    ),
  };
}

function files({ name, initPid }: Machine): ClusterSnapshot {
  const root = join('/proc', String(initPid), 'root');
  const mounts = readFileSync(`/proc/${initPid}/mounts`, 'utf8').split('\n');
  return {
    [`mounts on ${name}`]: mounts.filter((line) => !/\/(pods|sandboxes|io\.containerd[^ ]*)\//.test(line)),
    [`mounts of ours on ${name}`]: mounts.filter((line) => line.includes('tulle-system')),
    [`files on ${name}`]: watchedDirectories.flatMap((path) =>
      existsSync(join(root, path)) ? readdirSync(join(root, path)).map((file) => join(path, file)) : [],
    ),
    [`plugins of the network on ${name}`]: readdirSync(join(root, '/etc/cni/net.d')).map((file) =>
      readFileSync(join(root, '/etc/cni/net.d', file), 'utf8'),
    ),
  };
}

/** Programs of ours in a node: its processes share a process namespace, or are below one. */
function processes({ name, initPid }: Machine): ClusterSnapshot {
  const children = (pid: number): number[] => {
    try {
      const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
      return list.map(Number).flatMap((child) => [child, ...children(child)]);
    } catch {
      return [];
    }
  };
  const said = children(initPid).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  });
  return { [`programs of ours on ${name}`]: said.filter((line) => line.includes('/opt/tulle')) };
}
