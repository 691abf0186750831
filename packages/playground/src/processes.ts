import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from './state.ts';

/** The identity of a running process, or undefined when there is none with this number (a zombie is none). */
export function identify(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold anything: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks };
}

/** Whether exactly this process still runs. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTicks === process.startTicks;
}

/** Sends a signal to exactly this process; nothing happens when it has ended. */
export function signal(process: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(process)) return;
  try {
    globalThis.process.kill(process.pid, name);
  } catch {
    // It ended in between.
  }
}

/** Which namespace of a kind a process is in: `net:[4026531840]`, or undefined when it has ended. */
export function namespaceOf(pid: number | 'self', kind: 'net' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

/** Every process whose namespace of this kind is one of `namespaces` (in the form of {@link namespaceOf}). */
export function processesIn(kind: 'net' | 'mnt', namespaces: ReadonlySet<string>): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  if (namespaces.size === 0) return found;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const namespace = namespaceOf(pid, kind);
    if (namespace === undefined || !namespaces.has(namespace)) continue;
    const identity = identify(pid);
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

/** Waits until none of the processes runs, at most `timeoutMs`; gives those that still do. */
export async function waitForExit(
  processes: readonly ProcessIdentity[],
  timeoutMs: number,
): Promise<ProcessIdentity[]> {
  const deadline = performance.now() + timeoutMs;
  let alive = processes.filter(isAlive);
  while (alive.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    alive = alive.filter(isAlive);
  }
  return alive;
}
