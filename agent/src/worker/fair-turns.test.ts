import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairTurns, TurnShare } from './fair-turns.ts';

/** Turns that end when they are told to. */
function stepped(quantum: number): { turns: FairTurns; endTurn: () => boolean } {
  let due: (() => void) | undefined;
  const turns = new FairTurns(quantum, (run) => (due = run));
  // Two pods in one turn: from now on turns are shared.
  for (const share of [new TurnShare(), new TurnShare()]) turns.mayWork(share, 1);
  const endTurn = () => {
    const run = due;
    due = undefined;
    run?.();
    return run !== undefined;
  };
  endTurn();
  return { turns, endTurn };
}

describe('turns', () => {
  it('let a pod work at once until its part is used up, and again in the next turn', () => {
    const { turns, endTurn } = stepped(3);
    const pod = new TurnShare();
    expect([1, 2, 3, 4].map(() => turns.mayWork(pod, 1))).toEqual([true, true, true, false]);
    endTurn();
    expect(turns.mayWork(pod, 1)).toBe(true);
  });

  it('let another pod work at once, however much of the first one waits', () => {
    const { turns, endTurn } = stepped(4);
    const [flood, other] = [new TurnShare(), new TurnShare()];
    let done = 0;
    expect(turns.hasBacklog).toBe(false);
    for (let i = 0; i < 1_000; i++) turns.wait(flood, { release: () => ((done += 1), 1) });
    expect(turns.hasBacklog).toBe(true);
    for (let turn = 1; turn <= 10; turn++) {
      endTurn();
      expect(done).toBe(turn * 4);
      expect(turns.mayWork(flood, 1)).toBe(false);
      expect(turns.mayWork(other, 1)).toBe(true);
    }
  });

  it('are eight times as long for a pod that is alone for a while, and short again once another one is busy', () => {
    const { turns, endTurn } = stepped(2);
    const [flood, other] = [new TurnShare(), new TurnShare()];
    let done = 0;
    for (let i = 0; i < 10_000; i++) turns.wait(flood, { release: () => ((done += 1), 1) });
    const inOneTurn = () => {
      const before = done;
      endTurn();
      return done - before;
    };
    for (let turn = 0; turn < 250; turn++) expect(inOneTurn()).toBe(2);
    for (let turn = 0; turn < 10; turn++) inOneTurn();
    expect(inOneTurn()).toBe(16);
    turns.mayWork(other, 1);
    expect([inOneTurn(), inOneTurn()]).toEqual([2, 2]);
  });

  it('divide one part between the pods that wait', () => {
    const { turns, endTurn } = stepped(8);
    const done = [0, 0, 0, 0];
    done.forEach((_, pod) => {
      const share = new TurnShare();
      for (let i = 0; i < 100; i++) turns.wait(share, { release: () => ((done[pod] = (done[pod] ?? 0) + 1), 1) });
    });
    endTurn();
    expect(done).toEqual([2, 2, 2, 2]);
  });

  it('count large pieces of work for what they are', () => {
    const { turns, endTurn } = stepped(8);
    const [large, small] = [new TurnShare(), new TurnShare()];
    const done = { large: 0, small: 0 };
    for (let i = 0; i < 100; i++) {
      turns.wait(large, { release: () => ((done.large += 1), 4) });
      turns.wait(small, { release: () => ((done.small += 1), 1) });
    }
    for (let turn = 0; turn < 10; turn++) endTurn();
    expect(done).toEqual({ large: 10, small: 40 });
  });

  it('do everything that waits, once and in its order, and end when there is nothing more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5 })), { maxLength: 3_000 }),
        (quantum, items) => {
          const { turns, endTurn } = stepped(quantum);
          const shares = [0, 1, 2, 3].map(() => new TurnShare());
          const done: number[][] = [[], [], [], []];
          items.forEach(([pod, units], number) => {
            turns.wait(shares[pod] as TurnShare, { release: () => ((done[pod] as number[]).push(number), units) });
            if (number % 100 === 0) endTurn();
          });
          while (endTurn());
          items.forEach(([pod], number) => expect((done[pod] as number[]).shift()).toBe(number));
          expect(done.flat()).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
