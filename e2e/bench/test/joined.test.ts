import { describe, expect, it } from '@jest/globals';
import type { BenchReport, Row } from '../model.ts';
import { joined } from '../report/joined.ts';

function row(id: string, peer: Row['peer'], run: number, cpu: number): Row {
  return {
    case: id,
    peer,
    run,
    cpuMicrosPerRequest: { first: cpu, second: 0, machine: null },
    requestsPerSecond: null,
    p50Ms: null,
    p99Ms: null,
    p999Ms: null,
    rssMiB: null,
    gigabits: null,
    errors: 0,
  };
}

function report(rows: readonly Row[], bounds: BenchReport['bounds'], foreignCpuShare: number): BenchReport {
  const machine = {
    cpu: 'a',
    cores: 2,
    memoryMiB: 1,
    kernel: 'k',
    versions: {},
    startedAt: 'now',
    rounds: 5,
    seconds: 3,
    foreignCpuShare,
  };
  return { machine, rows, bounds };
}

const rounds = [1, 2, 3, 4, 5];
const c32 = rounds.flatMap((run) => [row('http1-c32', 'tulle', run, 30), row('http1-c32', 'envoy', run, 100)]);

describe('joined', () => {
  it('judges rows anew, keeps verdicts that rows do not hold, and says the most that others disturbed', () => {
    const idle = { case: 'idle-200-pods', bound: 'agent CPU', value: 0.5, holds: true };
    const { report: whole, judged } = joined([report(c32, [], 0.1), report([], [idle], 0.3)]);
    expect(whole.machine.foreignCpuShare).toBe(0.3);
    expect(whole.rows).toHaveLength(10);
    expect(whole.bounds).toMatchObject([{ case: 'http1-c32', value: 0.3, holds: true }, idle]);
    expect(judged.map((bound) => bound.estimate.median)).toEqual([0.3, 0.5]);
  });

  it('joins no two runs of one case', () => {
    expect(() => joined([report(c32, [], 0), report(c32, [], 0)])).toThrow('two reports have the case http1-c32');
  });
});
