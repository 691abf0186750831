import { afterAll, expect, it } from '@jest/globals';
import { AccessLog } from './access-log.ts';
import type { AccessEntry } from './access-log.ts';
import { Counters } from './measures.ts';
import { Ticker } from './tick.ts';

const ticker = new Ticker(1_000_000);
afterAll(() => ticker.close());

const entry: AccessEntry = {
  time: 1,
  access: 'request',
  source: 'shop/web',
  sourceWorkload: 'web',
  destination: 'shop/cart:80',
  protocol: 'http/1.1',
  durationMs: 1,
};

it.each([
  ['nothing', { errors: false, percent: 0 }, 0, 0],
  ['errors', { errors: true, percent: 0 }, 1_000, 0],
  ['a share', { errors: true, percent: 1 }, 1_000, 10],
  ['everything', { errors: true, percent: 100 }, 1_000, 1_000],
])('takes %s', (_what, settings, failures, others) => {
  const log = new AccessLog(settings, { ticker, counters: new Counters(), write: () => {} });
  const taken = (failed: boolean) => Array.from({ length: 1_000 }, () => log.wants(failed)).filter(Boolean).length;
  expect(taken(true)).toBe(failures);
  expect(Math.abs(taken(false) - others)).toBeLessThanOrEqual(2);
});

it('writes what was gathered together, drops what is too much, and says so', () => {
  const counters = new Counters();
  const written: number[] = [];
  const log = new AccessLog(
    { errors: true, percent: 100 },
    { ticker, counters, write: (some) => written.push(some.length) },
  );
  for (let i = 0; i < 6_000; i++) log.add(entry);
  expect(written).toEqual([]);
  log.onDeadline();
  log.onDeadline();
  log.add(entry);
  log.onDeadline();
  expect(written).toEqual([5_000, 1]);
  expect(counters.snapshot()).toEqual({ access_log_dropped: 1_000 });
});
