import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { returnUnusedMemory } from '@tulle/linux';

/** What a {@link MemoryTrimmer} looks at and does. */
export interface TrimActions {
  /** CPU time of this process since its start, in microseconds. */
  cpuMicros(): number;
  /** Memory that is resident now, in bytes. */
  residentBytes(): number;
  /** Collects garbage and gives memory back. */
  trim(): void;
}

/** How often the process is looked at. */
export const lookIntervalMs = 2_500;
/** Below this share of a core a process is quiet. */
const quietShare = 0.02;
/** A process that has grown by less since the last trim is left alone: a trim costs some 100 ms of CPU time. */
const growthBytes = 16 * 1024 * 1024;
/** At least so long between two trims: one stops the process for some milliseconds. */
const leastGapMs = 60_000;

/**
 * Makes a process small again when it becomes quiet after work (its start, a change of configuration, a load): V8 and the
 * C library give memory back only when they are pressed, and nobody presses them on a node with room.
 */
export class MemoryTrimmer {
  readonly #actions: TrimActions;
  readonly #timer: NodeJS.Timeout;
  #lastMicros = 0;
  #trimmedBytes = 0;
  #trimmedMs = Number.NEGATIVE_INFINITY;

  constructor(actions: TrimActions = processActions()) {
    this.#actions = actions;
    this.#timer = setInterval(() => this.look(performance.now()), lookIntervalMs);
    this.#timer.unref();
  }

  /** Trims if the process was quiet since the last look and has grown since the last trim. */
  look(nowMs: number): void {
    const micros = this.#actions.cpuMicros();
    const isQuiet = micros - this.#lastMicros < quietShare * lookIntervalMs * 1_000;
    this.#lastMicros = micros;
    if (!isQuiet || nowMs - this.#trimmedMs < leastGapMs) return;
    if (this.#actions.residentBytes() - this.#trimmedBytes < growthBytes) return;
    this.#actions.trim();
    this.#trimmedMs = nowMs;
    this.#trimmedBytes = this.#actions.residentBytes();
    this.#lastMicros = this.#actions.cpuMicros();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function processActions(): TrimActions {
  // Node offers V8's collector to those who ask for it by flag, also while running.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync' }) => void;
  return {
    cpuMicros: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    residentBytes: () => process.memoryUsage.rss(),
    trim: () => {
      collect({ type: 'major', execution: 'sync' });
      returnUnusedMemory();
    },
  };
}
