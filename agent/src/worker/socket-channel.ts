import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor.ts';
import type { ByteChannel, ChannelFailure, ChannelOwner } from './channel.ts';
import { nobody } from './channel.ts';

/** A channel over a TCP socket of Node's, made with `allowHalfOpen`. */
export class SocketChannel implements ByteChannel {
  owner: ChannelOwner;
  /** Called once, when the socket is gone, whoever owns the channel then. */
  onGone: (() => void) | undefined = undefined;
  readonly socket: Socket;
  #retiring = false;
  #ended = false;
  #connectFailure: ChannelFailure | undefined;
  #failed = false;
  #finished = false;
  #connectTimer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, owner: ChannelOwner) {
    this.socket = socket;
    this.owner = owner;
    socket.setNoDelay(true);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Takes a socket that is connected. */
  static accepted(socket: Socket, owner: ChannelOwner): SocketChannel {
    return new SocketChannel(socket, owner);
  }

  /** Takes a socket (from a descriptor made in a pod's namespace) and connects it. */
  static connecting(
    socket: Socket,
    to: { readonly address: string; readonly port: number; readonly timeoutMs: number },
    owner: ChannelOwner,
  ): SocketChannel {
    const channel = new SocketChannel(socket, owner);
    channel.#connectFailure = 'connect-failed';
    channel.#connectTimer = setTimeout(() => {
      channel.#connectFailure = 'connect-timeout';
      channel.#failed = true;
      socket.destroy();
    }, to.timeoutMs);
    socket.once('connect', () => {
      clearTimeout(channel.#connectTimer);
      channel.#connectFailure = undefined;
      channel.owner.onOpen(channel);
    });
    socket.connect({ host: to.address, port: to.port });
    return channel;
  }

  get retiring(): boolean {
    return this.#retiring;
  }

  /** Nothing new is to be begun on the channel. */
  retire(): void {
    this.#retiring = true;
  }

  write(chunk: Buffer, start: number, end: number): boolean {
    const whole = start === 0 && end === chunk.length;
    return this.socket.write(whole ? chunk : chunk.subarray(start, end), this.#onWritten);
  }

  end(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.socket.end();
  }

  reset(): void {
    this.owner = nobody;
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

  readonly #onData = (chunk: Buffer): void => {
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
    if (this.#connectFailure === 'connect-failed' && error.code === 'ECONNREFUSED') {
      this.#connectFailure = 'connect-refused';
    }
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
