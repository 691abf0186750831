import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { CodedError } from '@tulle/core';

/** USER_HZ: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const microsPerTick = 1_000_000 / ticksPerSecond;

/** CPU time, in microseconds, as far as the kernel's ticks tell. */
export interface CpuTime {
  readonly user: number;
  readonly system: number;
}

/** A process, from /proc/PID/stat. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly cpu: CpuTime;
  /** CPU time of its children that have ended and been waited for, in microseconds. */
  readonly reapedMicros: number;
}

/** Reads `/proc/PID/stat` (proc_pid_stat(5)); the name in it may hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    cpu: { user: field(14) * microsPerTick, system: field(15) * microsPerTick },
    reapedMicros: (field(16) + field(17)) * microsPerTick,
  };
}

/** Every process of the machine now. One that ends meanwhile is left out. */
export function allProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [parseProcessStat(readFileSync(`/proc/${entry}/stat`, 'latin1'))];
    } catch {
      return [];
    }
  });
}

/** The command line of a process; empty for kernel threads and for what has ended. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** The inode of the network namespace that a process is in, or undefined. */
export function netnsOf(pid: number): number | undefined {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]);
  } catch {
    return undefined;
  }
}

/** The inode of a named network namespace. */
export function netnsInode(name: string): number {
  return statSync(`/run/netns/${name}`).ino;
}

/** CPU time of processes, added up; throws a CodedError `ProcessEnded` when one is gone. */
export function cpuTimeOf(pids: readonly number[]): CpuTime {
  let user = 0;
  let system = 0;
  for (const pid of pids) {
    const { cpu } = parseProcessStat(readProcessFile(pid, 'stat'));
    user += cpu.user;
    system += cpu.system;
  }
  return { user, system };
}

/** Resident memory of processes, added up, in MiB. What they share is counted for each. */
export function residentMiB(pids: readonly number[]): number {
  return memoryMiB(pids, 'status', /^VmRSS:\s+(\d+) kB/m);
}

/** Memory of processes in MiB, where what is shared counts in parts. */
export function proportionalMiB(pids: readonly number[]): number {
  return memoryMiB(pids, 'smaps_rollup', /^Pss:\s+(\d+) kB/m);
}

function memoryMiB(pids: readonly number[], file: string, pattern: RegExp): number {
  let kibibytes = 0;
  for (const pid of pids) kibibytes += Number(pattern.exec(readProcessFile(pid, file))?.[1] ?? 0);
  return kibibytes / 1024;
}

function readProcessFile(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (cause) {
    throw new CodedError('ProcessEnded', `process ${pid} of a peer ended during the measurement`, { cause });
  }
}

/** Microseconds that the machine's cores were busy since it started: all of /proc/stat but idle, iowait, steal and guests'. */
export function parseBusyMicros(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = text
    .slice(0, text.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * microsPerTick;
}

/** {@link parseBusyMicros} now. */
export function machineBusyMicros(): number {
  return parseBusyMicros(readFileSync('/proc/stat', 'latin1'));
}
