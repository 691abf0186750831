import { describe, expect, it } from '@jest/globals';
import { FakeClock } from './index.ts';

describe('FakeClock', () => {
  it('calls what falls due in order of time, at its time, with what is planned meanwhile', () => {
    const clock = new FakeClock(1000);
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name} at ${clock.nowMs()}`);
    clock.after(20, note('second'));
    clock.after(10, () => {
      note('first')();
      clock.after(5, note('planned meanwhile'));
    });
    clock.after(20, note('third'));
    clock.after(15, note('cancelled')).cancel();
    clock.after(31, note('too late'));
    clock.advance(30);
    expect(calls).toEqual(['first at 1010', 'planned meanwhile at 1015', 'second at 1020', 'third at 1020']);
    expect([clock.nowMs(), clock.monotonicMs(), clock.timers, clock.nextInMs]).toEqual([1030, 30, 1, 1]);
  });
});
