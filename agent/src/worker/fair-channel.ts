import type { ByteChannel, ChannelFailure, ChannelOwner, ClientChannel } from './channel.ts';
import { nobody } from './channel.ts';
import type { Waiting } from './fair-turns.ts';
import type { PodShare, SlowReader } from './pod-share.ts';
import type { SocketChannel } from './socket-channel.ts';

/** One unit of work is a chunk of this size, or a smaller one. */
const unitShift = 14;

/**
 * A connection of a pod's application, within the pod's share: its input waits for the pod's turn, it counts among the
 * pod's connections, and bytes that its client does not read are bounded.
 */
export class FairChannel implements ClientChannel, ChannelOwner, Waiting, SlowReader {
  slowSlot = -1;
  owner: ChannelOwner = nobody;
  readonly retiring = false;
  readonly #inner: SocketChannel;
  readonly #share: PodShare;
  /** Input that waits for the pod's turn. */
  #held: Buffer[] = [];
  #heldEnd = false;
  #queued = false;
  /** Whether it is read no further until the turn comes. */
  #stopped = false;
  #paused = false;
  #slow = false;
  #closed = false;

  /** The connection has been counted by {@link PodShare.openConnection}; the channel gives it back. */
  constructor(inner: SocketChannel, share: PodShare) {
    this.#inner = inner;
    this.#share = share;
    inner.owner = this;
  }

  get bufferedBytes(): number {
    return this.#inner.socket.writableLength;
  }

  shed(): void {
    const { owner } = this;
    this.reset();
    owner.onClosed(this, 'reset');
  }

  // For the owner.

  write(chunk: Buffer, start: number, end: number): boolean {
    const taken = this.#inner.write(chunk, start, end);
    if (!taken && !this.#slow && !this.#closed) {
      this.#slow = true;
      this.#share.setSlow(this, true);
    }
    return taken;
  }

  end(): void {
    this.#inner.end();
  }

  get unsentBytes(): number {
    return this.#inner.unsentBytes;
  }

  get writtenBytes(): number {
    return this.#inner.writtenBytes;
  }

  close(): void {
    this.owner = nobody;
    this.#close();
    this.#inner.close();
  }

  reset(): void {
    this.owner = nobody;
    this.#close();
    this.#inner.reset();
  }

  pause(): void {
    this.#paused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#stopped) this.#inner.resume();
  }

  // From the socket.

  onOpen(): void {}

  onData(_inner: ByteChannel, chunk: Buffer, start: number, end: number): void {
    const { load, turn } = this.#share;
    if (!this.#queued && load.turns.mayWork(turn, unitsOf(end - start))) {
      this.owner.onData(this, chunk, start, end);
      return;
    }
    this.#held.push(chunk.subarray(start, end));
    if (!this.#queued) {
      this.#queued = true;
      load.turns.wait(turn, this);
    } else if (!this.#stopped) {
      // Most clients send nothing more before they are answered: only for those who do it is worth it.
      this.#stopped = true;
      this.#inner.pause();
    }
  }

  /** The pod's turn has come. */
  release(): number {
    if (!this.#queued) return 0;
    this.#queued = false;
    let units = 0;
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) {
      units += unitsOf(chunk.length);
      this.owner.onData(this, chunk, 0, chunk.length);
    }
    if (this.#heldEnd) {
      this.#heldEnd = false;
      this.owner.onEnd(this);
    }
    if (this.#stopped) {
      this.#stopped = false;
      if (!this.#paused && !this.#closed) this.#inner.resume();
    }
    return units;
  }

  onEnd(): void {
    if (this.#queued) this.#heldEnd = true;
    else this.owner.onEnd(this);
  }

  onWritable(): void {
    if (this.#slow) {
      this.#slow = false;
      this.#share.setSlow(this, false);
    }
    this.owner.onWritable(this);
  }

  onClosed(_inner: ByteChannel, failure: ChannelFailure | undefined): void {
    if (failure === undefined) this.release();
    const { owner } = this;
    this.owner = nobody;
    this.#close();
    owner.onClosed(this, failure);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queued = false;
    this.#held = [];
    this.#share.setSlow(this, false);
    this.#share.closeConnection();
  }
}

function unitsOf(bytes: number): number {
  return 1 + (bytes >> unitShift);
}
