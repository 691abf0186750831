import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, libc } from './libc.ts';

/** The policies of sched(7) that any process may give to its threads, without a privilege. */
const policies = { other: 0, batch: 3 } as const;

/**
 * Sets how the kernel schedules all threads of this process, and those that they start. A `batch` thread has the same share
 * of the processors as any `other`, but takes a processor from nobody at the moment that it is woken.
 *
 * @throws {@link SystemCallError} where a sandbox forbids it.
 */
export function setSchedulingPolicy(policy: keyof typeof policies): void {
  for (const thread of readdirSync('/proc/self/task')) {
    const result = libc.schedSetscheduler(Number(thread), policies[policy], new Int32Array(1));
    // One that ended meanwhile needs none.
    if (result < 0 && libc.errno() === constants.errno.ESRCH) continue;
    checked(result, 'sched_setscheduler', `policy ${policy}`);
  }
}

/** Whether the kernel schedules the calling thread as it does any other: nobody chose another policy for it. */
export function hasUsualPolicy(): boolean {
  return libc.schedGetscheduler(0) === policies.other;
}

/** What the kernel knows of a thread's times since its start. */
export interface ThreadTimes {
  readonly runMs: number;
  /** Ready to run, without a processor. */
  readonly waitMs: number;
  /** How often it got a processor. */
  readonly slices: number;
}

/** The times of the calling thread, or undefined where the kernel does not count them (CONFIG_SCHED_INFO). */
export function threadTimes(): ThreadTimes | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/thread-self/schedstat', 'latin1');
  } catch {
    return undefined;
  }
  const [run, wait, slices] = text.trim().split(' ').map(Number);
  if (run === undefined || wait === undefined || slices === undefined || run === 0) return undefined;
  return { runMs: run / 1e6, waitMs: wait / 1e6, slices };
}
