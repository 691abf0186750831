import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { type Output, run, type RunOptions, startTimeOf } from './process.ts';
import type { ClusterPlan } from './settings.ts';
import { waitFor } from './wait.ts';

/**
 * A machine of the cluster: a process and the network, mount, process, host name and IPC namespaces it holds. The
 * process is the first of its process namespace, so when it is killed the kernel kills everything in the machine, and
 * with it go its links, rules and mounts. Nothing of it has a name in the host that could be left behind.
 */
export interface Machine {
  readonly name: string;
  /** The machine's first process, as the host numbers it. */
  readonly initPid: number;
}

/** A running part of the cluster: a program in a machine, with its log. */
export interface RunningPart {
  readonly name: string;
  readonly machine: string;
  /** The host's pid of the process that stands for it: it lives as long as the program. */
  readonly pid: number;
  readonly startTime: string;
  readonly logFile: string;
}

/** The argument that says which machine a first process belongs to: how machines are found again. */
const markFlag = '--tulle-machine';

/** How long the kernel may take to end all of a machine's processes and free its namespaces. */
const endTimeoutMs = 30_000;

/**
 * Starts a machine with nothing in it but its first process.
 *
 * @param pause the program of the first process: it waits and reaps
 */
export async function startMachine(plan: ClusterPlan, name: string, pause: string): Promise<Machine> {
  const mark = markOf(plan, name);
  const unshare = spawn(
    'unshare',
    ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', '--', pause, markFlag, mark],
    { detached: true, stdio: 'ignore', cwd: '/' },
  );
  const failed = new AbortController();
  unshare.on('error', (cause) => failed.abort(new CodedError('machine-start', `cannot run unshare`, { cause })));
  unshare.on('exit', (code) => failed.abort(new CodedError('machine-start', `unshare ended with status ${code}`)));
  unshare.unref();
  const initPid = await waitFor(
    `machine ${name} started`,
    () => markedProcesses((found) => found === mark).find(({ argv }) => argv[0] === pause)?.pid,
    { timeoutMs: 10_000, signal: failed.signal },
  );
  return { name, initPid };
}

/** Runs a command inside a machine, to its end. Throws as `run` does. */
export async function runIn(machine: Machine, argv: readonly string[], options: RunOptions): Promise<Output> {
  return await run([...enter(machine), ...argv], options);
}

/** Runs a command in a machine's network alone: files, processes and users are the host's. Throws as `run` does. */
export async function runInNetwork(machine: Machine, argv: readonly string[], options: RunOptions): Promise<Output> {
  return await run([...enterNetwork(machine), ...argv], options);
}

/** The words before a command that make it run in the machine's network. */
export function enterNetwork({ initPid }: Machine): string[] {
  return ['nsenter', '--target', String(initPid), '--net', '--'];
}

function enter({ initPid }: Machine): string[] {
  return ['nsenter', '--target', String(initPid), '--mount', '--net', '--pid', '--uts', '--ipc', '--'];
}

/**
 * Starts a program in a machine. It goes on when this process ends, and ends with the machine.
 *
 * @param died called when it ends while this process is there to see it
 */
export function startPart(
  machine: Machine,
  part: { name: string; argv: readonly string[]; logFile: string },
  died: (part: string, status: string) => void,
): RunningPart {
  const log = openSync(part.logFile, 'a', 0o644);
  const [file = '', ...args] = [...enter(machine), ...part.argv];
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  child.on('error', (error) => died(part.name, error.message));
  child.on('exit', (code, signal) => died(part.name, code === null ? `signal ${signal}` : `exit status ${code}`));
  child.unref();
  const startTime = child.pid === undefined ? undefined : startTimeOf(child.pid);
  if (child.pid === undefined || startTime === undefined) {
    throw new CodedError('part-start', `${part.name} could not be started`);
  }
  return { name: part.name, machine: machine.name, pid: child.pid, startTime, logFile: part.logFile };
}

/** Whether a part that an earlier process started is still running. */
export function isRunning(part: Pick<RunningPart, 'pid' | 'startTime'>): boolean {
  return startTimeOf(part.pid) === part.startTime;
}

/** The machines of a cluster that are running now, whoever started them. */
export function findMachines(plan: Pick<ClusterPlan, 'name'>): Machine[] {
  const prefix = markOf(plan, '');
  return markedProcesses((mark) => mark.startsWith(prefix))
    .filter(({ argv }) => !argv[0]?.endsWith('unshare'))
    .map(({ pid, mark }) => ({ name: mark.slice(prefix.length), initPid: pid }));
}

/** The first processes of all machines of this host, with the name of their cluster. */
export function findAllMachines(): { cluster: string; initPid: number }[] {
  return markedProcesses(() => true).map(({ pid, mark }) => ({ cluster: mark.split('/')[0] ?? '', initPid: pid }));
}

/** Ends every machine of a cluster and all that runs in them, and waits until it is gone. Gives how many there were. */
export async function endMachines(plan: Pick<ClusterPlan, 'name'>): Promise<number> {
  const prefix = markOf(plan, '');
  const marked = (): { pid: number; argv: string[] }[] => markedProcesses((mark) => mark.startsWith(prefix));
  const all = marked();
  // A process that is ending has no arguments any more while the kernel still ends the rest of its machine: it counts
  // until it is a zombie or gone.
  const ending = new Map<number, string>();
  await waitFor(
    `machines of ${plan.name} ended`,
    () => {
      for (const { pid } of marked()) {
        const startTime = startTimeOf(pid);
        if (startTime !== undefined) ending.set(pid, startTime);
        kill(pid);
      }
      for (const [pid, startTime] of ending) if (startTimeOf(pid) !== startTime) ending.delete(pid);
      return ending.size === 0 || undefined;
    },
    { timeoutMs: endTimeoutMs },
  );
  return all.filter(({ argv }) => !argv[0]?.endsWith('unshare')).length;
}

function markOf(plan: Pick<ClusterPlan, 'name'>, machine: string): string {
  return `${plan.name}/${machine}`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

/** The processes with a machine's mark: first processes, and the `unshare` commands that wait for them. */
function markedProcesses(wanted: (mark: string) => boolean): { pid: number; mark: string; argv: string[] }[] {
  const found: { pid: number; mark: string; argv: string[] }[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const argv = argvOf(pid);
    const mark = argv.at(-1);
    if (argv.at(-2) === markFlag && mark !== undefined && wanted(mark)) found.push({ pid, mark, argv });
  }
  return found;
}

function argvOf(pid: number): string[] {
  const file = join('/proc', String(pid), 'cmdline');
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').split('\0').slice(0, -1) : [];
  } catch {
    return [];
  }
}
