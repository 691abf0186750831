import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PlaygroundStatusView } from '@tulle/playground';

const netnsDir = '/run/netns';

/** What there is of a playground on the machine, found without asking it: to be looked at again when it should be gone. */
export class Remains {
  readonly #directory: string;
  /** The namespaces' names, and how /proc shows each. */
  readonly #namespaces: ReadonlyMap<string, string>;

  constructor(status: PlaygroundStatusView, playground: { readonly root: string; readonly name: string }) {
    this.#directory = join(playground.root, playground.name);
    const prefix = status.nodes[0]?.netns.replace(/n1$/, '') ?? '';
    if (prefix === '') throw new Error('the playground has no node n1');
    const names = readdirSync(netnsDir).filter((name) => name.startsWith(prefix));
    this.#namespaces = new Map(names.map((name) => [name, `net:[${statSync(join(netnsDir, name)).ino}]`]));
  }

  /** What is there now, in words. */
  now(): string[] {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return [
      ...[...this.#namespaces.keys()].filter((name) => existsSync(join(netnsDir, name))),
      ...mounts.filter((line) => line.includes(this.#directory)),
      ...(existsSync(this.#directory) ? [this.#directory] : []),
      ...this.processes(),
    ];
  }

  /** Its processes: those in its namespaces, and those that name its directory. */
  processes(): string[] {
    const inodes = new Set(this.#namespaces.values());
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const isOurs = inodes.has(readlinkSync(`/proc/${pid}/ns/net`)) || commandLine.includes(`${this.#directory}/`);
        return isOurs ? [`${pid} ${commandLine}`] : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
  }
}
