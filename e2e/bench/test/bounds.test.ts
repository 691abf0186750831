import { describe, expect, it } from '@jest/globals';
import { judge } from '../bounds.ts';
import type { PeerName, Row } from '../model.ts';

function row(
  id: string,
  peer: PeerName,
  run: number,
  more: { cpu?: number; p99Ms?: number; gigabits?: number; errors?: number },
): Row {
  return {
    case: id,
    peer,
    run,
    cpuMicrosPerRequest: { first: more.cpu ?? null, second: more.cpu === undefined ? null : 0, machine: null },
    requestsPerSecond: null,
    p50Ms: null,
    p99Ms: more.p99Ms ?? null,
    p999Ms: null,
    rssMiB: null,
    gigabits: more.gigabits ?? null,
    errors: more.errors ?? 0,
  };
}

/** Rows of a case for rounds in which our CPU and a peer's are as given. */
function rounds(id: string, peer: PeerName, pairs: readonly (readonly [number, number])[], errors = 0): Row[] {
  return pairs.flatMap(([ours, theirs], index) => [
    row(id, 'tulle', index + 1, { cpu: ours, errors }),
    row(id, peer, index + 1, { cpu: theirs }),
  ]);
}

function holds(rows: readonly Row[], words: string): boolean | null | undefined {
  return judge(rows).find((each) => each.bound.includes(words))?.holds;
}

const five = <T>(value: T): T[] => Array.from({ length: 5 }, () => value);

describe('judge', () => {
  it('compares round by round, so that what slows both down does not count', () => {
    const pairs = [1, 2, 4, 8, 16].map((slow) => [30 * slow, 100 * slow] as const);
    const [bound] = judge(rounds('http1-c32', 'envoy', pairs));
    expect(bound).toMatchObject({ value: 0.3, holds: true });
  });

  it('says no where every round says no', () => {
    expect(holds(rounds('http1-c32', 'envoy', five([50, 100] as const)), 'envoy')).toBe(false);
  });

  it('cannot tell where the rounds disagree, or are too few', () => {
    const disagree = [
      [30, 100],
      [30, 100],
      [30, 100],
      [30, 100],
      [40, 100],
    ] as const;
    expect(holds(rounds('http1-c32', 'envoy', disagree), 'envoy')).toBeNull();
    expect(
      holds(
        rounds('http1-c32', 'envoy', [
          [10, 100],
          [10, 100],
        ]),
        'envoy',
      ),
    ).toBeNull();
  });

  it('does not pass with errors', () => {
    expect(holds(rounds('http1-c32', 'envoy', five([10, 100] as const), 1), 'envoy')).toBe(false);
  });

  it('wants at least a share of the bandwidth', () => {
    const bulk = (ours: number) =>
      [1, 2, 3, 4, 5].flatMap((run) => [
        row('tcp-1-stream', 'tulle', run, { gigabits: ours }),
        row('tcp-1-stream', 'haproxy', run, { gigabits: 10 }),
      ]);
    expect(holds(bulk(8.5), 'gigabits')).toBe(true);
    expect(holds(bulk(7.5), 'gigabits')).toBe(false);
  });

  it('compares the ratio at 256 connections with that at 32', () => {
    const rows = [
      ...rounds('http1-c32', 'envoy', five([30, 100] as const)),
      ...rounds('http1-c256', 'envoy', five([60, 100] as const)),
    ];
    expect(judge(rows).find((each) => each.case === 'http1-c256')).toMatchObject({ value: 2, holds: false });
  });

  it('leaves out what was not measured', () => {
    expect(judge(rounds('http1-c32', 'haproxy', five([1, 2] as const))).map((each) => each.case)).toEqual([
      'http1-c32',
    ]);
  });
});
