import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TimedDestination } from './addresses.ts';
import { descriptorOf } from './descriptor.ts';
import type { ChannelFailure, ChannelOwner, ClientChannel } from './channel.ts';
import { nobody } from './channel.ts';

/**
 * Chunks from this size on wait for the end of the turn of the event loop, where what came together leaves in one system
 * call: TLS hands over a record of 16 KiB at a time.
 */
const gatheredBytes = 4 * 1024;

/** What all channels of this process have read and written: how much it gets done. */
export const moved = { bytes: 0 };

/** How many channels of this process send what they gathered in the next turn. */
export const gathering = { channels: 0 };

/** A channel over a TCP socket of Node's, made with `allowHalfOpen`. */
export class SocketChannel implements ClientChannel {
  owner: ChannelOwner;
  /** Called once, when the socket is gone, whoever owns the channel then. */
  onGone: (() => void) | undefined = undefined;
  readonly socket: Socket;
  #retiring = false;
  #gathered: Buffer[] = [];
  #gatheredLength = 0;
  /** Whether the owner was asked to wait and no 'drain' of the socket's will tell it to go on. */
  #owesWritable = false;
  #ended = false;
  #connectFailure: ChannelFailure | undefined;
  #failed = false;
  #finished = false;
  #connectTimer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, owner: ChannelOwner) {
    this.socket = socket;
    this.owner = owner;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Takes a socket that is connected, of a listener whose connections have TCP_NODELAY. */
  static accepted(socket: Socket, owner: ChannelOwner): SocketChannel {
    return new SocketChannel(socket, owner);
  }

  /** Takes a socket (from a descriptor made in a pod's namespace) and connects it; without a timeout as long as the kernel. */
  static connecting(socket: Socket, to: TimedDestination, owner: ChannelOwner): SocketChannel {
    const channel = new SocketChannel(socket, owner);
    socket.setNoDelay(true);
    channel.#connectFailure = 'connect-failed';
    // A timer that comes late, because the event loop was held up, comes before the connection that was made in time:
    // what happened meanwhile is looked at first.
    if (to.timeoutMs !== undefined) {
      channel.#connectTimer = setTimeout(() => setImmediate(channel.#giveUpConnecting), to.timeoutMs);
    }
    socket.once('connect', () => {
      clearTimeout(channel.#connectTimer);
      channel.#connectFailure = undefined;
      channel.owner.onOpen(channel);
    });
    socket.connect({ host: to.address, port: to.port });
    return channel;
  }

  readonly #giveUpConnecting = (): void => {
    if (!this.socket.connecting) return;
    this.#connectFailure = 'connect-timeout';
    this.#failed = true;
    this.socket.destroy();
  };

  get retiring(): boolean {
    return this.#retiring;
  }

  /** Nothing new is to be begun on the channel. */
  retire(): void {
    this.#retiring = true;
  }

  write(chunk: Buffer, start: number, end: number): boolean {
    const bytes = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    moved.bytes += bytes.length;
    if (bytes.length < gatheredBytes && this.#gathered.length === 0) return this.socket.write(bytes, this.#onWritten);
    if (this.#gathered.push(bytes) === 1) {
      gathering.channels += 1;
      setImmediate(this.#sendGatheredInTurn);
    }
    this.#gatheredLength += bytes.length;
    const mayGoOn = this.socket.writableLength + this.#gatheredLength < this.socket.writableHighWaterMark;
    if (!mayGoOn) this.#owesWritable = true;
    return mayGoOn;
  }

  end(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#sendGathered();
    this.socket.end();
  }

  get unsentBytes(): number {
    return this.socket.writableLength + this.#gatheredLength;
  }

  get writtenBytes(): number {
    return this.socket.bytesWritten + this.#gatheredLength;
  }

  close(): void {
    this.owner = nobody;
    // The kernel has it all, and says the end itself: at once, so that the ports of clients with many short connections do
    // not wait for a minute each. Without an error of ours Node would make one a socket, with its stack.
    if (this.unsentBytes === 0) this.socket.destroy(over);
    else this.socket.destroySoon();
  }

  reset(): void {
    this.owner = nobody;
    this.#gathered = [];
    clearTimeout(this.#connectTimer);
    // Node would wait for the connection before it resets it, for minutes where nobody answers.
    if (this.socket.connecting) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  readonly #sendGatheredInTurn = (): void => {
    gathering.channels -= 1;
    this.#sendGathered();
  };

  #sendGathered(): void {
    const chunks = this.#gathered;
    if (chunks.length === 0) return;
    this.#gathered = [];
    this.#gatheredLength = 0;
    const { socket } = this;
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk, this.#onWritten);
    if (chunks.length > 1) socket.uncork();
    if (!this.#owesWritable) return;
    this.#owesWritable = false;
    if (!socket.writableNeedDrain) this.owner.onWritable(this);
  }

  readonly #onData = (chunk: Buffer): void => {
    moved.bytes += chunk.length;
    this.owner.onData(this, chunk, 0, chunk.length);
  };

  /**
   * A write that fails ends the socket at once, and with it what has come but was not read yet: the answer of a server
   * that had heard enough, which it gave before it closed (a 413 to an upload). Node calls this before it does so.
   */
  readonly #onWritten = (error: Error | null | undefined): void => {
    if (error === null || error === undefined || this.socket.isPaused()) return;
    const fd = descriptorOf(this.socket);
    if (fd === undefined) return;
    for (const chunk of receivedBytes(fd)) this.owner.onData(this, chunk, 0, chunk.length);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.owner.onEnd(this);
  };

  readonly #onDrain = (): void => {
    this.owner.onWritable(this);
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#failed = true;
    if (this.#connectFailure !== 'connect-failed') return;
    if (error.code === 'ECONNREFUSED') this.#connectFailure = 'connect-refused';
    else if (error.code === 'ETIMEDOUT') this.#connectFailure = 'connect-timeout';
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#connectTimer);
    this.onGone?.();
    const { owner } = this;
    this.owner = nobody;
    const broken = this.#failed || !this.#ended || !this.#finished;
    owner.onClosed(this, this.#connectFailure ?? (broken ? 'reset' : undefined));
  };
}

/** What ends a socket on which all was said. */
const over = new Error('the connection is over');

const receivedChunkBytes = 64 * 1024;

/** What the kernel has received on a socket, read without waiting. */
function* receivedBytes(fd: number): Generator<Buffer> {
  for (;;) {
    const chunk = Buffer.allocUnsafe(receivedChunkBytes);
    let length: number;
    try {
      length = readSync(fd, chunk);
    } catch {
      // Nothing more (EAGAIN), or what broke the connection.
      return;
    }
    if (length === 0) return;
    yield chunk.subarray(0, length);
  }
}
