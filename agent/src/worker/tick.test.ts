import { afterEach, describe, expect, it } from '@jest/globals';
import { Ticker } from './tick.ts';

describe('Ticker', () => {
  // Its own timer does not come within a test: every tick here is the test's.
  const ticker = new Ticker(100_000);
  afterEach(() => ticker.close());

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
});
