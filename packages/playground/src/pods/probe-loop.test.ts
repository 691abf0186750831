import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '@tulle/testkit';
import { ProbeLoop } from './probe-loop.ts';
import type { ProbeTiming } from './probe-loop.ts';

const timing: ProbeTiming = { initialDelayMs: 0, periodMs: 1000, successThreshold: 1, failureThreshold: 3 };

/** Runs a loop whose findings are given, one a step; gives the verdicts, and when the probes were. */
async function run(
  findings: readonly (string | undefined)[],
  options: Partial<ProbeTiming> & { beginsWell?: boolean } = {},
) {
  const clock = new FakeClock();
  const verdicts: [boolean, string | undefined][] = [];
  const times: number[] = [];
  let step = 0;
  using _loop = new ProbeLoop({
    probe: () => {
      times.push(clock.monotonicMs());
      return Promise.resolve(findings[step++]);
    },
    timing: { ...timing, ...options },
    clock,
    beginsWell: options.beginsWell ?? false,
    onVerdict: (well, finding) => verdicts.push([well, finding]),
  });
  for (let i = 0; i < findings.length; i++) {
    clock.advance(clock.nextInMs ?? 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { verdicts, times };
}

describe('ProbeLoop', () => {
  it('becomes ready with the first success, and unready only after enough failures in a row', async () => {
    const { verdicts } = await run([undefined, 'x', 'x', undefined, 'x', 'x', 'x', undefined]);
    expect(verdicts).toEqual([
      [true, undefined],
      [false, 'x'],
      [true, undefined],
    ]);
  });

  it('needs as many successes in a row as it was told', async () => {
    const { verdicts } = await run([undefined, 'x', undefined, undefined], { successThreshold: 2 });
    expect(verdicts).toEqual([
      [false, 'x'],
      [true, undefined],
    ]);
  });

  it('asks often until the first success, then in its period', async () => {
    const { times } = await run(['x', 'x', undefined, undefined, undefined]);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps[0]).toBeLessThan(100);
    expect(gaps[1]).toBeLessThan(150);
    expect(gaps.slice(2)).toEqual([1000, 1000]);
  });

  it('lets a liveness begin as well, in its period', async () => {
    const { verdicts, times } = await run(['x', 'x', 'x'], { beginsWell: true, initialDelayMs: 500 });
    expect(verdicts).toEqual([[false, 'x']]);
    expect(times).toEqual([500, 1500, 2500]);
  });
});
