import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TurnOutput } from './turn-flusher.ts';
import { processClock, TurnFlusher } from './turn-flusher.ts';

describe('TurnFlusher', () => {
  const outputs = (flushed: string[], ...names: string[]) =>
    names.map((name): TurnOutput => ({ scheduled: false, flush: () => flushed.push(name) }));

  it('flushes each output once, at the end of the turn, and what is scheduled meanwhile in the next', async () => {
    const flusher = new TurnFlusher();
    const flushed: string[] = [];
    const [a, b] = outputs(flushed, 'a', 'b') as [TurnOutput, TurnOutput];
    const again: TurnOutput = {
      scheduled: false,
      flush: () => {
        flushed.push('again');
        flusher.schedule(a);
      },
    };
    for (const output of [a, b, a, again, b]) flusher.schedule(output);
    expect(flushed).toEqual([]);
    await nextTurn();
    expect(flushed).toEqual(['a', 'b', 'again']);
    await nextTurn();
    expect(flushed).toEqual(['a', 'b', 'again', 'a']);
    expect(flusher.turns).toBe(2);
  });

  it('pauses after short turns only, and only where it is told to', async () => {
    let nowMs = 1_000;
    let pauses = 0;
    const pause = () => {
      pauses += 1;
      nowMs += 0.07;
    };
    const flusher = new TurnFlusher({ nowMs: () => nowMs, pause });
    const [output] = outputs([], 'a') as [TurnOutput];
    const turn = async (tookMs: number) => {
      nowMs += tookMs;
      flusher.schedule(output);
      await nextTurn();
      return pauses;
    };
    expect(await turn(0.01)).toBe(0);
    flusher.pauses = true;
    expect(await turn(1)).toBe(0);
    expect(await turn(0.01)).toBe(1);
    // A pause is no part of the turn after it.
    expect(await turn(0.09)).toBe(2);
    expect(await turn(0.2)).toBe(2);
    flusher.pauses = false;
    expect(await turn(0.01)).toBe(2);
  });

  it('pauses for a small part of a millisecond where nobody else wants the processor', () => {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (let pauses = 0; pauses < 50; pauses++) {
      const beganMs = performance.now();
      processClock.pause();
      shortestMs = Math.min(shortestMs, performance.now() - beganMs);
    }
    expect(shortestMs).toBeGreaterThanOrEqual(0.02);
    expect(shortestMs).toBeLessThan(0.5);
  });
});
