import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAllMachines } from '../src/machine.ts';
import { run, startTimeOf } from '../src/process.ts';

/** All that a cluster could leave behind in the host, by kind: lines of text that are the same when it left nothing. */
export type HostSnapshot = Readonly<Record<string, readonly string[]>>;

const timeoutMs = 20_000;

const watchedSysctls = [
  'fs/inotify/max_user_instances',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/ip_forward',
  'vm/overcommit_memory',
];

const watchedDirectories = [
  '/etc/cni',
  '/opt',
  '/run',
  '/usr/libexec',
  '/var/lib',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/log',
];

/** What of the host a cluster may touch, as it is now. Processes of other clusters, which may be in use, are left out. */
export async function takeHostSnapshot(cluster: string): Promise<HostSnapshot> {
  return {
    links: await linesOf(['ip', '-o', '-brief', 'link']),
    routes: await linesOf(['ip', 'route', 'show', 'table', 'all']),
    // Other tests have named network namespaces, too: of ours only those of pods have names, below the nodes' own /run.
    'network namespaces': (await linesOf(['ip', 'netns', 'list'])).filter((line) => line.startsWith('cni-')),
    rules: (await linesOf(['iptables-save'])).filter((line) => !line.startsWith('#') && !line.startsWith(':')),
    mounts: (await readFile('/proc/self/mounts', 'utf8')).split('\n').sort(),
    sysctls: await Promise.all(
      watchedSysctls.map(async (path) => `${path} = ${(await readFile(join('/proc/sys', path), 'utf8')).trim()}`),
    ),
    processes: clusterProcesses(cluster),
    cgroups: cgroupNames(cluster),
    directories: watchedDirectories.flatMap((path) =>
      existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [],
    ),
  };
}

/** What is there now that was not before, or the other way round, one line each. */
export function changesBetween(before: HostSnapshot, after: HostSnapshot): string[] {
  return Object.keys(before).flatMap((kind) => {
    const [old, now] = [before, after].map((each) => new Set((each[kind] ?? []).filter((line) => !ofPlayground(line))));
    if (old === undefined || now === undefined) return [];
    return [
      ...[...now].filter((line) => !old.has(line)).map((line) => `${kind}: + ${line}`),
      ...[...old].filter((line) => !now.has(line)).map((line) => `${kind}: - ${line}`),
    ];
  });
}

/** Playgrounds may come and go beside the test: their network namespaces, links and files are named like this. */
function ofPlayground(line: string): boolean {
  return /\btulle-[0-9a-f]{6}\b|\/run\/tulle\b|\/run\/netns\b/.test(line);
}

async function linesOf(argv: readonly string[]): Promise<string[]> {
  const { stdout } = await run(argv, { timeoutMs });
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .sort();
}

/** Programs that only a cluster runs, wherever they run, but in the machines of another cluster than `cluster`. */
function clusterProcesses(cluster: string): string[] {
  const programs = /^(etcd|kube-.*|kubelet|containerd.*|coredns|pause|unshare|runc|nsenter)$/;
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
  const others = findAllMachines().filter((machine) => machine.cluster !== cluster);
  const foreign = new Set(others.map(({ initPid }) => processNamespace(initPid)));
  // The host's own namespace is where the commands are that wait for machines.
  foreign.delete(processNamespace(process.pid));
  return pids.flatMap((pid) => {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      // A zombie only waits for the first process of the host to take note of it.
      if (!programs.test(name) || startTimeOf(pid) === undefined) return [];
      const family = [pid, ...ancestorsOf(pid), ...childrenOf(pid)];
      return family.some((each) => foreign.has(processNamespace(each))) ? [] : [`${pid} ${name}`];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
}

function processNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}

function ancestorsOf(pid: number): number[] {
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  return parent === 0 ? [] : [parent, ...ancestorsOf(parent)];
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function cgroupNames(cluster: string): string[] {
  const root = '/sys/fs/cgroup';
  const top = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const all = top.flatMap(({ name }) => [
    name,
    ...readdirSync(join(root, name), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(name, entry.name)),
  ]);
  return all.filter((name) => !name.includes('tulle-cluster-') || name.endsWith(`tulle-cluster-${cluster}`));
}
