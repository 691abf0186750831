import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** What of the host a cluster may touch, as it is now. */
export async function takeHostSnapshot(): Promise<HostSnapshot> {
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
    processes: clusterProcesses(),
    cgroups: cgroupNames(),
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

/** Programs that only a cluster runs, wherever they run. */
function clusterProcesses(): string[] {
  const programs = /^(etcd|kube-.*|kubelet|containerd.*|coredns|pause|unshare|runc)$/;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const name = readFileSync(join('/proc', pid, 'comm'), 'utf8').trim();
        // A zombie only waits for the first process of the host to take note of it.
        return programs.test(name) && startTimeOf(Number(pid)) !== undefined ? [`${pid} ${name}`] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

function cgroupNames(): string[] {
  const root = '/sys/fs/cgroup';
  const top = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return top.flatMap(({ name }) => [
    name,
    ...readdirSync(join(root, name), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(name, entry.name)),
  ]);
}
