import type { Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import type { ThreadTimes } from '@tulle/linux';
import { setSchedulingPolicy, threadTimes } from '@tulle/linux';
import { moved } from './socket-channel.ts';
import type { Deadline, Ticker } from './tick.ts';

/** What {@link BatchScheduling} looks at and does. */
export interface SchedulingActions {
  /** The times of the worker's thread, or undefined where the kernel does not count them. */
  times(): ThreadTimes | undefined;
  /** What the worker got done since its start, in any unit. */
  work(): number;
  /** Sets the policy of the worker's threads; throws where that is forbidden. */
  set(policy: 'other' | 'batch'): void;
}

/** How often a worker that works is looked at. */
export const lookMs = 200;
/** From this share of a core on a worker is busy; below the other it is not any more. */
const busyShare = 0.25;
const quietShare = 0.1;
/** A batch worker that has less of a core, or waits longer on average each time that it is ready, may be kept from work. */
const suspectShare = 0.2;
const suspectWaitMs = 0.5;
/** Doubts that were looked into are not looked into again for so long. */
const trustMs = 5_000;
/** A trial that gets so much less done has failed; so has batch where a look without it gets so much more done. */
const worseRate = 0.75;
const betterRate = 1.3;
/** Whoever waits so long for a processor is slow for its clients, even where they send no more than gets done either way. */
const harmfulWaitMs = 1;
/** After a failure nothing is tried for so long: twice as long each time, up to the other. */
const firstHoldMs = 5_000;
const maxHoldMs = 60_000;

/** `trial`: batch, for one look. `probe`: not batch, for one look. */
type Phase = 'other' | 'trial' | 'batch' | 'probe';

/**
 * Makes the kernel let a busy worker's applications go on when they write to it, in place of giving their processor to the
 * worker at once (SCHED_BATCH, sched(7)). So each turn of the worker finds more to do, and what it sends leaves in fewer
 * records, packets and system calls.
 *
 * A worker that is not busy is woken at once, as ever. So is one whose processors are taken by programs that have nothing
 * to do with its traffic, since it would wait for the end of their time slices: what is tried is given up where less gets
 * done, or where the worker waits long for its processor and would not otherwise.
 */
export class BatchScheduling implements Deadline {
  deadlineMs: number;
  /** Nothing is to be done for a worker that sleeps. */
  readonly mayWait = true;
  readonly #ticker: Ticker;
  readonly #log: Logger;
  readonly #actions: SchedulingActions;
  #times: ThreadTimes | undefined;
  #work: number;
  #lookedMs: number;
  #phase: Phase = 'other';
  /** What got done in a millisecond before the trial or probe that is on. */
  #rateBefore = 0;
  /** How long the worker waited for a processor then. */
  #waitBeforeMs = 0;
  #trustedUntilMs = 0;
  #holdMs = firstHoldMs;
  #heldUntilMs = 0;
  #batchSinceMs = 0;

  constructor(ticker: Ticker, log: Logger, actions: SchedulingActions = processActions) {
    this.#ticker = ticker;
    this.#log = log;
    this.#actions = actions;
    this.#times = actions.times();
    this.#work = actions.work();
    this.#lookedMs = ticker.nowMs;
    this.deadlineMs = this.#lookedMs + lookMs;
    // Without the kernel's times it could not be told what a worker is kept from.
    if (this.#times !== undefined) ticker.add(this);
  }

  onDeadline(): void {
    const nowMs = this.#ticker.nowMs;
    this.deadlineMs = nowMs + lookMs;
    const elapsedMs = nowMs - this.#lookedMs;
    const last = this.#times;
    const times = this.#actions.times();
    const work = this.#actions.work();
    const rate = (work - this.#work) / elapsedMs;
    this.#times = times;
    this.#work = work;
    this.#lookedMs = nowMs;
    if (times === undefined || last === undefined || elapsedMs <= 0) return;
    const share = (times.runMs - last.runMs) / elapsedMs;
    const waitMs = (times.waitMs - last.waitMs) / Math.max(1, times.slices - last.slices);
    try {
      this.#decide(nowMs, rate, share, waitMs);
    } catch (error) {
      this.#ticker.remove(this);
      this.#giveBack();
      this.#log.warn('the kernel does not let this worker change how it is scheduled: it stays as it is', {
        error: errorMessage(error),
      });
    }
  }

  /** Some threads may have been changed before one could not be. */
  #giveBack(): void {
    try {
      this.#actions.set('other');
    } catch {
      // Said by who calls.
    }
  }

  #decide(nowMs: number, rate: number, share: number, waitMs: number): void {
    switch (this.#phase) {
      case 'other':
        if (share < busyShare || nowMs < this.#heldUntilMs) return;
        this.#rateBefore = rate;
        this.#waitBeforeMs = waitMs;
        this.#batchSinceMs = nowMs;
        return this.#enter('trial');
      case 'trial':
        if (isHarmful(waitMs, this.#waitBeforeMs)) return this.#giveUp(nowMs);
        // The load is over, which says nothing.
        if (share < quietShare && waitMs < suspectWaitMs) return this.#enter('other');
        if (rate < worseRate * this.#rateBefore) return this.#giveUp(nowMs);
        this.#trustedUntilMs = nowMs + trustMs;
        return this.#enter('batch');
      case 'batch':
        if (nowMs >= this.#trustedUntilMs && (share < suspectShare || waitMs >= suspectWaitMs)) {
          this.#rateBefore = rate;
          this.#waitBeforeMs = waitMs;
          return this.#enter('probe');
        }
        if (share >= quietShare) return;
        this.#holdMs = firstHoldMs;
        return this.#enter('other');
      case 'probe':
        if (rate > betterRate * this.#rateBefore || isHarmful(this.#waitBeforeMs, waitMs)) return this.#giveUp(nowMs);
        this.#trustedUntilMs = nowMs + trustMs;
        this.#enter(share < quietShare ? 'other' : 'batch');
    }
  }

  #giveUp(nowMs: number): void {
    if (nowMs - this.#batchSinceMs > maxHoldMs) this.#holdMs = firstHoldMs;
    this.#heldUntilMs = nowMs + this.#holdMs;
    this.#holdMs = Math.min(maxHoldMs, this.#holdMs * 2);
    this.#enter('other');
  }

  #enter(phase: Phase): void {
    const isBatch = (each: Phase) => each === 'trial' || each === 'batch';
    if (isBatch(phase) !== isBatch(this.#phase)) this.#actions.set(isBatch(phase) ? 'batch' : 'other');
    this.#phase = phase;
  }
}

/** Whether a batch worker waits for its processor as it would not otherwise. */
function isHarmful(batchWaitMs: number, otherWaitMs: number): boolean {
  return batchWaitMs >= harmfulWaitMs && batchWaitMs >= 2 * otherWaitMs;
}

const processActions: SchedulingActions = { times: threadTimes, work: () => moved.bytes, set: setSchedulingPolicy };
