import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogFields, Logger } from '@tulle/core';
import { silentLogger } from '@tulle/core';
import type { ThreadTimes } from '@tulle/linux';
import { BatchScheduling, lookMs } from './batch-scheduling.ts';
import { Ticker } from './tick.ts';

/** What happens to a worker between two looks. */
interface Look {
  /** The share of a core that it has. */
  readonly share: number;
  /** How long it waits each time that it runs, 0.1 ms by default; and as batch, where that is different. */
  readonly waitMs?: number;
  readonly batchWaitMs?: number;
  /** What it gets done in a millisecond, as one policy or the other. */
  readonly other?: number;
  readonly batch?: number;
}

describe('BatchScheduling', () => {
  // Its own timer does not come within a test: every tick here is the test's.
  const intervalMs = 100_000;
  let ticker: Ticker;
  let nowMs = 0;
  let times: ThreadTimes | undefined;
  let work = 0;
  let policy: 'other' | 'batch';
  let sets = 0;
  const actions = {
    times: () => times,
    work: () => work,
    set: (wished: 'other' | 'batch') => {
      sets++;
      policy = wished;
    },
  };
  beforeEach(() => {
    ticker = new Ticker(intervalMs);
    nowMs = ticker.nowMs;
    times = { runMs: 1_000, waitMs: 1_000, slices: 1_000 };
    work = 0;
    policy = 'other';
    sets = 0;
  });
  afterEach(() => ticker.close());

  /** So many looks, one after the other, between which the same happens. */
  function look(
    count: number,
    { share, waitMs = 0.1, batchWaitMs = waitMs, other = 1_000, batch = 1_000 }: Look,
  ): void {
    for (let i = 0; i < count; i++) {
      const wait = policy === 'batch' ? batchWaitMs : waitMs;
      nowMs += lookMs;
      work += lookMs * (policy === 'batch' ? batch : other);
      if (times !== undefined) {
        const { runMs, waitMs: waited, slices } = times;
        times = { runMs: runMs + share * lookMs, waitMs: waited + 100 * wait, slices: slices + 100 };
      }
      ticker.tick(nowMs);
    }
  }

  const looksIn = (ms: number) => ms / lookMs;

  it('is for workers that are busy, until they are not', () => {
    new BatchScheduling(ticker, silentLogger, actions);
    look(5, { share: 0.2 });
    expect(policy).toBe('other');
    look(1, { share: 0.3 });
    expect(policy).toBe('batch');
    look(5, { share: 0.15 });
    expect(policy).toBe('batch');
    look(1, { share: 0.05 });
    expect(policy).toBe('other');
    look(1, { share: 0.3 });
    expect(policy).toBe('batch');
    expect(sets).toBe(3);
  });

  it('fails where other programs take the processors, and is tried again later and later', () => {
    const starved = { share: 0.4, batch: 300 };
    new BatchScheduling(ticker, silentLogger, actions);
    look(1, starved);
    expect(policy).toBe('batch');
    look(1, starved);
    expect(policy).toBe('other');
    for (const ms of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      look(looksIn(ms) - 1, starved);
      expect(policy).toBe('other');
      look(1, starved);
      expect(policy).toBe('batch');
      look(1, starved);
      expect(policy).toBe('other');
    }
  });

  it.each([
    ['has little of a core', { share: 0.15 }],
    ['waits long', { share: 0.3, waitMs: 0.7 }],
  ])('looks without it once when a worker %s, and goes back where that changes nothing', (_what, doubtful) => {
    new BatchScheduling(ticker, silentLogger, actions);
    look(2, { share: 0.5 });
    look(looksIn(5_000) - 1, doubtful);
    expect(policy).toBe('batch');
    look(1, doubtful);
    expect(policy).toBe('other');
    look(1, doubtful);
    expect(policy).toBe('batch');
    look(looksIn(5_000) - 1, doubtful);
    expect(policy).toBe('batch');
    look(1, doubtful);
    expect(policy).toBe('other');
  });

  it('ends where a look without it gets more done', () => {
    new BatchScheduling(ticker, silentLogger, actions);
    look(looksIn(6_000), { share: 0.5 });
    expect(policy).toBe('batch');
    const starved = { share: 0.1, batch: 300 };
    look(2, starved);
    expect(policy).toBe('other');
    look(looksIn(5_000) - 1, { share: 0.5 });
    expect(policy).toBe('other');
    look(1, { share: 0.5 });
    expect(policy).toBe('batch');
  });

  it('fails where a worker waits long for its processor, though no less gets done than its clients send', () => {
    const beside = { share: 0.3, waitMs: 0.05, batchWaitMs: 3 };
    new BatchScheduling(ticker, silentLogger, actions);
    look(1, beside);
    expect(policy).toBe('batch');
    look(1, beside);
    expect(policy).toBe('other');
    // The others may come later, too.
    look(looksIn(10_000), { share: 0.3 });
    expect(policy).toBe('batch');
    look(looksIn(5_000), beside);
    look(1, beside);
    expect(policy).toBe('other');
    look(looksIn(2_000), beside);
    expect(policy).toBe('other');
  });

  it('takes the end of a load for no failure', () => {
    new BatchScheduling(ticker, silentLogger, actions);
    look(1, { share: 0.5 });
    look(1, { share: 0.01, batch: 1 });
    expect(policy).toBe('other');
    look(1, { share: 0.5 });
    expect(policy).toBe('batch');
  });

  it('begins with the first wait again after it went well for long', () => {
    const starved = { share: 0.4, batch: 300 };
    new BatchScheduling(ticker, silentLogger, actions);
    look(2, starved);
    look(looksIn(5_000) + 1, starved);
    expect(policy).toBe('other');
    look(looksIn(10_000 + 70_000), { share: 0.4 });
    expect(policy).toBe('batch');
    look(2, { share: 0.1, batch: 300 });
    expect(policy).toBe('other');
    look(looksIn(5_000), { share: 0.4 });
    expect(policy).toBe('batch');
  });

  it('is left out where the kernel does not count times', () => {
    times = undefined;
    new BatchScheduling(ticker, silentLogger, actions);
    look(10, { share: 1 });
    expect(sets).toBe(0);
  });

  it('is given up, with a word, where the kernel forbids it', () => {
    const warnings: [string, LogFields | undefined][] = [];
    const log: Logger = { ...silentLogger, warn: (message, fields) => warnings.push([message, fields]) };
    const refused = () => {
      sets++;
      throw new Error('sched_setscheduler: EPERM');
    };
    new BatchScheduling(ticker, log, { ...actions, set: refused });
    look(10, { share: 1 });
    // And once to take back what may have been changed.
    expect(sets).toBe(2);
    expect(warnings).toEqual([[expect.stringContaining('it stays as it is'), { error: 'sched_setscheduler: EPERM' }]]);
  });

  it('does not keep the ticker awake', () => {
    new BatchScheduling(ticker, silentLogger, actions);
    for (let ticks = 0; ticks < 100 && !ticker.isAsleep; ticks++) ticker.tick((nowMs += lookMs));
    expect(ticker.isAsleep).toBe(true);
  });
});
