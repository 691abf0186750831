import { afterEach, describe, expect, it } from '@jest/globals';
import { lookIntervalMs, MemoryTrimmer } from './memory-trimmer.ts';

describe('MemoryTrimmer', () => {
  const mebibyte = 2 ** 20;
  let micros = 0;
  let bytes = 100 * mebibyte;
  let trims = 0;
  let nowMs = 0;
  const trimmer = new MemoryTrimmer({
    cpuMicros: () => micros,
    residentBytes: () => bytes,
    trim: () => {
      trims++;
      bytes = 50 * mebibyte;
    },
  });
  afterEach(() => trimmer.close());

  /** Lets the process work so long before the next look. */
  function lookAfter(workedMicros: number): void {
    micros += workedMicros;
    nowMs += lookIntervalMs;
    trimmer.look(nowMs);
  }

  it('trims when a process becomes quiet, and again only when it has grown, after a minute, and quiet again', () => {
    lookAfter(500_000);
    expect(trims).toBe(0);
    lookAfter(1_000);
    expect(trims).toBe(1);
    // What the trim itself took away too much of comes back: no reason for another.
    bytes += 15 * mebibyte;
    for (let i = 0; i < 100; i++) lookAfter(1_000);
    expect(trims).toBe(1);
    bytes += mebibyte;
    lookAfter(500_000);
    expect(trims).toBe(1);
    lookAfter(1_000);
    expect(trims).toBe(2);
    bytes += 100 * mebibyte;
    lookAfter(1_000);
    expect(trims).toBe(2);
    nowMs += 60_000;
    lookAfter(1_000);
    expect(trims).toBe(3);
  });
});
