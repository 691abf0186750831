import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ClusterPlan, clustersDirectory } from './settings.ts';

/** What a cluster changed in the host that does not go away with its machines. */
interface HostChanges {
  /** Values before they were changed, by path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Empty directories made to mount a node's own on. */
  readonly directories: readonly string[];
}

/** All clusters of the machine share what they change in it: the first writes this, the last goes by it. */
const noteFile = join(clustersDirectory, 'host.json');

/** Settings of the whole machine, not of a namespace, that the kubelet sets when it starts. */
const kubeletSysctls = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/** Each kubelet and containerd watches files; the kernel's default of 128 instances is soon used up. */
const inotifyInstances = { path: 'fs/inotify/max_user_instances', least: 1024 };

/**
 * Makes the directories that nodes mount over, raises the limit on file watches, and writes down first what was there
 * before. A note that a killed run left is kept: it knows the true values.
 */
export async function prepareHost(directories: readonly string[]): Promise<void> {
  if (!existsSync(noteFile)) {
    const sysctls: Record<string, string> = {};
    for (const path of [...kubeletSysctls, inotifyInstances.path]) {
      const value = await readSysctl(path);
      if (value !== undefined) sysctls[path] = value;
    }
    const missing = directories.flatMap(missingDirectories);
    const note: HostChanges = { sysctls, directories: [...new Set(missing)] };
    await mkdir(clustersDirectory, { recursive: true });
    await writeFile(`${noteFile}.tmp`, JSON.stringify(note));
    await rename(`${noteFile}.tmp`, noteFile);
  }
  for (const directory of directories) await mkdir(directory, { recursive: true });
  if (Number(await readSysctl(inotifyInstances.path)) < inotifyInstances.least) {
    await writeFile(join('/proc/sys', inotifyInstances.path), String(inotifyInstances.least));
  }
}

/** Puts back what `prepareHost` wrote down. To be called when no machine of any cluster is left. */
export async function restoreHost(): Promise<void> {
  if (existsSync(noteFile)) {
    const note = JSON.parse(await readFile(noteFile, 'utf8')) as HostChanges;
    for (const [path, value] of Object.entries(note.sysctls)) {
      if ((await readSysctl(path)) !== value) await writeFile(join('/proc/sys', path), value);
    }
    // Deepest first; one that something else uses meanwhile is not empty, and stays.
    for (const directory of [...note.directories].sort((a, b) => b.length - a.length)) {
      await rmdir(directory).catch(() => undefined);
    }
    await rm(noteFile);
  }
}

/** The cgroup that the pods of a node are in, the same in every hierarchy. */
export function cgroupOf(plan: ClusterPlan, node: string): string {
  return join(cgroupsOf(plan), node);
}

/** Whether the kernel's one cgroup hierarchy is version 2. */
export function hasCgroupV2(): boolean {
  return existsSync('/sys/fs/cgroup/cgroup.controllers');
}

function cgroupsOf(plan: ClusterPlan): string {
  return `/tulle-cluster-${plan.name}`;
}

/** Removes the cgroups of a cluster whose machines have ended. */
export async function removeCgroups(plan: ClusterPlan): Promise<void> {
  for (const hierarchy of await cgroupHierarchies()) await removeCgroup(join(hierarchy, cgroupsOf(plan)));
}

/** Makes the cgroup of a node's pods in every hierarchy: the kubelet expects it there. */
export async function makeCgroups(plan: ClusterPlan, node: string): Promise<void> {
  for (const hierarchy of await cgroupHierarchies()) {
    await mkdir(join(hierarchy, cgroupOf(plan, node)), { recursive: true });
  }
}

/** Where the kernel's cgroup hierarchies are mounted: one with version 2, one a controller with version 1. */
async function cgroupHierarchies(): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return mounts.flatMap(([, mountPoint, type]) =>
    (type === 'cgroup' || type === 'cgroup2') && mountPoint !== undefined ? [mountPoint] : [],
  );
}

/** A cgroup is removed by rmdir when those below it are: its files are not files. */
async function removeCgroup(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(directory, entry.name));
  }
  await rmdir(directory);
}

function missingDirectories(directory: string): string[] {
  const missing: string[] = [];
  for (let path = directory; !existsSync(path); path = dirname(path)) missing.push(path);
  return missing;
}

async function readSysctl(path: string): Promise<string | undefined> {
  return await readFile(join('/proc/sys', path), 'utf8').then(
    (value) => value.trim(),
    () => undefined,
  );
}
