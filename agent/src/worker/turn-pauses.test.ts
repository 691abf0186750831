import { describe, expect, it } from '@jest/globals';
import { TurnFlusher } from './turn-flusher.ts';
import { TurnPauses } from './turn-pauses.ts';
import { looksIn, TunerStage } from './worker-tuner-stage.ts';

const paused = { share: 0.2, turnRate: 2, rate: 1_300, pauseMs: 0.07 };
/** An application that writes its answers one by one to a worker that never sleeps: pauses make it four times cheaper. */
const dribbled = { share: 0.6, turnRate: 30, slicesPerTurn: 0.03, withIt: paused };

describe('TurnPauses', () => {
  const stageOf = () => new TunerStage(new TurnPauses(new TurnFlusher()));

  it('are for many turns without sleep in which little is found, until the load is over', () => {
    const flusher = new TurnFlusher();
    using stage = new TunerStage(new TurnPauses(flusher));
    stage.look(1, dribbled);
    expect(flusher.isPausing).toBe(true);
    stage.look(4, dribbled);
    expect(flusher.isPausing).toBe(true);
    stage.look(2, { share: 0, rate: 0 });
    expect(flusher.isPausing).toBe(false);
    // The end of a load is no failure: the next one does not wait.
    stage.look(1, dribbled);
    expect(flusher.isPausing).toBe(true);
  });

  it('are compared later and later', () => {
    using stage = stageOf();
    stage.look(looksIn(200_000), dribbled);
    // After some 3, 6, 12, 24, 48 and 60 seconds.
    expect(stage.sets).toBe(1 + 6 * 2);
    expect(stage.isOn).toBe(true);
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
    ['nothing gets done either way', { rate: 0 }],
    ['less gets done', { rate: 800 }],
    ['the worker waits for its processor after each, and no more gets done', { rate: 1_000, pauseMs: 0.7 }],
    ['a pause is long', { pauseMs: 2 }],
  ])('are given up where %s', (_what, withIt) => {
    using stage = stageOf();
    const load = {
      ...dribbled,
      ...('rate' in withIt && withIt.rate === 0 ? withIt : {}),
      withIt: { ...paused, ...withIt },
    };
    stage.look(1, load);
    expect(stage.isOn).toBe(true);
    stage.look(1, load);
    expect(stage.isOn).toBe(false);
  });

  it('may take long where more gets done thanks to them', () => {
    using stage = stageOf();
    stage.look(5, { ...dribbled, withIt: { ...paused, pauseMs: 0.7 } });
    expect(stage.isOn).toBe(true);
  });

  it.each([
    ['gets less for its time', { share: 0.6, rate: 800, turnRate: 12, slicesPerTurn: 0.2, withIt: { rate: 400 } }],
    [
      'gets more for its time',
      { share: 0.6, rate: 9_000, turnRate: 12, slicesPerTurn: 0.2, withIt: { share: 0.5, rate: 7_500 } },
    ],
  ])('end soon after the load became another one, for which they are no good, and that %s', (_what, other) => {
    using stage = stageOf();
    // Trusted for a minute by now.
    stage.look(looksIn(150_000), dribbled);
    const { sets } = stage;
    stage.look(1, other);
    expect(stage.sets).toBe(sets + 1);
    stage.look(looksIn(1_000), other);
    expect(stage.isOn).toBe(false);
    expect(stage.sets).toBe(sets + 1);
  });

  it('stay while the worker needs little of a core, thanks to them', () => {
    using stage = stageOf();
    stage.look(2, dribbled);
    const less = { rate: 300, share: 0.15, turnRate: 8, slicesPerTurn: 0.4 };
    stage.look(20, { ...less, withIt: { ...paused, ...less, share: 0.04 } });
    expect(stage.isOn).toBe(true);
  });
});
