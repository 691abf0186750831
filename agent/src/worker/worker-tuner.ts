import type { Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import type { ThreadTimes } from '@tulle/linux';
import { threadTimes } from '@tulle/linux';
import { moved } from './socket-channel.ts';
import type { Deadline, Ticker } from './tick.ts';
import type { TurnFlusher } from './turn-flusher.ts';

/** What a worker did between two looks at it. */
export interface Look {
  /** The share of a core that its thread had. */
  readonly share: number;
  /** How long the thread waited for a processor each time that it was ready, on average. */
  readonly waitMs: number;
  /** What it got done in a millisecond. */
  readonly rate: number;
  /** What it got done for each millisecond of a processor. */
  readonly yield: number;
  /** Turns of its event loop that sent something, in a millisecond. */
  readonly turnRate: number;
  /** How often its thread slept, or had to leave its processor, for each such turn. */
  readonly slicesPerTurn: number;
}

/** Something that helps a worker under some loads and harms it under others, so that it is tried. */
export interface Tuning {
  /** For logs and metrics: `turn-pauses`. */
  readonly name: string;
  /** Turns it on or off; throws where that is forbidden. */
  set(on: boolean): void;
  /** Whether the load is such that it may help. */
  mayHelp(look: Look): boolean;
  /** Whether the load is over for which it was turned on. */
  isOver(look: Look): boolean;
  /** Whether it is to be compared again with how things are without it, as they last were. */
  isDoubtful(look: Look, without: Look): boolean;
  /** What was compared is not doubted for so long. */
  readonly trustMs: number;
  /** Whether the worker does worse with it than without. */
  harms(withIt: Look, without: Look): boolean;
}

/** What a {@link WorkerTuner} counts between its looks. */
export interface WorkerCounts {
  /** The times of the worker's thread, or undefined where the kernel does not count them. */
  times(): ThreadTimes | undefined;
  /** What the worker got done since its start, in any unit. */
  work(): number;
  /** How many turns of its event loop sent something since its start. */
  turns(): number;
}

/** How often a worker that works is looked at. */
export const lookMs = 200;
/** What nobody doubts is compared again after so long. */
const longTrustMs = 60_000;
/** After a failure nothing is tried for so long: twice as long each time, up to the other. */
const firstHoldMs = 2_000;
const maxHoldMs = 60_000;

/** `trial`: on, for one look. `probe`: off, for one look. */
type Phase = 'off' | 'trial' | 'on' | 'probe';

/** One tuning, and what is known of it. */
class TunedSetting {
  readonly tuning: Tuning;
  #phase: Phase = 'off';
  /** The look before the trial or probe that is on. */
  #before: Look | undefined;
  /** The last look without it that it was compared with. */
  #without: Look | undefined;
  #comparedMs = 0;
  #holdMs = firstHoldMs;
  #heldUntilMs = 0;
  #onSinceMs = 0;

  constructor(tuning: Tuning) {
    this.tuning = tuning;
  }

  /** Whether the look that is under way is a comparison. */
  get isComparing(): boolean {
    return this.#before !== undefined;
  }

  get isOn(): boolean {
    return this.#phase === 'trial' || this.#phase === 'on';
  }

  /** Takes a look; true where something was turned on or off. */
  take(look: Look, nowMs: number): boolean {
    const wasOn = this.isOn;
    this.#phase = this.#next(look, nowMs);
    if (this.isOn === wasOn) return false;
    this.tuning.set(this.isOn);
    return true;
  }

  #next(look: Look, nowMs: number): Phase {
    const { tuning } = this;
    const before = this.#before;
    this.#before = undefined;
    switch (this.#phase) {
      case 'off':
        if (nowMs < this.#heldUntilMs || !tuning.mayHelp(look)) return 'off';
        this.#before = look;
        this.#onSinceMs = nowMs;
        return 'trial';
      case 'trial':
        // The load is over, which says nothing.
        if (tuning.isOver(look)) return 'off';
        return this.#compared(look, before as Look, nowMs);
      case 'on':
        if (tuning.isOver(look)) {
          this.#holdMs = firstHoldMs;
          return 'off';
        }
        if (!this.#isDoubtful(look, nowMs)) return 'on';
        this.#before = look;
        return 'probe';
      case 'probe':
        return this.#compared(before as Look, look, nowMs);
    }
  }

  #isDoubtful(look: Look, nowMs: number): boolean {
    const trustedMs = nowMs - this.#comparedMs;
    if (trustedMs < this.tuning.trustMs) return false;
    return trustedMs >= longTrustMs || this.tuning.isDoubtful(look, this.#without as Look);
  }

  #compared(withIt: Look, without: Look, nowMs: number): Phase {
    if (this.tuning.harms(withIt, without)) return this.#fail(nowMs);
    this.#without = without;
    this.#comparedMs = nowMs;
    return 'on';
  }

  #fail(nowMs: number): Phase {
    if (nowMs - this.#onSinceMs > maxHoldMs) this.#holdMs = firstHoldMs;
    this.#heldUntilMs = nowMs + this.#holdMs;
    this.#holdMs = Math.min(maxHoldMs, this.#holdMs * 2);
    return 'off';
  }
}

/**
 * Looks at a worker that works, tries what may make its load cheaper, and keeps what does. One thing is tried at a time,
 * for one look, against the look before; what is on is compared again when it becomes doubtful.
 */
export class WorkerTuner implements Deadline {
  deadlineMs: number;
  /** Nothing is to be done for a worker that sleeps. */
  readonly mayWait = true;
  readonly #ticker: Ticker;
  readonly #log: Logger;
  readonly #counts: WorkerCounts;
  readonly #settings: TunedSetting[];
  #times: ThreadTimes | undefined;
  #work: number;
  #turns: number;
  #lookedMs: number;

  constructor(owner: { ticker: Ticker; log: Logger }, tunings: readonly Tuning[], counts: WorkerCounts) {
    this.#ticker = owner.ticker;
    this.#log = owner.log;
    this.#counts = counts;
    this.#settings = tunings.map((tuning) => new TunedSetting(tuning));
    this.#times = counts.times();
    this.#work = counts.work();
    this.#turns = counts.turns();
    this.#lookedMs = this.#ticker.nowMs;
    this.deadlineMs = this.#lookedMs + lookMs;
    // Without the kernel's times it could not be told what a worker is kept from.
    if (this.#times !== undefined) this.#ticker.add(this);
  }

  /** The names of what is on. */
  get active(): readonly string[] {
    return this.#settings.filter(({ isOn }) => isOn).map(({ tuning }) => tuning.name);
  }

  onDeadline(): void {
    const nowMs = this.#ticker.nowMs;
    this.deadlineMs = nowMs + lookMs;
    const look = this.#look(nowMs);
    if (look === undefined) return;
    const comparing = this.#settings.find(({ isComparing }) => isComparing);
    for (const setting of comparing === undefined ? [...this.#settings] : [comparing]) {
      if (this.#take(setting, look, nowMs)) return;
    }
  }

  #take(setting: TunedSetting, look: Look, nowMs: number): boolean {
    try {
      if (!setting.take(look, nowMs)) return false;
      this.#log.debug(`${setting.tuning.name} ${setting.isOn ? 'on' : 'off'}`, { look });
      return true;
    } catch (error) {
      this.#settings.splice(this.#settings.indexOf(setting), 1);
      if (this.#settings.length === 0) this.#ticker.remove(this);
      this.#giveBack(setting.tuning);
      this.#log.warn(`${setting.tuning.name} cannot be set: the worker goes on without it`, {
        error: errorMessage(error),
      });
      return true;
    }
  }

  /** A part of it may have been changed before another could not be. */
  #giveBack(tuning: Tuning): void {
    try {
      tuning.set(false);
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
    };
  }
}

/** Whoever waits so long for a processor is slow for its clients, even where they send no more than gets done either way. */
const harmfulWaitMs = 1;

/** Whether a worker waits long for its processor, as it would not without what is tried. */
export function makesWait(withIt: Look, without: Look): boolean {
  return withIt.waitMs >= harmfulWaitMs && withIt.waitMs >= 2 * without.waitMs;
}

/** What the process's own thread, channels and flusher count. */
export function processCounts(flusher: TurnFlusher): WorkerCounts {
  return { times: threadTimes, work: () => moved.bytes, turns: () => flusher.turns };
}
