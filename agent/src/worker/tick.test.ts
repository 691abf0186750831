import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { asleepMs, Ticker } from './tick.ts';

describe('Ticker', () => {
  // Its own timer does not come within a test: every tick here is the test's.
  const intervalMs = 100_000;
  let ticker: Ticker;
  beforeEach(() => {
    ticker = new Ticker(intervalMs);
  });
  afterEach(() => ticker.close());

  /** Ticks in time, with nobody who asks for it, until the ticker sleeps; gives the time of the last tick. */
  const untilAsleep = (nowMs: number): number => {
    let lastMs = nowMs;
    for (let ticks = 0; ticks < 100 && !ticker.isAsleep; ticks++) {
      lastMs += intervalMs;
      ticker.tick(lastMs);
    }
    return lastMs;
  };

  it('calls what is due once, and says how late the event loop was', () => {
    expect(ticker.latenessP99Ms).toBe(0);
    const begun = ticker.nowMs;
    let calls = 0;
    const item = { deadlineMs: begun + 150_000, onDeadline: () => calls++ };
    ticker.add(item);
    ticker.tick(begun + 100_000);
    expect(calls).toBe(0);
    expect(ticker.latenessP99Ms).toBe(0);
    ticker.tick(begun + 200_030);
    expect(calls).toBe(1);
    expect(ticker.latenessP99Ms).toBeCloseTo(30, 1);
    ticker.tick(begun + 300_030);
    expect(calls).toBe(1);
    expect(item.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('leaves what is due to the next tick when it is late itself, but each deadline once only', () => {
    const begun = ticker.nowMs;
    let calls = 0;
    const item = { deadlineMs: begun + 150_000, onDeadline: () => calls++ };
    ticker.add(item);
    ticker.tick(begun + 200_000 + 1);
    ticker.add({ deadlineMs: begun + 350_000, onDeadline: () => calls++ });
    expect(calls).toBe(0);
    // Late once more: what was left is met, what came due meanwhile is left.
    ticker.tick(begun + 600_000);
    expect(calls).toBe(1);
    ticker.tick(begun + 700_000);
    expect(calls).toBe(2);
    // What put its deadline off meanwhile is not due.
    const put = { deadlineMs: begun + 750_000, onDeadline: () => calls++ };
    ticker.add(put);
    ticker.tick(begun + 900_001);
    expect(calls).toBe(2);
    put.deadlineMs = begun + 2_000_000;
    ticker.tick(begun + 1_000_001);
    expect(calls).toBe(2);
  });

  it('sleeps when nobody asks for the time, and whoever asks gets the right one and wakes it', () => {
    const lastMs = untilAsleep(ticker.nowMs);
    expect(ticker.isAsleep).toBe(true);
    // The last tick was made up, in the future: what the clock says is before it.
    const asked = ticker.nowMs;
    expect(asked).toBeLessThan(lastMs);
    expect(Math.abs(asked - performance.now())).toBeLessThan(1_000);
    expect(ticker.isAsleep).toBe(false);
  });

  it('is woken by one who begins to wait', () => {
    untilAsleep(ticker.nowMs);
    ticker.add({ deadlineMs: 0, onDeadline: () => {} });
    expect(ticker.isAsleep).toBe(false);
  });

  it('meets deadlines while it sleeps, and does not count them late', () => {
    let calls = 0;
    const item = { deadlineMs: Number.POSITIVE_INFINITY, onDeadline: () => calls++ };
    ticker.add(item);
    const asleepAtMs = untilAsleep(ticker.nowMs);
    item.deadlineMs = asleepAtMs + 2 * asleepMs + 1;
    ticker.tick(asleepAtMs + asleepMs);
    expect(ticker.isAsleep).toBe(true);
    // Soon enough now that it does not go to sleep again.
    ticker.tick(asleepAtMs + 2 * asleepMs);
    expect(ticker.isAsleep).toBe(false);
    expect(calls).toBe(0);
    ticker.tick(asleepAtMs + 2 * asleepMs + intervalMs);
    expect(calls).toBe(1);
    expect(ticker.latenessP99Ms).toBe(0);
  });

  it('stays awake while something is due within the time of its sleep, unless that may wait', () => {
    const begun = ticker.nowMs;
    const again = { deadlineMs: begun, onDeadline: () => (again.deadlineMs = ticker.nowMs + asleepMs / 2) };
    ticker.add(again);
    untilAsleep(begun);
    expect(ticker.isAsleep).toBe(false);
    ticker.remove(again);
    ticker.add({ ...again, mayWait: true });
    untilAsleep(ticker.nowMs);
    expect(ticker.isAsleep).toBe(true);
  });
});
