import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TurnOutput } from './turn-flusher.ts';
import { processClock, TurnFlusher } from './turn-flusher.ts';

describe('TurnFlusher', () => {
  const outputs = (flushed: string[], ...names: string[]) =>
    names.map((name): TurnOutput => ({ scheduled: false, flush: () => flushed.push(name) }));

  it('flushes each output once, at the end of the turn', async () => {
    const flusher = new TurnFlusher();
    const flushed: string[] = [];
    const [a, b] = outputs(flushed, 'a', 'b') as [TurnOutput, TurnOutput];
    for (const output of [a, b, a, b]) flusher.schedule(output);
    expect(flushed).toEqual([]);
    await nextTurn();
    expect(flushed).toEqual(['a', 'b']);
    expect(flusher.turns).toBe(1);
    await nextTurn();
    expect(flusher.turns).toBe(1);
    flusher.schedule(b);
    await nextTurn();
    expect(flushed).toEqual(['a', 'b', 'b']);
  });

  it('leaves to the next turn what flushing another output wrote', async () => {
    const flusher = new TurnFlusher();
    const flushed: string[] = [];
    const [tunnel] = outputs(flushed, 'tunnel') as [TurnOutput];
    const within: TurnOutput = {
      scheduled: false,
      flush: () => {
        flushed.push('within');
        flusher.schedule(tunnel);
      },
    };
    flusher.schedule(within);
    await nextTurn();
    expect(flushed).toEqual(['within']);
    await nextTurn();
    expect(flushed).toEqual(['within', 'tunnel']);
    expect(flusher.turns).toBe(2);
  });

  it('pauses after short turns only, and only where it is told to', async () => {
    let nowMs = 1_000;
    const pause = () => {
      nowMs += 0.07;
    };
    const flusher = new TurnFlusher({ clock: { nowMs: () => nowMs, pause } });
    const [output] = outputs([], 'a') as [TurnOutput];
    const turn = async (tookMs: number) => {
      nowMs += tookMs;
      flusher.schedule(output);
      await nextTurn();
      return flusher.pauses;
    };
    expect(await turn(0.01)).toBe(0);
    flusher.isPausing = true;
    expect(await turn(1)).toBe(0);
    expect(await turn(0.01)).toBe(1);
    // A pause is no part of the turn after it.
    expect(await turn(0.09)).toBe(2);
    expect(await turn(0.2)).toBe(2);
    flusher.isPausing = false;
    expect(await turn(0.01)).toBe(2);
    expect(flusher.pausedMs).toBeCloseTo(0.14);
  });

  it('does not pause while something waits for the next turn', async () => {
    let hasMore = true;
    const clock = { nowMs: () => 1_000, pause: () => {} };
    const flusher = new TurnFlusher({ clock, hasMore: () => hasMore });
    flusher.isPausing = true;
    const [a] = outputs([], 'a') as [TurnOutput];
    flusher.schedule(a);
    await nextTurn();
    flusher.schedule(a);
    await nextTurn();
    expect(flusher.pauses).toBe(0);
    hasMore = false;
    // What is written more and more leaves before the pause, too, unless there is no end to it.
    let left = 4;
    const again: TurnOutput = { scheduled: false, flush: () => void (--left > 0 && flusher.schedule(again)) };
    flusher.schedule(again);
    await nextTurn();
    expect([left, flusher.pauses]).toEqual([1, 0]);
    await nextTurn();
    expect([left, flusher.pauses]).toEqual([0, 1]);
  });

  it('pauses for no less than it asks for', () => {
    const beganMs = performance.now();
    for (let pauses = 0; pauses < 100; pauses++) processClock.pause();
    expect((performance.now() - beganMs) / 100).toBeGreaterThan(0.015);
  });
});
