import { setSchedulingPolicy } from '@tulle/linux';
import type { Comparison, Look, Tuning } from './worker-tuner.ts';

/** From this share of a core on a worker is busy; below the other it is not any more. */
const busyShare = 0.25;
const quietShare = 0.1;
/** A batch worker that has less of a core, or waits longer on average each time that it is ready, may be kept from work. */
const suspectShare = 0.2;
const suspectWaitMs = 0.5;
/** Where so much less gets done, batch is no good. */
const worseRate = 0.75;
/** Whoever waits so long for a processor is slow for its clients, even where they send no more than gets done either way. */
const harmfulWaitMs = 1;

/**
 * Makes the kernel let a busy worker's applications go on when they write to it, in place of giving their processor to the
 * worker at once (SCHED_BATCH, sched(7)). So each turn of the worker finds more to do, and what it sends leaves in fewer
 * records, packets and system calls.
 *
 * A worker that is not busy is woken at once, as ever. So is one whose processors are taken by programs that have nothing
 * to do with its traffic, since it would wait for the end of their time slices: what is tried is given up where less gets
 * done, or where the worker waits long for its processor and would not otherwise.
 */
export class BatchScheduling implements Tuning {
  readonly name = 'batch-scheduling';
  readonly trustMs = 5_000;
  readonly recheckMs = undefined;
  readonly #setPolicy: (policy: 'other' | 'batch') => void;

  /** `setPolicy` sets the policy of the worker's threads; throws where that is forbidden. */
  constructor(setPolicy: (policy: 'other' | 'batch') => void = setSchedulingPolicy) {
    this.#setPolicy = setPolicy;
  }

  set(on: boolean): void {
    this.#setPolicy(on ? 'batch' : 'other');
  }

  mayHelp({ share }: Look): boolean {
    return share >= busyShare;
  }

  isOver({ share }: Look): boolean {
    return share < quietShare;
  }

  isDoubtful({ share, waitMs }: Look): boolean {
    return share < suspectShare || waitMs >= suspectWaitMs;
  }

  harms({ withIt, without }: Comparison): boolean {
    const waits = withIt.waitMs >= harmfulWaitMs && withIt.waitMs >= 2 * without.waitMs;
    return waits || withIt.rate < worseRate * without.rate;
  }
}
