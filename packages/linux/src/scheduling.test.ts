import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { hasUsualPolicy, setSchedulingPolicy, threadTimes } from './scheduling.ts';

/** The policies of this process's threads, as the kernel has them: field 41 of proc_pid_stat(5). */
function threadPolicies(): Set<number> {
  const policies = readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);
  });
  return new Set(policies);
}

describe('setSchedulingPolicy', () => {
  it('is what the kernel has for all threads then, and can be taken back', () => {
    setSchedulingPolicy('batch');
    expect(threadPolicies()).toEqual(new Set([3]));
    expect(hasUsualPolicy()).toBe(false);
    setSchedulingPolicy('other');
    expect(threadPolicies()).toEqual(new Set([0]));
    expect(hasUsualPolicy()).toBe(true);
  });
});

describe('threadTimes', () => {
  it('counts what the thread works', () => {
    const before = threadTimes();
    const begunMs = performance.now();
    while (performance.now() - begunMs < 20);
    const after = threadTimes();
    if (before === undefined || after === undefined) throw new Error('this kernel does not count the times of threads');
    expect(after.runMs).toBeGreaterThan(before.runMs);
    expect(after.waitMs).toBeGreaterThanOrEqual(before.waitMs);
    expect(after.slices).toBeGreaterThanOrEqual(before.slices);
  });
});
