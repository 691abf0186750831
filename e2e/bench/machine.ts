import { availableParallelism, cpus, release, totalmem } from 'node:os';
import type { Machine } from './model.ts';

/** What this machine is; the rest of {@link Machine} is what is known only after the run. */
export function describeMachine(
  run: Pick<Machine, 'versions' | 'startedAt' | 'rounds' | 'seconds' | 'foreignCpuShare'>,
): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    ...run,
  };
}
