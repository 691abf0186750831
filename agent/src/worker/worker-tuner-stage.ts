import type { Logger } from '@tulle/core';
import { silentLogger } from '@tulle/core';
import type { ThreadTimes } from '@tulle/linux';
import { Ticker } from './tick.ts';
import type { Tuning } from './worker-tuner.ts';
import { lookMs, WorkerTuner } from './worker-tuner.ts';

/** What happens to a worker between two looks; with the tuning that is tested on, what `withIt` says instead. */
export interface StagedLook {
  /** The share of a core that it has. */
  readonly share: number;
  /** How long it waits each time that it runs, 0.1 ms by default. */
  readonly waitMs?: number;
  /** What it gets done in a millisecond, 1,000 by default. */
  readonly rate?: number;
  /** Turns in a millisecond, and how often it sleeps for each: 1 and 1 by default. */
  readonly turnRate?: number;
  readonly slicesPerTurn?: number;
  /** How long the pause after each turn is, 0 by default. */
  readonly pauseMs?: number;
  readonly withIt?: Partial<Omit<StagedLook, 'withIt'>>;
}

/** A {@link WorkerTuner} with one tuning, on counts and a clock that a test moves. */
export class TunerStage implements Disposable {
  readonly tuner: WorkerTuner;
  /** Its own timer does not come within a test: every tick here is the test's. */
  readonly ticker = new Ticker(100_000);
  isOn = false;
  sets = 0;
  /** Whole, so that sums of looks are exact. */
  #nowMs = Math.ceil(this.ticker.nowMs);
  #times: ThreadTimes | undefined = { runMs: 1_000, waitMs: 1_000, slices: 1_000 };
  #work = 0;
  #turns = 0;
  #pausedMs = 0;

  constructor(tuning: Tuning, options: { log?: Logger; hasTimes?: boolean } = {}) {
    if (options.hasTimes === false) this.#times = undefined;
    const staged: Tuning = {
      name: tuning.name,
      trustMs: tuning.trustMs,
      recheckMs: tuning.recheckMs,
      set: (on) => {
        this.sets += 1;
        tuning.set(on);
        this.isOn = on;
      },
      mayHelp: (look) => tuning.mayHelp(look),
      isOver: (look) => tuning.isOver(look),
      isDoubtful: (look, compared) => tuning.isDoubtful(look, compared),
      harms: (compared) => tuning.harms(compared),
    };
    const counts = {
      times: () => this.#times,
      work: () => this.#work,
      turns: () => this.#turns,
      pauses: () => ({ count: this.#turns, ms: this.#pausedMs }),
    };
    this.tuner = new WorkerTuner({ ticker: this.ticker, log: options.log ?? silentLogger }, [staged], counts);
  }

  /** So many looks, one after the other, between which the same happens. */
  look(count: number, staged: StagedLook): void {
    for (let i = 0; i < count; i++) {
      const usual = { waitMs: 0.1, rate: 1_000, turnRate: 1, slicesPerTurn: 1, pauseMs: 0, ...staged };
      const { share, waitMs, rate, turnRate, slicesPerTurn, pauseMs } = this.isOn
        ? { ...usual, ...staged.withIt }
        : usual;
      this.#nowMs += lookMs;
      this.#work += lookMs * rate;
      this.#turns += lookMs * turnRate;
      this.#pausedMs += lookMs * turnRate * pauseMs;
      if (this.#times !== undefined) {
        const slices = lookMs * turnRate * slicesPerTurn;
        this.#times = {
          runMs: this.#times.runMs + share * lookMs,
          waitMs: this.#times.waitMs + slices * waitMs,
          slices: this.#times.slices + slices,
        };
      }
      this.ticker.tick(this.#nowMs);
    }
  }

  [Symbol.dispose](): void {
    this.ticker.close();
  }
}

export const looksIn = (ms: number): number => ms / lookMs;
