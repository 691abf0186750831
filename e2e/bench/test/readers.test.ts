import { describe, expect, it } from '@jest/globals';
import { parseH2load } from '../load/h2load.ts';
import { parseIperf } from '../load/iperf.ts';
import { parseWrk } from '../load/wrk.ts';
import { groupSamples, parsePerfScript } from '../perf.ts';
import { parseBusyMicros, parseProcessStat } from '../processes.ts';
import { selfTimes } from '../profile.ts';
import { rowOf } from '../rows.ts';
import { benchCases } from '../cases.ts';

describe('parseH2load', () => {
  const report = (line: string) =>
    `finished in 1.00s, 2000.00 req/s, 334.11KB/s\nrequests: ${line}\nstatus codes: 1990 2xx, 0 3xx, 0 4xx, 5 5xx\n`;

  it('counts what was answered well, and what was not', () => {
    const counts = '2001 total, 2002 started, 2000 done, 1995 succeeded, 5 failed, 1 errored, 0 timeout';
    expect(parseH2load(report(counts), 2)).toMatchObject({ requests: 1990, seconds: 2, errors: 10 });
  });

  it('refuses output without a result', () => {
    expect(() => parseH2load('could not connect', 2)).toThrow('h2load printed no result');
  });
});

describe('parseProcessStat', () => {
  it('reads past a name with spaces and parentheses', () => {
    const text = '42 (a (b) c) S 7 1 1 0 -1 4194304 10 20 30 40 150 25 3 4 20 0 1 0 12345 1 1';
    expect(parseProcessStat(text)).toEqual({
      pid: 42,
      parent: 7,
      name: 'a (b) c',
      cpu: { user: 1_500_000, system: 250_000 },
      reapedMicros: 70_000,
    });
  });
});

describe('parseBusyMicros', () => {
  it('counts user, nice, system, irq and softirq, not idle, iowait, steal and guests', () => {
    const text = 'cpu  1 2 4 1000 1000 8 16 1000 1000 1000\ncpu0 9 9 9 9 9 9 9 9 9 9\n';
    expect(parseBusyMicros(text)).toBe(31 * 10_000);
  });
});

describe('parseWrk', () => {
  const counts = {
    requests: 1000,
    micros: 2_000_000,
    bytes: 250_000,
    connect: 1,
    read: 2,
    write: 3,
    status: 4,
    timeout: 5,
    p50: 500,
    p99: 9000,
    p999: 12_500,
  };

  it('reads the line of the report among the others', () => {
    expect(parseWrk(`Running 2s test\n  1 threads\n\nRESULT ${JSON.stringify(counts)}\n`)).toEqual({
      requests: 1000,
      seconds: 2,
      p50Ms: 0.5,
      p99Ms: 9,
      p999Ms: 12.5,
      gigabits: 0.001,
      errors: 15,
    });
  });

  it('refuses an output without it', () => {
    expect(() => parseWrk('unable to connect')).toThrow('no result');
  });
});

describe('parseIperf', () => {
  it("gives the receiver's bandwidth", () => {
    const document = { end: { sum_received: { bits_per_second: 2.5e9, seconds: 2 } } };
    expect(parseIperf(JSON.stringify(document))).toMatchObject({ gigabits: 2.5, seconds: 2, requests: null });
  });

  it('refuses an error', () => {
    expect(() => parseIperf('{"error":"unable to connect"}')).toThrow('unable to connect');
  });
});

describe('parsePerfScript', () => {
  const script = `
    ffffffff8203479a tcp_v4_rcv ([kernel.kallsyms])
        7f32102d7298 JS:*'decide file:///srv/tulle/agent/src/worker/http/route-choice.ts:27:9 (/tmp/perf-17989.map)
              cdb071 v8::internal::MarkCompactCollector::Run(int, char) (/opt/bin/node)
    ffffffff8203479a tcp_v4_rcv ([kernel.kallsyms])
`;

  it('tells the kinds of code apart', () => {
    const { counts } = parsePerfScript(script);
    expect([...counts.values()].map(({ kind, count }) => [kind, count])).toEqual([
      ['kernel', 2],
      ['our JavaScript', 1],
      ['V8 garbage collector', 1],
    ]);
  });

  it('shares the time of a request out', () => {
    expect(groupSamples(parsePerfScript(script).counts, 20, 5)).toBe(
      [
        '  50.0 %   10.00 µs  kernel',
        '  25.0 %    5.00 µs  our JavaScript',
        '  25.0 %    5.00 µs  V8 garbage collector',
        '  functions outside the kernel:',
        "  25.0 %    5.00 µs  our JavaScript: JS:*'decide agent/src/worker/http/route-choice.ts:27:9",
        '  25.0 %    5.00 µs  V8 garbage collector: MarkCompactCollector::Run(int, char)',
      ].join('\n'),
    );
  });
});

describe('selfTimes', () => {
  it('adds up by function and leaves waiting out', () => {
    const node = (id: number, functionName: string) => ({
      id,
      callFrame: { functionName, url: 'file:///a/b/c/d.ts', lineNumber: 6 },
    });
    const idle = { id: 3, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } };
    const profile = {
      nodes: [node(1, 'parse'), node(2, 'write'), idle],
      samples: [1, 2, 3, 1],
      timeDeltas: [10, 20, 500, 30],
    };
    expect(selfTimes(profile)).toEqual([
      { label: 'parse  b/c/d.ts:7', micros: 40 },
      { label: 'write  b/c/d.ts:7', micros: 20 },
    ]);
  });
});

describe('rowOf', () => {
  const bench = benchCases[0];
  if (bench === undefined) throw new Error('there are no cases');
  const load = { requests: 1000, seconds: 2, p50Ms: 1, p99Ms: 2, p999Ms: 3, gigabits: 0.1, errors: 0 };
  const direct = { load, first: undefined, second: undefined, machineMicros: 20_000, rssMiB: null, foreignCpuShare: 0 };
  const measured = {
    ...direct,
    first: { user: 9000, system: 3000 },
    second: { user: 5000, system: 5000 },
    machineMicros: 50_000,
    rssMiB: 80,
  };

  it('gives CPU time a request, the machine less direct', () => {
    expect(rowOf({ bench, peer: 'tulle', run: 2 }, measured, direct)).toMatchObject({
      run: 2,
      cpuMicrosPerRequest: { first: 12, second: 10, machine: 30 },
      requestsPerSecond: 500,
    });
  });

  it('leaves the whole machine in the row of direct, and nothing where there is no direct', () => {
    expect(rowOf({ bench, peer: 'direct', run: 1 }, direct, direct).cpuMicrosPerRequest).toEqual({
      first: null,
      second: null,
      machine: 20,
    });
    expect(rowOf({ bench, peer: 'tulle', run: 1 }, measured, undefined).cpuMicrosPerRequest.machine).toBeNull();
  });
});
