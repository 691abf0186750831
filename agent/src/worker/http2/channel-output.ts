import type { Http2Connection, Http2Output } from '@tulle/wire';
import type { ByteChannel } from '../channel.ts';
import type { TurnFlusher, TurnOutput } from '../turn-flusher.ts';

const maxJoinedBytes = 64 * 1024;
/** With so much unsent no more DATA is taken: applications open windows of up to 2 GiB, and may read slowly. */
const maxBufferedBytes = 512 * 1024;
/** With so much unsent the other end makes us answer, and does not read the answers. DATA alone never comes near. */
const maxUnreadBytes = 4 * 1024 * 1024;

/**
 * The sending side of an application's HTTP/2 connection, whatever carries it: one write a turn of the event loop. What
 * the other end does not read is bounded. The owner calls {@link drained} when the channel is writable again.
 */
export class ChannelOutput implements Http2Output, TurnOutput {
  scheduled = false;
  /** Set once, right after the connection was made with this output. */
  connection: Http2Connection | undefined;
  /** Set when the channel is gone: nothing is written any more. */
  closed = false;
  readonly #channel: ByteChannel;
  readonly #flusher: TurnFlusher;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Whether the channel asked to wait, and how much it was given since then. */
  #full = false;
  #unsentBytes = 0;
  #holding = false;

  constructor(channel: ByteChannel, flusher: TurnFlusher) {
    this.#channel = channel;
    this.#flusher = flusher;
  }

  /** Whether the other end is to be read no further until {@link drained}. */
  get overfull(): boolean {
    return this.#unsentBytes >= maxUnreadBytes;
  }

  /** The channel takes bytes again. */
  drained(): void {
    this.#full = false;
    this.#unsentBytes = 0;
    this.#release();
  }

  wantsFlush(): void {
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  write(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#holding && this.#unsentBytes + this.#bytes >= maxBufferedBytes) {
      this.#holding = true;
      this.connection?.pauseSending();
    }
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  flush(): void {
    this.connection?.flush();
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.closed) return;
    if (chunks.length === 1 || bytes <= maxJoinedBytes) {
      this.#send(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
    } else for (const chunk of chunks) this.#send(chunk);
    if (!this.#full) this.#release();
  }

  #send(chunk: Buffer): void {
    if (!this.#channel.write(chunk, 0, chunk.length)) this.#full = true;
    if (this.#full) this.#unsentBytes += chunk.length;
  }

  /** Goes on with DATA that was held back. */
  #release(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.connection?.resumeSending();
  }
}
