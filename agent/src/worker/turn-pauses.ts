import type { TurnFlusher } from './turn-flusher.ts';
import type { Look, Tuning } from './worker-tuner.ts';
import { makesWait } from './worker-tuner.ts';

/** From this share of a core on a worker is busy. With pauses it needs less for the same, so that it is over far below. */
const busyShare = 0.2;
const overShare = 0.03;
/** A worker whose turns are so many a millisecond, and that hardly sleeps between them, finds little in each. */
const manyTurnsRate = 10;
const fewSlicesPerTurn = 0.3;
/** With pauses a worker must get so much more done for its time, and may get so much less done in all. */
const worthwhileYield = 1.1;
const tolerableRate = 0.8;

/**
 * Makes a busy worker pause for some ten microseconds between turns of its event loop that are short
 * ({@link TurnFlusher.pauses}). Where applications write answers one by one, a worker that is awake takes each by
 * itself, and sends it in a record and packet of its own; after a pause it takes what has come meanwhile together.
 *
 * Where clients wait for each answer before they send more, that makes them slower and nothing cheaper: so pauses are
 * kept only where the worker needs less time for its work, and gets as much done.
 */
export class TurnPauses implements Tuning {
  readonly name = 'turn-pauses';
  readonly trustMs = 1_000;
  readonly #flusher: TurnFlusher;

  constructor(flusher: TurnFlusher) {
    this.#flusher = flusher;
  }

  set(on: boolean): void {
    this.#flusher.pauses = on;
  }

  mayHelp({ share, turnRate, slicesPerTurn }: Look): boolean {
    return share >= busyShare && turnRate >= manyTurnsRate && slicesPerTurn <= fewSlicesPerTurn;
  }

  isOver({ share }: Look): boolean {
    return share < overShare;
  }

  isDoubtful(look: Look, without: Look): boolean {
    return isNoBetter(look, without);
  }

  harms(withIt: Look, without: Look): boolean {
    return isNoBetter(withIt, without) || withIt.rate < tolerableRate * without.rate;
  }
}

function isNoBetter(withIt: Look, without: Look): boolean {
  return makesWait(withIt, without) || withIt.yield < worthwhileYield * without.yield;
}
