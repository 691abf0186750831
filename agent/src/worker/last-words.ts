import type { ByteChannel, ChannelFailure, ChannelOwner, ClientChannel } from './channel.ts';
import type { Pod } from './pod.ts';
import type { PodConnection } from './pod-connections.ts';
import type { Deadline } from './tick.ts';

/** So long what a client still sends is thrown away, so that no reset overtakes what was written to it. */
const lingerMs = 1_000;
/** A client that reads nothing for so long is waited for no longer. */
const patienceMs = 60_000;

/**
 * A client's connection to which the last byte has been written. It ends when the client has it, or does not want it:
 * slow readers get all of a response that was the last on its connection.
 */
export class LastWords implements ChannelOwner, PodConnection, Deadline {
  tickerSlot = -1;
  podSlot = -1;
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ClientChannel;
  #unsentBytes: number;
  #progressMs: number;

  /** `words` are written before the end. */
  constructor(pod: Pod, client: ClientChannel, words?: Buffer) {
    const { ticker } = pod.context;
    this.#pod = pod;
    this.#client = client;
    client.owner = this;
    this.deadlineMs = ticker.nowMs + lingerMs;
    this.#progressMs = ticker.nowMs;
    ticker.add(this);
    pod.connections.add(this);
    if (words !== undefined) client.write(words, 0, words.length);
    client.end();
    client.resume();
    this.#unsentBytes = client.unsentBytes;
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#client.reset();
  }

  onDeadline(): void {
    const { unsentBytes } = this.#client;
    if (unsentBytes === 0) {
      // The kernel has it, and delivers it.
      this.#leave();
      this.#client.close();
      return;
    }
    const { nowMs } = this.#pod.context.ticker;
    if (unsentBytes < this.#unsentBytes) this.#progressMs = nowMs;
    this.#unsentBytes = unsentBytes;
    if (nowMs - this.#progressMs > patienceMs) this.destroy();
    else this.deadlineMs = nowMs + lingerMs;
  }

  onOpen(): void {}
  onData(): void {}
  onEnd(): void {}
  onWritable(): void {}

  onClosed(_channel: ByteChannel, _failure: ChannelFailure | undefined): void {
    this.#leave();
  }

  #leave(): void {
    this.#pod.context.ticker.remove(this);
    this.#pod.connections.delete(this);
  }
}
