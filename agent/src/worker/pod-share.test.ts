import { afterEach, describe, expect, it } from '@jest/globals';
import { defaultLimits } from './limits.ts';
import type { WorkerLimits } from './limits.ts';
import { Counters } from './measures.ts';
import { WorkerLoad } from './pod-share.ts';
import type { PodShare } from './pod-share.ts';
import { Ticker } from './tick.ts';

const ticker = new Ticker(1_000_000);
const mib = 1024 * 1024;

afterEach(() => ticker.close());

function load(limits: Partial<WorkerLimits>, usedMib: () => number = () => 0) {
  const counters = new Counters();
  const made = new WorkerLoad({ ...defaultLimits, ...limits }, { ticker, counters, usedBytes: () => usedMib() * mib });
  return { load: made, counters };
}

function begin(share: PodShare, count: number): number {
  let begun = 0;
  for (let i = 0; i < count; i++) if (share.beginRequest()) begun += 1;
  return begun;
}

describe('the share of a pod', () => {
  it('has a bound of its own for requests and connections, and gets back what has ended', () => {
    const { load: worker, counters } = load({ requestsPerPod: 3, connectionsPerPod: 2 });
    const [one, other] = [worker.share(), worker.share()];
    expect(begin(one, 5)).toBe(3);
    expect(begin(other, 5)).toBe(3);
    one.endRequest();
    expect(begin(one, 5)).toBe(1);
    expect([one.openConnection(), one.openConnection(), one.openConnection()]).toEqual([true, true, false]);
    one.closeConnection();
    expect(one.openConnection()).toBe(true);
    expect(counters.snapshot()).toEqual({ overload_requests: 8, overload_connections: 1 });
  });

  it('is an equal part once three quarters of the worker are in use, and nothing at its end', () => {
    const { load: worker } = load({ requestsPerWorker: 100 });
    const [greedy, modest] = [worker.share(), worker.share()];
    for (const share of [greedy, modest]) share.openConnection();
    expect(begin(greedy, 200)).toBe(75);
    expect(begin(modest, 200)).toBe(25);
    expect(begin(greedy, 1)).toBe(0);
    expect(worker.requests).toBe(100);
  });

  it('is an equal part while memory is short, and nothing while it is nearly used up', () => {
    let used = 10;
    const { load: worker } = load({ memoryMib: 100 }, () => used);
    const [greedy, modest] = [worker.share(), worker.share()];
    for (const share of [greedy, modest]) share.openConnection();
    expect(begin(greedy, 10)).toBe(10);
    used = 80;
    worker.onDeadline();
    expect(begin(greedy, 10)).toBe(0);
    expect(begin(modest, 20)).toBe(10);
    used = 95;
    worker.onDeadline();
    expect([begin(modest, 1), begin(worker.share(), 1)]).toEqual([0, 0]);
    used = 10;
    worker.onDeadline();
    expect(begin(greedy, 10)).toBe(10);
  });

  it('lets a pod that has nothing yet begin while the worker is only busy', () => {
    const { load: worker } = load({ requestsPerWorker: 100 });
    const greedy = worker.share();
    greedy.openConnection();
    begin(greedy, 75);
    expect(begin(worker.share(), 1)).toBe(1);
  });

  it('breaks the slowest readers until what waits for them is within its bound', () => {
    const { load: worker, counters } = load({ bufferedMibPerPod: 4 });
    const [slow, fast] = [worker.share(), worker.share()];
    const shed: number[] = [];
    for (const size of [1, 3, 2, 1]) {
      slow.setSlow({ bufferedBytes: size * mib, shed: () => shed.push(size) }, true);
      fast.setSlow({ bufferedBytes: (size * mib) / 2, shed: () => shed.push(-size) }, true);
    }
    worker.onDeadline();
    expect(shed).toEqual([3]);
    expect(slow.bufferedBytes).toBe(4 * mib);
    expect(counters.snapshot()).toEqual({ overload_slow_readers: 1 });
    worker.onDeadline();
    expect(shed).toEqual([3]);
  });
});
