import type { ClientChannel } from '../channel.ts';

/** One that takes nothing of what waits for it for so long has gone. */
const patienceMs = 60_000;

/**
 * Watches a client that has ended its half while responses to it are under way. One whose process has ended looks like
 * one that waits for its last response: a FIN is all that came. Times are on the worker's monotonic clock.
 */
export class EndedClient {
  readonly #channel: ClientChannel;
  readonly #silenceMs: number;
  #sentBytes = -1;
  #sinceMs = 0;

  /** A client that gets nothing for `silenceMs` has gone, too. */
  constructor(channel: ClientChannel, silenceMs: number) {
    this.#channel = channel;
    this.#silenceMs = silenceMs;
  }

  /** To be asked again and again, first when it has ended its half. */
  hasGone(nowMs: number): boolean {
    const { unsentBytes, writtenBytes } = this.#channel;
    const sentBytes = writtenBytes - unsentBytes;
    if (sentBytes !== this.#sentBytes) {
      this.#sentBytes = sentBytes;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs >= (unsentBytes > 0 ? patienceMs : this.#silenceMs);
  }
}
