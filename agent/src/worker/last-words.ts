import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import type { Pod, PodConnection } from './pod.ts';
import type { Deadline } from './tick.ts';

/** So long what a client still sends is thrown away, so that no reset overtakes what was written to it. */
const lingerMs = 1_000;

/** A connection that is told why it ends, and ends. */
export class LastWords implements ChannelOwner, PodConnection, Deadline {
  deadlineMs: number;
  readonly #pod: Pod;
  readonly #client: ByteChannel;

  constructor(pod: Pod, client: ByteChannel, words: Buffer) {
    this.#pod = pod;
    this.#client = client;
    client.owner = this;
    this.deadlineMs = pod.context.ticker.nowMs + lingerMs;
    pod.context.ticker.add(this);
    pod.connections.add(this);
    client.write(words, 0, words.length);
    client.end();
    client.resume();
  }

  drain(): void {}

  destroy(): void {
    this.#leave();
    this.#client.reset();
  }

  onDeadline(): void {
    this.destroy();
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
