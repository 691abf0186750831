import { describe, expect, it } from '@jest/globals';
import { TurnFlusher } from './turn-flusher.ts';
import { TurnPauses } from './turn-pauses.ts';
import { looksIn, TunerStage } from './worker-tuner-stage.ts';

/** An application that writes its answers one by one to a worker that never sleeps: pauses make it four times cheaper. */
const dribbled = { share: 0.6, turnRate: 30, slicesPerTurn: 0.03, withIt: { share: 0.2, turnRate: 2, rate: 1_300 } };

describe('TurnPauses', () => {
  const stageOf = () => new TunerStage(new TurnPauses(new TurnFlusher()));

  it('are for many turns without sleep in which little is found', () => {
    using stage = stageOf();
    stage.look(1, dribbled);
    expect(stage.isOn).toBe(true);
    stage.look(looksIn(30_000), dribbled);
    expect(stage.isOn).toBe(true);
    expect(stage.sets).toBe(1);
  });

  it.each([
    ['has few turns', { share: 0.6, turnRate: 8, slicesPerTurn: 0.03 }],
    ['sleeps between them', { share: 0.4, turnRate: 14, slicesPerTurn: 1 }],
    ['is not busy', { share: 0.15, turnRate: 14, slicesPerTurn: 0.03 }],
  ])('are not tried with a worker that %s', (_what, other) => {
    using stage = stageOf();
    stage.look(10, other);
    expect(stage.sets).toBe(0);
  });

  it.each([
    ['nothing becomes cheaper', { rate: 1_000, share: 0.6 }],
    ['less gets done', { rate: 700, share: 0.2 }],
    ['the worker waits for its processor after each', { rate: 1_000, share: 0.2, waitMs: 2 }],
  ])('are given up where %s', (_what, withIt) => {
    using stage = stageOf();
    const load = { ...dribbled, withIt };
    stage.look(1, load);
    expect(stage.isOn).toBe(true);
    stage.look(1, load);
    expect(stage.isOn).toBe(false);
  });

  it('end soon after the load became one for which they are no good', () => {
    using stage = stageOf();
    stage.look(looksIn(10_000), dribbled);
    const connections = { share: 0.6, rate: 800, turnRate: 12, slicesPerTurn: 0.2, withIt: { rate: 400 } };
    stage.look(1, connections);
    expect(stage.isOn).toBe(false);
    stage.look(looksIn(1_000), connections);
    expect(stage.isOn).toBe(false);
  });

  it('stay while the worker needs little of a core, thanks to them, and end with the load', () => {
    using stage = stageOf();
    stage.look(2, dribbled);
    stage.look(20, { ...dribbled, withIt: { share: 0.04, rate: 300 } });
    expect(stage.isOn).toBe(true);
    stage.look(1, { share: 0.01, rate: 10, withIt: {} });
    expect(stage.isOn).toBe(false);
  });
});
