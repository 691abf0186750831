import type { Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import type { ThreadTimes } from '@tulle/linux';
import type { Deadline, Ticker } from './tick.ts';

/** What a worker did between two looks at it. */
export interface Look {
  /** The share of a core that its thread had. */
  readonly share: number;
  /** How long the thread waited for a processor each time that it was ready, on average. */
  readonly waitMs: number;
  /** What it got done in a millisecond, in the unit of {@link WorkerCounts.work}. */
  readonly rate: number;
  /** The same for each millisecond that it had a processor. */
  readonly yield: number;
  /** Turns of its event loop that sent something, in a millisecond. */
  readonly turnRate: number;
  /** How often its thread slept, or had to leave its processor, for each such turn. */
  readonly slicesPerTurn: number;
  /** How long a pause between two turns was on average, until it had a processor again; 0 where there was none. */
  readonly pauseMs: number;
}

/** Two looks, one after the other. */
export interface Comparison {
  readonly withIt: Look;
  readonly without: Look;
}

/** Something that helps a worker under some loads and harms it under others, so that it is tried. */
export interface Tuning {
  /** For logs and metrics: `turn-pauses`. */
  readonly name: string;
  /** What was compared is not doubted for so long. */
  readonly trustMs: number;
  /** What nobody doubts is compared again after so long, then after twice as long each time; undefined: never. */
  readonly recheckMs: number | undefined;
  /** Turns it on or off; throws where that is forbidden. */
  set(on: boolean): void;
  /** Whether the load is such that it may help. */
  mayHelp(look: Look): boolean;
  /** Whether the load is over for which it was turned on. */
  isOver(look: Look): boolean;
  /** Whether what was compared says nothing of the worker any more, as it is now with the tuning on. */
  isDoubtful(look: Look, compared: Comparison): boolean;
  /** Whether the worker does worse with it than without, or not so much better that it is worth it. */
  harms(compared: Comparison): boolean;
}

/** What a {@link WorkerTuner} counts between its looks, all since the worker's start. */
export interface WorkerCounts {
  /** The times of the worker's thread, or undefined where the kernel does not count them. */
  times(): ThreadTimes | undefined;
  /** What the worker got done, in any unit. */
  work(): number;
  /** How many turns of its event loop sent something. */
  turns(): number;
  /** How many pauses it made, and how long all of them took. */
  pauses(): { readonly count: number; readonly ms: number };
}

/** How often a worker that works is looked at. */
export const lookMs = 400;
/** What nobody doubts is compared again after so long at the latest. */
const maxRecheckMs = 60_000;
/** After a failure nothing is tried for so long: twice as long each time, up to the other. */
const firstHoldMs = 2_000;
const maxHoldMs = 60_000;
/** Failures are forgotten after so long without a load. */
const forgetMs = 5_000;
/** A worker that does little, and waits so long for its processor, is kept from work: its load is not over. */
const keptWaitMs = 0.5;

type State =
  | { readonly phase: 'off' }
  /** On, for one look. */
  | { readonly phase: 'trial'; readonly before: Look }
  | { readonly phase: 'on'; readonly compared: Comparison; readonly sinceMs: number; readonly recheckMs: number }
  /** Off, for one look. */
  | { readonly phase: 'probe'; readonly before: Look; readonly recheckMs: number };

const off: State = { phase: 'off' };

/** One tuning, and what is known of it. */
class TunedSetting {
  readonly tuning: Tuning;
  #state: State = off;
  #holdMs = firstHoldMs;
  #heldUntilMs = 0;
  #loadedMs = 0;
  #onSinceMs = 0;

  constructor(tuning: Tuning) {
    this.tuning = tuning;
  }

  get phase(): State['phase'] {
    return this.#state.phase;
  }

  /** Whether the look that is under way is half of a comparison. */
  get isComparing(): boolean {
    return this.phase === 'trial' || this.phase === 'probe';
  }

  get isOn(): boolean {
    return this.phase === 'trial' || this.phase === 'on';
  }

  /** Takes a look; true where something was turned on or off. */
  take(look: Look, nowMs: number): boolean {
    const wasOn = this.isOn;
    this.#state = this.#next(look, nowMs);
    if (this.isOn === wasOn) return false;
    this.tuning.set(this.isOn);
    return true;
  }

  /** Turns it off for good; throws where that is forbidden, too. */
  giveUp(): void {
    this.#state = off;
    this.tuning.set(false);
  }

  #next(look: Look, nowMs: number): State {
    const { tuning } = this;
    const state = this.#state;
    const isOver = tuning.isOver(look);
    const hasEnded = isOver && look.waitMs < keptWaitMs;
    switch (state.phase) {
      case 'off':
        if (!isOver) this.#loadedMs = nowMs;
        else if (nowMs - this.#loadedMs >= forgetMs) this.#forget();
        if (nowMs < this.#heldUntilMs || !tuning.mayHelp(look)) return off;
        this.#onSinceMs = nowMs;
        return { phase: 'trial', before: look };
      case 'trial': {
        // The end of the load says nothing.
        if (hasEnded) return off;
        const compared = { withIt: look, without: state.before };
        if (tuning.harms(compared)) return this.#fail(nowMs);
        return { phase: 'on', compared, sinceMs: nowMs, recheckMs: tuning.recheckMs ?? Number.POSITIVE_INFINITY };
      }
      case 'on': {
        if (hasEnded) {
          this.#forget();
          return off;
        }
        const trustedMs = nowMs - state.sinceMs;
        const isDoubtful = trustedMs >= tuning.trustMs && tuning.isDoubtful(look, state.compared);
        if (isDoubtful || trustedMs >= state.recheckMs) {
          const first = tuning.recheckMs ?? Number.POSITIVE_INFINITY;
          return { phase: 'probe', before: look, recheckMs: isDoubtful ? first : later(state.recheckMs) };
        }
        if (!isOver) return state;
        this.#forget();
        return off;
      }
      case 'probe': {
        if (hasEnded) return off;
        const compared = { withIt: state.before, without: look };
        if (tuning.harms(compared)) return this.#fail(nowMs);
        return isOver ? off : { phase: 'on', compared, sinceMs: nowMs, recheckMs: state.recheckMs };
      }
    }
  }

  #fail(nowMs: number): State {
    if (nowMs - this.#onSinceMs > maxHoldMs) this.#forget();
    this.#heldUntilMs = nowMs + this.#holdMs;
    this.#loadedMs = nowMs;
    this.#holdMs = Math.min(maxHoldMs, this.#holdMs * 2);
    return off;
  }

  #forget(): void {
    this.#holdMs = firstHoldMs;
    this.#heldUntilMs = 0;
  }
}

function later(recheckMs: number): number {
  return Math.min(maxRecheckMs, recheckMs * 2);
}

/**
 * Looks at a worker that works, tries what may make its load cheaper, and keeps what does. One thing is tried at a time,
 * for one look, against the look before; what is on is compared again when that has become doubtful, or is long ago.
 */
export class WorkerTuner implements Deadline {
  deadlineMs: number;
  /** Nothing is to be done for a worker that sleeps. */
  readonly mayWait = true;
  readonly #ticker: Ticker;
  readonly #log: Logger;
  readonly #counts: WorkerCounts;
  readonly #all: readonly TunedSetting[];
  /** Those that can be set, the one that changed last at the end. */
  readonly #settings: TunedSetting[];
  #times: ThreadTimes | undefined;
  #work: number;
  #turns: number;
  #pauses: { readonly count: number; readonly ms: number };
  #lookedMs: number;

  constructor(owner: { ticker: Ticker; log: Logger }, tunings: readonly Tuning[], counts: WorkerCounts) {
    this.#ticker = owner.ticker;
    this.#log = owner.log;
    this.#counts = counts;
    this.#all = tunings.map((tuning) => new TunedSetting(tuning));
    this.#settings = [...this.#all];
    this.#times = counts.times();
    this.#work = counts.work();
    this.#turns = counts.turns();
    this.#pauses = counts.pauses();
    this.#lookedMs = this.#ticker.nowMs;
    this.deadlineMs = this.#lookedMs + lookMs;
    // Without the kernel's times it could not be told what a worker is kept from.
    if (this.#times !== undefined) this.#ticker.add(this);
  }

  /** Of each tuning by its name, whether it is on. */
  get states(): Readonly<Record<string, boolean>> {
    return Object.fromEntries(this.#all.map((setting) => [setting.tuning.name, setting.isOn]));
  }

  onDeadline(): void {
    const nowMs = this.#ticker.nowMs;
    this.deadlineMs = nowMs + lookMs;
    const look = this.#look(nowMs);
    if (look === undefined) return;
    const comparing = this.#settings.find(({ isComparing }) => isComparing);
    for (const setting of comparing === undefined ? [...this.#settings] : [comparing]) {
      if (!this.#take(setting, look, nowMs)) continue;
      // The others come before it at the next look, so that none waits for ever.
      const at = this.#settings.indexOf(setting);
      if (at >= 0) this.#settings.push(...this.#settings.splice(at, 1));
      return;
    }
  }

  #take(setting: TunedSetting, look: Look, nowMs: number): boolean {
    const { name } = setting.tuning;
    const was = setting.phase;
    try {
      const isChanged = setting.take(look, nowMs);
      if (setting.phase !== was) this.#log.debug(`${name}: from ${was} to ${setting.phase}`, { look });
      return isChanged;
    } catch (error) {
      this.#settings.splice(this.#settings.indexOf(setting), 1);
      if (this.#settings.length === 0) this.#ticker.remove(this);
      this.#giveBack(setting);
      this.#log.warn(`${name} cannot be set: the worker stays as it is`, { error: errorMessage(error) });
      return true;
    }
  }

  /** A part of it may have been changed before another could not be. */
  #giveBack(setting: TunedSetting): void {
    try {
      setting.giveUp();
    } catch {
      // Said by who calls.
    }
  }

  #look(nowMs: number): Look | undefined {
    const elapsedMs = nowMs - this.#lookedMs;
    const last = this.#times;
    const times = this.#counts.times();
    const work = this.#counts.work() - this.#work;
    const turns = this.#counts.turns() - this.#turns;
    this.#times = times;
    this.#work += work;
    this.#turns += turns;
    const lastPauses = this.#pauses;
    this.#pauses = this.#counts.pauses();
    const pauses = this.#pauses.count - lastPauses.count;
    this.#lookedMs = nowMs;
    if (times === undefined || last === undefined || elapsedMs <= 0) return undefined;
    const slices = times.slices - last.slices;
    const runMs = times.runMs - last.runMs;
    return {
      share: runMs / elapsedMs,
      waitMs: (times.waitMs - last.waitMs) / Math.max(1, slices),
      rate: work / elapsedMs,
      yield: runMs === 0 ? 0 : work / runMs,
      turnRate: turns / elapsedMs,
      slicesPerTurn: slices / Math.max(1, turns),
      pauseMs: (this.#pauses.ms - lastPauses.ms) / Math.max(1, pauses),
    };
  }
}
