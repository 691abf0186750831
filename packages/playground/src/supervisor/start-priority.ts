import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Clock } from '@tulle/core';

/** Ten steps are nine times the share of a program that has none of them (sched(7)). */
const startingNice = -10;
const usualNice = 0;
const startMs = 3000;

/**
 * Lets a part of the mesh that was just spawned start before other programs on a busy machine, and puts it among them
 * when it has started. Kubernetes has its requests for processor time for that: until an agent is back, its pods are
 * cut off. `pid` leads a session of its own, since most kernels share the processor between sessions first (sched(7),
 * autogroups). Nothing happens where priorities may not be raised.
 */
export function hurryStart(pid: number, clock: Clock): void {
  // It has one thread and no children yet: all that it makes is as it is.
  renice(pid, startingNice);
  reniceSession(pid, startingNice);
  clock.after(startMs, () => {
    reniceSession(pid, usualNice);
    for (const each of [pid, ...childrenOf(pid)]) for (const thread of threadsOf(each)) renice(thread, usualNice);
  });
}

function renice(thread: number, nice: number): void {
  try {
    setPriority(thread, nice);
  } catch {
    // It has ended, or this is not allowed.
  }
}

function reniceSession(pid: number, nice: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, `${nice}`);
  } catch {
    // It has ended, this is not allowed, or the kernel has no autogroups.
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
