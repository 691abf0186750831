import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../src/playground-client.ts';
import type { PlaygroundClient } from '../../src/playground-client.ts';

/** A part of the mesh that runs as a process of its own. */
export type MeshPart = 'controller' | 'agent n1' | 'agent n2';

/** The number of the process of a part of a playground's mesh; undefined while there is none. */
export function findMeshProcess(playground: PlaygroundClient, part: MeshPart): number | undefined {
  const directory = `${join(playground.root, playground.name)}/`;
  const program = part === 'controller' ? 'mesh-controller/src/main.ts' : 'agent/src/main.ts';
  const node = part === 'controller' ? '' : ` --node ${part.slice('agent '.length)} `;
  const found = readdirSync('/proc').find((pid) => {
    const commandLine = /^\d+$/.test(pid) ? commandLineOf(pid) : '';
    return [directory, program, node].every((words) => commandLine.includes(words));
  });
  return found === undefined ? undefined : Number(found);
}

/** Ends the process of a part with SIGKILL, and waits until the kernel has ended it; gives its number. */
export async function killMeshProcess(playground: PlaygroundClient, part: MeshPart): Promise<number> {
  const pid = findMeshProcess(playground, part);
  if (pid === undefined) throw new Error(`no process of the playground is its ${part}`);
  await killProcess(pid);
  return pid;
}

/** Ends a process with SIGKILL, and waits until the kernel has ended it. */
export async function killProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await waitFor(`process ${pid} ends`, 5_000, () => Promise.resolve(commandLineOf(`${pid}`) === '' ? true : undefined));
}

/** The command line of a process, words with spaces between; empty for one that has ended. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
