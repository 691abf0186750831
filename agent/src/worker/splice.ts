import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';

/** Told when a splice is over; `failure` where a side broke. */
export type SpliceDone = (failure: ChannelFailure | undefined) => void;

/**
 * Joins two channels: bytes, half-closes and resets pass both ways, and a slow reader slows its writer. Neither side is
 * parsed. The splice owns both channels from its making to their end.
 */
export class Splice implements ChannelOwner {
  readonly #client: ByteChannel;
  readonly #server: ByteChannel;
  #open = 2;
  #done: SpliceDone | undefined;
  /** Bytes that went from the client to the server, and back. */
  sentBytes = 0;
  receivedBytes = 0;

  constructor(client: ByteChannel, server: ByteChannel, done: SpliceDone) {
    this.#client = client;
    this.#server = server;
    this.#done = done;
    client.owner = this;
    server.owner = this;
  }

  onOpen(): void {}

  onData(from: ByteChannel, chunk: Buffer, start: number, end: number): void {
    if (from === this.#client) this.sentBytes += end - start;
    else this.receivedBytes += end - start;
    if (!this.#other(from).write(chunk, start, end)) from.pause();
  }

  onEnd(from: ByteChannel): void {
    this.#other(from).end();
  }

  onWritable(channel: ByteChannel): void {
    this.#other(channel).resume();
  }

  onClosed(channel: ByteChannel, failure: ChannelFailure | undefined): void {
    if (failure === undefined) {
      this.#open -= 1;
      if (this.#open === 0) this.#finish(undefined);
      return;
    }
    this.#other(channel).reset();
    this.#finish(failure);
  }

  /** Breaks both sides. */
  reset(): void {
    this.#client.reset();
    this.#server.reset();
    this.#finish('reset');
  }

  #other(channel: ByteChannel): ByteChannel {
    return channel === this.#client ? this.#server : this.#client;
  }

  #finish(failure: ChannelFailure | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(failure);
  }
}
