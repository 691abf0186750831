import { describe, expect, it } from '@jest/globals';
import type { WorkerMeasures } from '../ipc.ts';
import { RequestRateMeter } from './request-rate.ts';

/** What a worker has counted: requests that went well, and others by status class, reason and gRPC status. */
function worker(pid: number, well: number, ...others: readonly (readonly [string, string, string, number])[]) {
  const series = ([status, reason, grpc, count]: readonly [string, string, string, number]) => ({
    labels: ['web', 'shop', 'cart', 'shop', '', 'http/1.1', status, reason, grpc],
    count,
    durationSecondsSum: 0,
    buckets: [],
  });
  const measures: WorkerMeasures = {
    pid,
    requests: [['2xx', '', '', well] as const, ...others].map(series),
    connections: [],
    counters: {},
    eventLoopDelayP99Ms: 0,
    rssBytes: 0,
    tunings: {},
    tunnels: [],
    denials: [],
  };
  return measures;
}

describe('RequestRateMeter', () => {
  it('knows nothing from one sample, or from two that are too near', () => {
    const meter = new RequestRateMeter();
    expect(meter.note([worker(1, 500)], 0)).toBeUndefined();
    expect(meter.note([worker(1, 600)], 20)).toBeUndefined();
    expect(meter.note([worker(1, 700)], 1_999)).toBeUndefined();
    expect(meter.note([worker(1, 700)], 2_000)).toEqual({ perSecond: 100, failedPerSecond: 0 });
  });

  it('is of the last ten seconds or a little more, however often it is asked', () => {
    const meter = new RequestRateMeter();
    for (let ms = 0; ms <= 60_000; ms += 20) meter.note([worker(1, ms)], ms);
    // A thousand a second up to here, and none from here on.
    const rates = [65_000, 69_000, 70_000, 71_000].map((ms) => meter.note([worker(1, 60_000)], ms)?.perSecond ?? -1);
    expect(rates[0]).toBeCloseTo(500, 0);
    expect(rates[1]).toBeCloseTo(100, 0);
    expect(rates.slice(2)).toEqual([0, 0]);
  });

  it('tells failures by somebody else’s fault than the client’s', () => {
    const meter = new RequestRateMeter();
    meter.note([worker(1, 0)], 0);
    const others = [
      ['5xx', '', '', 10],
      ['4xx', '', '', 20],
      ['none', 'client-closed', '', 30],
      ['2xx', 'upstream-reset', '', 40],
      ['2xx', '', '0', 50],
      ['2xx', '', '14', 60],
    ] as const;
    expect(meter.note([worker(1, 90, ...others)], 10_000)).toEqual({ perSecond: 30, failedPerSecond: 11 });
  });

  it('adds up workers, also one that does not answer now and then, and one that is replaced', () => {
    const meter = new RequestRateMeter();
    meter.note([worker(1, 1_000), worker(2, 1_000)], 0);
    // Half of it is seen, and nothing is lost or counted twice when the other one is heard again.
    expect(meter.note([worker(1, 1_100)], 5_000)?.perSecond).toBe(20);
    expect(meter.note([worker(1, 1_200), worker(2, 1_200)], 10_000)?.perSecond).toBe(40);
    expect(meter.note([worker(1, 1_200), worker(3, 50)], 15_000)?.perSecond).toBe(35);
    // The process id of a worker is used again.
    expect(meter.note([worker(1, 100), worker(3, 50)], 20_000)?.perSecond).toBe(15);
  });

  it('knows nothing where nobody answers, or nobody asked for long', () => {
    const meter = new RequestRateMeter();
    meter.note([worker(1, 0)], 0);
    expect(meter.note([], 5_000)).toBeUndefined();
    expect(meter.note([worker(1, 600)], 60_000)).toBeUndefined();
    expect(meter.note([worker(1, 700)], 65_000)).toEqual({ perSecond: 20, failedPerSecond: 0 });
  });
});
