import type { TurnFlusher } from './turn-flusher.ts';
import type { Comparison, Look, Tuning } from './worker-tuner.ts';

/** From this share of a core on a worker is busy. With pauses it needs less for the same, so that it is over far below. */
const busyShare = 0.2;
const overShare = 0.03;
/** A worker that has so many turns, and hardly sleeps between them, finds little in each. */
const manyTurnsPerMs = 10;
const fewSlicesPerTurn = 0.3;
/** With pauses a worker must get so much more done for its time, and may get so much less done in all. */
const worthwhileYield = 1.1;
const tolerableRate = 0.85;
/** Pauses that take longer, because others take the processor meanwhile, delay clients: they are for who gets more done. */
const longPauseMs = 0.5;
const worthwhileRate = 1.1;
/** Nobody pauses for longer. */
const maxPauseMs = 1;
/** A load that gets so many times as much, or as little, done for the worker's time is another one. */
const otherYield = 2;

/**
 * Makes a busy worker pause for some 70 microseconds between turns of its event loop that are short
 * ({@link TurnFlusher.isPausing}). Where applications write answers one by one, a worker that is awake takes each by
 * itself, and sends it in a record and packet of its own; after a pause it takes what has come meanwhile together.
 *
 * Where clients wait for each answer before they send more, that makes them slower and nothing cheaper: so pauses are
 * kept only where the worker needs less time for its work, and clients get nearly as much done, or more.
 */
export class TurnPauses implements Tuning {
  readonly name = 'turn-pauses';
  readonly trustMs = 1_000;
  readonly recheckMs = 3_000;
  readonly #flusher: TurnFlusher;

  constructor(flusher: TurnFlusher) {
    this.#flusher = flusher;
  }

  set(on: boolean): void {
    this.#flusher.isPausing = on;
  }

  mayHelp({ share, turnRate, slicesPerTurn }: Look): boolean {
    return share >= busyShare && turnRate >= manyTurnsPerMs && slicesPerTurn <= fewSlicesPerTurn;
  }

  isOver({ share }: Look): boolean {
    return share < overShare;
  }

  isDoubtful(look: Look, { withIt, without }: Comparison): boolean {
    const isOtherLoad = look.yield > otherYield * withIt.yield || withIt.yield > otherYield * look.yield;
    return isOtherLoad || isNoBetter(look, without);
  }

  harms({ withIt, without }: Comparison): boolean {
    return isNoBetter(withIt, without) || withIt.rate < tolerableRate * without.rate;
  }
}

function isNoBetter(withIt: Look, without: Look): boolean {
  if (withIt.pauseMs > maxPauseMs) return true;
  if (withIt.pauseMs > longPauseMs && withIt.rate < worthwhileRate * without.rate) return true;
  return withIt.yield <= worthwhileYield * without.yield;
}
