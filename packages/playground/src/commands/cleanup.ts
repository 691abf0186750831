import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodedError } from '@tulle/core';
import { netnsDir, netnsPath } from '../paths.ts';
import type { PlaygroundPaths } from '../paths.ts';
import { isAlive, processesIn, signal, waitForExit } from '../processes.ts';
import { run } from '../run-program.ts';
import { readState } from '../state.ts';
import type { ProcessIdentity } from '../state.ts';

/** How long programs may take to end by themselves when a playground goes down. */
const graceMs = 3000;

/** Whether anything of the playground is left: files, namespaces, processes in them. */
export function hasRemains(paths: PlaygroundPaths): boolean {
  return existsSync(paths.directory) || ownNetns(paths).length > 0;
}

/**
 * Removes whatever there is of a playground, running or crashed, and does nothing when there is nothing. Its processes
 * are those that live in its network namespaces, so none is missed for not having been written down.
 */
export async function removePlayground(paths: PlaygroundPaths): Promise<void> {
  await endProcesses(paths);
  for (const netns of ownNetns(paths)) await run('ip', ['netns', 'delete', netns]);
  for (const path of mountsBelow(paths.directory)) await run('umount', ['--lazy', path]);
  rmSync(paths.directory, { recursive: true, force: true });
  const left = ownNetns(paths);
  if (left.length > 0) {
    throw new CodedError('NotRemoved', `these network namespaces could not be removed: ${left.join(', ')}`);
  }
  await releaseNetnsDir(paths);
}

/** Removes the directory of all playgrounds when it is empty. */
export function removeEmptyRoot(paths: PlaygroundPaths): void {
  for (const directory of [paths.root, dirname(paths.root)]) {
    if (directory !== paths.root && !directory.endsWith('/tulle')) continue;
    try {
      rmdirSync(directory);
    } catch {
      // Somebody else uses it.
    }
  }
}

function ownNetns(paths: PlaygroundPaths): string[] {
  try {
    return readdirSync(netnsDir).filter((name) => name.startsWith(paths.netnsPrefix));
  } catch {
    return [];
  }
}

async function endProcesses(paths: PlaygroundPaths): Promise<void> {
  const supervisor = readState(paths)?.supervisor;
  if (supervisor !== undefined) {
    // First: it would start again what ends.
    signal(supervisor, 'SIGKILL');
    await waitForExit([supervisor], 2000);
  }
  const inside = (): ProcessIdentity[] => {
    const namespaces = new Set(ownNetns(paths).flatMap((name) => namespaceAt(netnsPath(name)) ?? []));
    return processesIn('net', namespaces).filter((each) => each.pid !== process.pid);
  };
  const first = inside();
  for (const each of first) signal(each, 'SIGTERM');
  await waitForExit(first, graceMs);
  const deadline = performance.now() + graceMs;
  for (let left = inside(); left.length > 0; left = inside()) {
    for (const each of left) signal(each, 'SIGKILL');
    const stuck = await waitForExit(left, 500);
    if (stuck.length > 0 && performance.now() > deadline) {
      throw new CodedError('NotRemoved', `process ${stuck.map((each) => each.pid).join(', ')} does not end`);
    }
  }
}

/** The network namespace that is mounted at a path, in the form that /proc shows; undefined when none is. */
function namespaceAt(path: string): string | undefined {
  try {
    return `net:[${statSync(path).ino}]`;
  } catch {
    return undefined;
  }
}

function mountsBelow(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? []);
  return mounts.filter((path) => path.startsWith(`${directory}/`)).sort((a, b) => b.length - a.length);
}

/** Says that it was a playground that made `ip netns` mount its directory. */
function netnsMarker(paths: PlaygroundPaths): string {
  return join(paths.root, '.netns-mounted');
}

function netnsDirIsMounted(): boolean {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === netnsDir);
}

/** Remembers, before the first namespace is made, that `ip netns` has not mounted its directory yet. */
export function noteNetnsDir(paths: PlaygroundPaths): void {
  if (!netnsDirIsMounted()) writeFileSync(netnsMarker(paths), '');
}

/** Undoes the mount that `ip netns` makes for its first namespace, if it was ours and nobody has one any more. */
async function releaseNetnsDir(paths: PlaygroundPaths): Promise<void> {
  const marker = netnsMarker(paths);
  if (!existsSync(marker)) return;
  try {
    if (netnsDirIsMounted()) {
      const inUse = readdirSync(netnsDir).length > 0;
      // Another playground undoes it when it goes; if the namespaces are somebody else's, so is the mount from now on.
      if (inUse && hasOthers(paths)) return;
      if (!inUse) await run('umount', [netnsDir]);
    }
    rmdirSync(netnsDir);
  } catch {
    // Somebody made a namespace in between: it is theirs now.
  }
  rmSync(marker, { force: true });
}

function hasOthers(paths: PlaygroundPaths): boolean {
  const entries = readdirSync(paths.root, { withFileTypes: true });
  return entries.some((entry) => entry.isDirectory() && entry.name !== paths.name);
}

/** Whether the playground's supervisor runs. */
export function isRunning(paths: PlaygroundPaths): boolean {
  const supervisor = readState(paths)?.supervisor;
  return supervisor !== undefined && isAlive(supervisor);
}
