import type { FairTurns, TurnShare, Waiting } from './fair-turns.ts';
import type { ReadPause } from './read-pause.ts';

/** The turns that the input of a pod's tunnels takes. */
export interface InputTurns {
  readonly turns: FairTurns;
  readonly share: TurnShare;
}

/**
 * The input of one tunnel, within the turns of its pod: what a chunk brings is worked on at once while the pod has done
 * less than its part in the turn, else it waits for the next one. A record of TLS may bring the bytes of a hundred
 * requests, so a chunk is charged by the frames that were in it.
 */
export class TunnelInput implements Waiting {
  /** Frames that made work so far; counted by who receives them. */
  frames = 0;
  readonly #turns: InputTurns;
  readonly #reading: ReadPause;
  readonly #receive: (chunk: Buffer) => void;
  #held: Buffer[] = [];
  #queued = false;
  #stopped = false;

  constructor(turns: InputTurns, reading: ReadPause, receive: (chunk: Buffer) => void) {
    this.#turns = turns;
    this.#reading = reading;
    this.#receive = receive;
  }

  take(chunk: Buffer): void {
    const { turns, share } = this.#turns;
    if (!this.#queued && turns.mayWork(share, 1)) {
      const before = this.frames;
      this.#receive(chunk);
      turns.spend(share, this.frames - before - 1);
      return;
    }
    this.#held.push(chunk);
    if (!this.#queued) {
      this.#queued = true;
      turns.wait(share, this);
    } else if (!this.#stopped) {
      this.#stopped = true;
      this.#reading.stop('turn');
    }
  }

  /** The pod's turn has come. */
  release(): number {
    if (!this.#queued) return 0;
    this.#queued = false;
    const before = this.frames;
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) this.#receive(chunk);
    if (this.#stopped) {
      this.#stopped = false;
      this.#reading.goOn('turn');
    }
    return Math.max(1, this.frames - before);
  }

  /** Nothing more comes: what waits is worked on now. */
  flush(): void {
    this.release();
  }

  /** Forgets what waits. */
  close(): void {
    this.#queued = false;
    this.#held = [];
  }
}
