/** Something that gathers what it writes during one turn of the event loop, to send it in one piece at its end. */
export interface TurnOutput {
  /** Whether it is on the list of the current turn; only {@link TurnFlusher} changes it. */
  scheduled: boolean;
  flush(): void;
}

/** The clock of a {@link TurnFlusher}, and how it pauses. */
export interface TurnClock {
  nowMs(): number;
  /** Holds the process up for some 70 microseconds. */
  pause(): void;
}

/** Turns that take less than this, with the poll before them, are short. */
const shortTurnMs = 0.1;
/** How long is asked for, to which the kernel adds what its timers are inexact by: some 0.05 ms. */
const askedPauseMs = 0.02;
/** Before a pause outputs are flushed so often while flushing makes them write more. */
const roundsBeforePause = 3;
const neverSignalled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
/** The clock of this process. */
export const processClock: TurnClock = {
  nowMs: () => performance.now(),
  pause: () => void Atomics.wait(neverSignalled, 0, 0, askedPauseMs),
};

/** What a {@link TurnFlusher} is made with, all but for tests. */
export interface TurnOptions {
  readonly clock?: TurnClock;
  /** Whether something waits for the next turn: then there is no pause before it. */
  readonly hasMore?: () => boolean;
}

/**
 * Flushes outputs once at the end of each turn of the event loop: all that the sockets of one poll brought leaves
 * together, in one TLS record and one system call a connection.
 */
export class TurnFlusher {
  /** How many turns had something to send. */
  turns = 0;
  /** Whether the process pauses after short turns, so that the next one finds more. */
  isPausing = false;
  /** How often it did, and how long in all, until it had a processor again. */
  pauses = 0;
  pausedMs = 0;
  readonly #clock: TurnClock;
  readonly #hasMore: () => boolean;
  /** When the last turn that sent something ended, and the pause after it. */
  #endedMs = 0;
  #dirty: TurnOutput[] = [];
  #spare: TurnOutput[] = [];
  #isFlushing = false;

  constructor({ clock = processClock, hasMore = () => false }: TurnOptions = {}) {
    this.#clock = clock;
    this.#hasMore = hasMore;
  }

  schedule(output: TurnOutput): void {
    if (output.scheduled) return;
    output.scheduled = true;
    if (this.#dirty.push(output) === 1 && !this.#isFlushing) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushing = true;
    // What flushing makes others write leaves in the next turn, with what the poll between finds; a pause would hold it up.
    const rounds = this.isPausing ? roundsBeforePause : 1;
    for (let round = 0; round < rounds && this.#dirty.length > 0; round++) this.#flushOnce();
    this.#isFlushing = false;
    if (this.#dirty.length > 0) setImmediate(this.#flush);
    this.turns += 1;
    if (this.isPausing) this.#pauseAfterShort();
  };

  #flushOnce(): void {
    const outputs = this.#dirty;
    this.#dirty = this.#spare;
    for (const output of outputs) {
      output.scheduled = false;
      output.flush();
    }
    outputs.length = 0;
    this.#spare = outputs;
  }

  #pauseAfterShort(): void {
    const nowMs = this.#clock.nowMs();
    const isShort = nowMs - this.#endedMs < shortTurnMs;
    this.#endedMs = nowMs;
    if (!isShort || this.#dirty.length > 0 || this.#hasMore()) return;
    this.#clock.pause();
    this.#endedMs = this.#clock.nowMs();
    this.pauses += 1;
    this.pausedMs += this.#endedMs - nowMs;
  }
}
