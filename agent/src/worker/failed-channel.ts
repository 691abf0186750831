import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';

/** A channel that could not be made: its owner hears so, as of any connection that fails, after the current call. */
export class FailedChannel implements ByteChannel {
  owner: ChannelOwner;
  readonly retiring = true;
  #reset = false;

  constructor(owner: ChannelOwner, failure: ChannelFailure = 'connect-failed') {
    this.owner = owner;
    queueMicrotask(() => {
      if (!this.#reset) this.owner.onClosed(this, failure);
    });
  }

  write(): boolean {
    return true;
  }

  end(): void {}

  reset(): void {
    this.#reset = true;
  }

  pause(): void {}
  resume(): void {}
}
