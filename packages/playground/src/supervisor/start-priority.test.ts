import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@tulle/testkit';
import { hurryStart } from './start-priority.ts';

/** Whether this process may raise priorities at all. */
function mayHurry(): boolean {
  try {
    setPriority(0, getPriority(0) - 1);
    setPriority(0, getPriority(0) + 1);
    return true;
  } catch {
    return false;
  }
}

/** The priorities of a process's threads, each once. */
function nicesOf(pid: number): number[] {
  return [...new Set(readdirSync(`/proc/${pid}/task`).map((thread) => getPriority(Number(thread))))];
}

describe('the priority of a part that starts', () => {
  it('is higher for a while, then the usual one, for its threads and children, too', async () => {
    if (!mayHurry()) return;
    const clock = new FakeClock();
    const parent = spawn('sh', ['-c', 'read go; sleep 60 & echo $!; wait'], { stdio: ['pipe', 'pipe', 'inherit'] });
    hurryStart(parent.pid ?? -1, clock);
    parent.stdin.end('go\n');
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pids = [parent.pid ?? -1, Number(line.toString())];
    expect(pids.map(nicesOf)).toEqual([[-10], [-10]]);
    clock.advance(3000);
    expect(pids.map(nicesOf)).toEqual([[0], [0]]);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await once(parent, 'exit');
    // Of one that has ended nothing is asked.
    hurryStart(pids[0] ?? -1, clock);
    clock.advance(3000);
  });
});
