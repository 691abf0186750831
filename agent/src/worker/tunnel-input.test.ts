import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairTurns, TurnShare } from './fair-turns.ts';
import { ReadPause } from './read-pause.ts';
import { TunnelInput } from './tunnel-input.ts';

/** A socket that says what was done to it. */
function socket() {
  const calls: string[] = [];
  const reading = new ReadPause({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
  return { calls, reading };
}

/** Inputs of pods whose turns end when they are told to; a chunk's first byte says how many frames it holds. */
function stepped(quantum: number, pods: number) {
  let due: (() => void) | undefined;
  const turns = new FairTurns(quantum, (run) => (due = run));
  const endTurn = () => {
    const run = due;
    due = undefined;
    run?.();
  };
  for (const share of [new TurnShare(), new TurnShare()]) turns.mayWork(share, 1);
  endTurn();
  const inputs = Array.from({ length: pods }, () => {
    const received: number[] = [];
    const { calls, reading } = socket();
    const share = new TurnShare();
    const input: TunnelInput = new TunnelInput({ turns, share }, reading, (chunk) => {
      received.push(...chunk);
      input.frames += chunk[0] as number;
    });
    return { input, received, calls, reading };
  });
  return { inputs, endTurn };
}

describe('input of a tunnel', () => {
  it('is worked on at once while its pod has done less than its part, and is charged by its frames', () => {
    const { inputs, endTurn } = stepped(10, 2);
    const [flood, other] = inputs;
    for (const frames of [6, 7, 8]) flood?.input.take(Buffer.of(frames));
    expect(flood?.received).toEqual([6, 7]);
    other?.input.take(Buffer.of(1));
    expect(other?.received).toEqual([1]);
    endTurn();
    expect(flood?.received).toEqual([6, 7, 8]);
  });

  it('is read no further once a second chunk waits, and goes on with its turn', () => {
    const { inputs, endTurn } = stepped(1, 1);
    const [only] = inputs;
    for (const value of [1, 1, 1, 1]) only?.input.take(Buffer.of(value));
    expect(only?.calls).toEqual(['pause']);
    endTurn();
    expect(only?.received).toEqual([1, 1, 1, 1]);
    expect(only?.calls).toEqual(['pause', 'resume']);
  });

  it('is worked on before the end of its connection, and not after it was closed', () => {
    const { inputs, endTurn } = stepped(1, 2);
    for (const each of inputs) for (const value of [1, 2]) each.input.take(Buffer.of(value));
    inputs[0]?.input.flush();
    inputs[1]?.input.close();
    expect(inputs[0]?.received).toEqual([1, 2]);
    endTurn();
    endTurn();
    expect(inputs[0]?.received).toEqual([1, 2]);
    expect(inputs[1]?.received).toEqual([1]);
  });

  it('arrives in order and complete, whatever comes when', () => {
    const event = fc.oneof(fc.record({ pod: fc.nat(2), frames: fc.integer({ min: 0, max: 9 }) }), fc.constant('turn'));
    const property = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const { inputs, endTurn } = stepped(4, 3);
      const sent = inputs.map((): number[] => []);
      for (const [index, each] of events.entries()) {
        if (typeof each === 'string') endTurn();
        else {
          sent[each.pod]?.push(each.frames, index);
          inputs[each.pod]?.input.take(Buffer.of(each.frames, index));
        }
      }
      for (let turn = 0; turn < 200; turn++) endTurn();
      expect(inputs.map(({ received }) => received)).toEqual(sent);
      for (const { calls } of inputs) expect(calls.filter((call) => call === 'pause')).toHaveLength(calls.length / 2);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('ReadPause', () => {
  it('reads again only when nobody has a reason to wait any more', () => {
    const { calls, reading } = socket();
    reading.goOn('unread');
    reading.stop('turn');
    reading.stop('unread');
    reading.stop('turn');
    reading.goOn('turn');
    expect(calls).toEqual(['pause']);
    reading.goOn('unread');
    reading.goOn('unread');
    expect(calls).toEqual(['pause', 'resume']);
  });
});
