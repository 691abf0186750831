/** An agent at the other end says something every 10 s at the least: one that has not for so long is asked. */
const askAfterMs = 20_000;
/** One that was asked, and was silent for so long, is gone. */
const goneAfterMs = 40_000;

/** For how long nothing was heard of the other end of a tunnel. Times are on the worker's monotonic clock. */
export class Silence {
  #lastHeardMs: number;
  #asked = false;

  constructor(nowMs: number) {
    this.#lastHeardMs = nowMs;
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
    if (this.#asked) return silentMs >= goneAfterMs ? 'gone' : 'there';
    if (silentMs < askAfterMs) return 'there';
    this.#asked = true;
    return 'ask';
  }
}
