import { describe, expect, it } from '@jest/globals';
import { RetryBudgetMeter } from './retry-budget.ts';
import { compileRetryPolicy, isIdempotentMethod, wantsRetry } from './retry-policy.ts';
import type { Attempt } from './retry-policy.ts';
import { requestHead } from './testing/head.ts';

const policy = compileRetryPolicy({ codes: [500, 503], connectionErrors: true, attempts: 2, backoffMs: 20 });
const attempt = (parts: Partial<Attempt>): Attempt => ({
  outcome: 'response',
  status: 0,
  retries: 0,
  responseStarted: false,
  bodyReplayable: true,
  idempotent: true,
  ...parts,
});

const decisions: [string, Partial<Attempt>, boolean, boolean][] = [
  // what, attempt, with the policy, without one
  ['a status that is named', { status: 503 }, true, false],
  ['a status that is not named', { status: 502 }, false, false],
  ['a failed connection', { outcome: 'connect-failed' }, true, true],
  ['a request that was not processed', { outcome: 'unprocessed' }, true, true],
  ['a broken connection, idempotent', { outcome: 'reset' }, true, false],
  ['a broken connection, not idempotent', { outcome: 'reset', idempotent: false }, false, false],
  ['a failed connection, not idempotent', { outcome: 'connect-failed', idempotent: false }, true, true],
  ['a timeout of the attempt', { outcome: 'timeout', idempotent: false }, true, false],
  ['the second time', { outcome: 'connect-failed', retries: 1 }, true, false],
  ['as often as allowed', { outcome: 'connect-failed', retries: 2 }, false, false],
  ['a response that has begun', { outcome: 'connect-failed', responseStarted: true }, false, false],
  ['a body that is gone', { outcome: 'connect-failed', bodyReplayable: false }, false, false],
];

describe('wantsRetry', () => {
  for (const [what, parts, withPolicy, without] of decisions) {
    it(`after ${what}`, () => {
      expect([wantsRetry(policy, attempt(parts)), wantsRetry(undefined, attempt(parts))]).toEqual([
        withPolicy,
        without,
      ]);
    });
  }

  it('never with zero attempts', () => {
    const none = compileRetryPolicy({ codes: [500], connectionErrors: true, attempts: 0, backoffMs: 20 });
    expect(wantsRetry(none, attempt({ outcome: 'connect-failed' }))).toBe(false);
  });

  it('not after connection errors where the policy leaves them out', () => {
    const codesOnly = compileRetryPolicy({ codes: [500], connectionErrors: false, attempts: 1, backoffMs: 20 });
    expect(wantsRetry(codesOnly, attempt({ outcome: 'connect-failed' }))).toBe(false);
  });

  it('waits longer each time, up to ten times the base', () => {
    expect([0, 1, 2, 9].map((retries) => policy.delayMs(retries, () => 0))).toEqual([20, 40, 80, 200]);
  });
});

describe('isIdempotentMethod', () => {
  it('knows the methods of RFC 9110', () => {
    const of = (method: string) => isIdempotentMethod(requestHead('/', { method }));
    expect(['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'].every(of)).toBe(true);
    expect(['POST', 'PATCH', 'get', 'CONNECT'].some(of)).toBe(false);
  });
});

describe('RetryBudgetMeter', () => {
  const granted = (meter: RetryBudgetMeter, nowMs: number, asked: number) => {
    let count = 0;
    for (let i = 0; i < asked; i++) if (meter.tryRetry(nowMs)) count++;
    return count;
  };

  it('grants its floor without any requests', () => {
    expect(granted(new RetryBudgetMeter(), 0, 1000)).toBe(100);
  });

  it('grants a share of the requests on top', () => {
    const meter = new RetryBudgetMeter();
    for (let i = 0; i < 1000; i++) meter.countRequest(i);
    expect(granted(meter, 1000, 1000)).toBe(300);
  });

  it('forgets what is older than its window', () => {
    const meter = new RetryBudgetMeter({ percent: 20, intervalMs: 10_000, minPerSecond: 0 });
    for (let i = 0; i < 100; i++) meter.countRequest(500);
    expect(granted(meter, 9_900, 100)).toBe(20);
    expect(granted(meter, 10_100, 100)).toBe(0);
    meter.countRequest(1_000_000);
    for (let i = 0; i < 9; i++) meter.countRequest(1_000_001);
    expect(granted(meter, 1_000_002, 100)).toBe(2);
  });
});
