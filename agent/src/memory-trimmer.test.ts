import { afterEach, describe, expect, it } from '@jest/globals';
import { lookIntervalMs, MemoryTrimmer } from './memory-trimmer.ts';

describe('MemoryTrimmer', () => {
  let micros = 0;
  let trims = 0;
  let nowMs = 0;
  const trimmer = new MemoryTrimmer({ cpuMicros: () => micros, trim: () => trims++ });
  afterEach(() => trimmer.close());

  /** Lets the process work so long before the next look. */
  function lookAfter(workedMicros: number): void {
    micros += workedMicros;
    nowMs += lookIntervalMs;
    trimmer.look(nowMs);
  }

  it('trims once when a process becomes quiet, and again only after more work and a minute', () => {
    lookAfter(500_000);
    expect(trims).toBe(0);
    lookAfter(1_000);
    expect(trims).toBe(1);
    for (let i = 0; i < 100; i++) lookAfter(1_000);
    expect(trims).toBe(1);
    lookAfter(500_000);
    expect(trims).toBe(1);
    lookAfter(1_000);
    expect(trims).toBe(2);
    lookAfter(500_000);
    lookAfter(1_000);
    expect(trims).toBe(2);
    nowMs += 60_000;
    lookAfter(1_000);
    expect(trims).toBe(3);
  });
});
