import { describe, expect, it } from '@jest/globals';
import type { LogFields, Logger } from '@tulle/core';
import { silentLogger } from '@tulle/core';
import type { Look, Tuning } from './worker-tuner.ts';
import { lookMs, WorkerTuner } from './worker-tuner.ts';
import { looksIn, TunerStage } from './worker-tuner-stage.ts';
import { Ticker } from './tick.ts';

/** Helps the busy, and harms who gets less done; what is on is doubted where it gets less done than it did without. */
function example(parts: Partial<Tuning> = {}): Tuning {
  return {
    name: 'example',
    trustMs: 5_000,
    recheckMs: 20_000,
    set: () => {},
    mayHelp: ({ share }) => share >= 0.5,
    isOver: ({ share }) => share < 0.1,
    isDoubtful: (look, { without }) => look.rate < 0.95 * without.rate,
    harms: ({ withIt, without }) => withIt.rate < 0.95 * without.rate,
    ...parts,
  };
}

const busy = { share: 0.6 };
const harmed = { share: 0.6, withIt: { rate: 900 } };

describe('WorkerTuner', () => {
  it('tries what may help, and keeps it until the load is over', () => {
    using stage = new TunerStage(example());
    stage.look(5, { share: 0.4 });
    expect(stage.isOn).toBe(false);
    stage.look(1, busy);
    expect(stage.isOn).toBe(true);
    expect(stage.tuner.states).toEqual({ example: true });
    stage.look(5, { share: 0.2 });
    expect(stage.isOn).toBe(true);
    stage.look(1, { share: 0.05 });
    expect(stage.isOn).toBe(false);
    expect(stage.tuner.states).toEqual({ example: false });
    stage.look(1, busy);
    expect(stage.isOn).toBe(true);
    expect(stage.sets).toBe(3);
  });

  it('gives up what harms after one look, and tries it later and later', () => {
    using stage = new TunerStage(example());
    stage.look(1, harmed);
    expect(stage.isOn).toBe(true);
    stage.look(1, harmed);
    expect(stage.isOn).toBe(false);
    for (const ms of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      stage.look(looksIn(ms) - 1, harmed);
      expect(stage.isOn).toBe(false);
      stage.look(1, harmed);
      expect(stage.isOn).toBe(true);
      stage.look(1, harmed);
      expect(stage.isOn).toBe(false);
    }
  });

  it('forgets failures when there was no load for a while', () => {
    using stage = new TunerStage(example());
    stage.look(looksIn(40_000), harmed);
    stage.look(looksIn(2_000), { share: 0.05 });
    stage.look(2, busy);
    expect(stage.isOn).toBe(false);
    stage.look(looksIn(5_000), { share: 0.05 });
    stage.look(1, busy);
    expect(stage.isOn).toBe(true);
  });

  it('takes the end of a load for no failure', () => {
    using stage = new TunerStage(example());
    stage.look(1, busy);
    stage.look(1, { share: 0.01, rate: 1 });
    expect(stage.isOn).toBe(false);
    stage.look(1, busy);
    expect(stage.isOn).toBe(true);
  });

  it('takes for a failure that a worker does little because it waits for a processor', () => {
    using stage = new TunerStage(example());
    stage.look(1, busy);
    stage.look(1, { share: 0.01, rate: 1, waitMs: 2 });
    stage.look(1, busy);
    expect(stage.isOn).toBe(false);
  });

  it('learns nothing from a probe in which the load ended', () => {
    using stage = new TunerStage(example());
    stage.look(2 + looksIn(20_000) - 1, busy);
    expect(stage.isOn).toBe(true);
    stage.look(1, busy);
    expect(stage.isOn).toBe(false);
    stage.look(1, { share: 0, rate: 0 });
    expect(stage.isOn).toBe(false);
    stage.look(1, busy);
    expect(stage.isOn).toBe(true);
  });

  it('looks without it once where it is doubtful, not before it was trusted for a while, and compares with that then', () => {
    using stage = new TunerStage(example());
    stage.look(2, busy);
    const less = { share: 0.6, rate: 500 };
    stage.look(looksIn(5_000) - 1, less);
    expect(stage.isOn).toBe(true);
    stage.look(1, less);
    expect(stage.isOn).toBe(false);
    stage.look(1, less);
    expect(stage.isOn).toBe(true);
    stage.look(looksIn(19_000), less);
    expect(stage.isOn).toBe(true);
    expect(stage.sets).toBe(3);
  });

  it('compares what nobody doubts later and later, and soon again after a doubt', () => {
    using stage = new TunerStage(example());
    stage.look(2, busy);
    for (const ms of [20_000, 40_000, 60_000, 60_000]) {
      stage.look(looksIn(ms) - 1, busy);
      expect(stage.isOn).toBe(true);
      stage.look(1, busy);
      expect(stage.isOn).toBe(false);
      stage.look(1, busy);
      expect(stage.isOn).toBe(true);
    }
    const less = { share: 0.6, rate: 500 };
    stage.look(looksIn(5_000) + 1 + looksIn(20_000) - 1, less);
    expect(stage.isOn).toBe(true);
    stage.look(1, less);
    expect(stage.isOn).toBe(false);
  });

  it('compares what it is told never to compare only where that is doubtful', () => {
    using stage = new TunerStage(example({ recheckMs: undefined }));
    stage.look(looksIn(500_000), busy);
    expect(stage.sets).toBe(1);
    stage.look(1, { share: 0.6, rate: 500 });
    expect(stage.sets).toBe(2);
  });

  it('ends where a look without it is better', () => {
    using stage = new TunerStage(example());
    stage.look(looksIn(6_000), busy);
    stage.look(1, harmed);
    expect(stage.isOn).toBe(false);
    stage.look(looksIn(2_000), harmed);
    expect(stage.isOn).toBe(false);
    stage.look(1, harmed);
    expect(stage.isOn).toBe(true);
  });

  it('begins with the first wait again after it went well for long', () => {
    using stage = new TunerStage(example());
    stage.look(2 + looksIn(2_000) + 1, harmed);
    expect(stage.isOn).toBe(false);
    stage.look(looksIn(4_000 + 68_000), busy);
    expect(stage.isOn).toBe(true);
    stage.look(looksIn(5_000) + 1, harmed);
    expect(stage.isOn).toBe(false);
    stage.look(looksIn(2_000), busy);
    expect(stage.isOn).toBe(true);
  });

  it('tries one thing at a time, against a look at nothing else, and lets none wait for another', () => {
    const ticker = new Ticker(100_000);
    const log: string[] = [];
    const tuning = (name: string, parts: Partial<Tuning>) =>
      example({ name, set: (on) => log.push(`${name} ${on}`), ...parts });
    let nowMs = Math.ceil(ticker.nowMs);
    let looks = 0;
    const counts = {
      times: () => ({ runMs: 1_000 + looks * lookMs, waitMs: 0, slices: looks }),
      work: () => looks,
      turns: () => looks,
      pauses: () => ({ count: 0, ms: 0 }),
    };
    const tunings = [
      tuning('restless', { isOver: () => true }),
      tuning('kept', { harms: () => false }),
      tuning('failing', { harms: () => true }),
    ];
    const tuner = new WorkerTuner({ ticker, log: silentLogger }, tunings, counts);
    const look = () => {
      looks += 1;
      ticker.tick((nowMs += lookMs));
      return log.splice(0);
    };
    expect(look()).toEqual(['restless true']);
    expect(look()).toEqual(['restless false']);
    expect(look()).toEqual(['kept true']);
    expect(look()).toEqual([]);
    expect(tuner.states).toEqual({ restless: false, kept: true, failing: false });
    expect(look()).toEqual(['failing true']);
    expect(look()).toEqual(['failing false']);
    expect(look()).toEqual(['restless true']);
    ticker.close();
  });

  it('says of each look what happened in it', () => {
    const looks: Look[] = [];
    using stage = new TunerStage(example({ mayHelp: (look) => looks.push(look) === 0 }));
    stage.look(2, { share: 0.25, waitMs: 0.5, rate: 800, turnRate: 4, slicesPerTurn: 0.5, pauseMs: 0.07 });
    const [, look] = looks;
    expect(look?.share).toBeCloseTo(0.25);
    expect(look?.waitMs).toBeCloseTo(0.5);
    expect(look?.rate).toBeCloseTo(800);
    expect(look?.yield).toBeCloseTo(3_200);
    expect(look?.turnRate).toBeCloseTo(4);
    expect(look?.slicesPerTurn).toBeCloseTo(0.5);
    expect(look?.pauseMs).toBeCloseTo(0.07);
  });

  it('is left out where the kernel does not count times', () => {
    using stage = new TunerStage(example(), { hasTimes: false });
    stage.look(10, { share: 1 });
    expect(stage.sets).toBe(0);
  });

  it('gives up, with a word, what cannot be set, and nothing else', () => {
    const warnings: [string, LogFields | undefined][] = [];
    const log: Logger = { ...silentLogger, warn: (message, fields) => warnings.push([message, fields]) };
    const refused = () => {
      throw new Error('sched_setscheduler: EPERM');
    };
    using stage = new TunerStage(example({ set: refused }), { log });
    stage.look(10, busy);
    // And once to take back what may have been changed.
    expect(stage.sets).toBe(2);
    expect(stage.tuner.states).toEqual({ example: false });
    expect(warnings).toEqual([
      ['example cannot be set: the worker stays as it is', { error: 'sched_setscheduler: EPERM' }],
    ]);
  });

  it('does not keep the ticker awake', () => {
    using stage = new TunerStage(example());
    for (let ticks = 0; ticks < 100 && !stage.ticker.isAsleep; ticks++) stage.look(1, { share: 0 });
    expect(stage.ticker.isAsleep).toBe(true);
  });
});
