import { beforeEach, describe, expect, it } from '@jest/globals';
import { BatchScheduling } from './batch-scheduling.ts';
import { looksIn, TunerStage } from './worker-tuner-stage.ts';

describe('BatchScheduling', () => {
  let policies: ('other' | 'batch')[];
  beforeEach(() => {
    policies = [];
  });
  const stageOf = () => new TunerStage(new BatchScheduling((policy) => policies.push(policy)));

  it('is for workers that are busy, until they are not', () => {
    using stage = stageOf();
    stage.look(5, { share: 0.2 });
    expect(policies).toEqual([]);
    stage.look(1, { share: 0.3 });
    expect(policies).toEqual(['batch']);
    stage.look(5, { share: 0.15 });
    expect(policies).toEqual(['batch']);
    stage.look(1, { share: 0.05 });
    expect(policies).toEqual(['batch', 'other']);
  });

  it('fails where other programs take the processors', () => {
    using stage = stageOf();
    const starved = { share: 0.4, withIt: { rate: 300 } };
    stage.look(1, starved);
    expect(stage.isOn).toBe(true);
    stage.look(1, starved);
    expect(stage.isOn).toBe(false);
  });

  it.each([
    ['has little of a core', { share: 0.15 }],
    ['waits long', { share: 0.3, waitMs: 0.7 }],
  ])('is doubtful where a worker %s, every five seconds while that changes nothing', (_what, doubtful) => {
    using stage = stageOf();
    stage.look(2, { share: 0.5 });
    for (let comparisons = 0; comparisons < 3; comparisons++) {
      stage.look(looksIn(5_000) - 1, doubtful);
      expect(stage.isOn).toBe(true);
      stage.look(1, doubtful);
      expect(stage.isOn).toBe(false);
      stage.look(1, doubtful);
      expect(stage.isOn).toBe(true);
    }
  });

  it('ends where a look without it gets more done', () => {
    using stage = stageOf();
    stage.look(looksIn(6_000), { share: 0.5 });
    const starved = { share: 0.1, withIt: { rate: 300 } };
    stage.look(2, starved);
    expect(stage.isOn).toBe(false);
    stage.look(1, { share: 0.5 });
    expect(stage.isOn).toBe(false);
  });

  it('fails where a worker waits long for its processor, though no less gets done than its clients send', () => {
    using stage = stageOf();
    const beside = { share: 0.3, waitMs: 0.05, withIt: { waitMs: 3 } };
    stage.look(2, beside);
    expect(stage.isOn).toBe(false);
    // The others may come later, too.
    stage.look(looksIn(10_000), { share: 0.3 });
    expect(stage.isOn).toBe(true);
    stage.look(looksIn(5_000) + 1, beside);
    expect(stage.isOn).toBe(false);
  });
});
