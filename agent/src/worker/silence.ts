/** How much silence there may be at one end of a tunnel, in milliseconds. */
export interface Patience {
  /** After so long the other end is asked whether it is there. */
  readonly askAfterMs: number;
  /** One that was asked, and was silent for so long, is gone. */
  readonly goneAfterMs: number;
}

/** The client's end asks first, so that its agent says something every 10 s at the least. */
export const clientPatience: Patience = { askAfterMs: 10_000, goneAfterMs: 20_000 };
export const serverPatience: Patience = { askAfterMs: 20_000, goneAfterMs: 40_000 };

/** For how long nothing was heard of the other end of a tunnel. Times are on the worker's monotonic clock. */
export class Silence {
  readonly #patience: Patience;
  #lastHeardMs: number;
  #asked = false;

  constructor(patience: Patience, nowMs: number) {
    this.#patience = patience;
    this.#lastHeardMs = nowMs;
  }

  /** When the other end was heard last. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  heard(nowMs: number): void {
    this.#lastHeardMs = nowMs;
    this.#asked = false;
  }

  /**
   * What to think of the other end. `ask`, once: whether it is there; `gone`: it has not answered. Nobody is gone who was
   * not asked: a worker that could not look for long hears first what has come meanwhile.
   */
  judge(nowMs: number): 'there' | 'ask' | 'gone' {
    const silentMs = nowMs - this.#lastHeardMs;
    if (this.#asked) return silentMs >= this.#patience.goneAfterMs ? 'gone' : 'there';
    if (silentMs < this.#patience.askAfterMs) return 'there';
    this.#asked = true;
    return 'ask';
  }
}
