import type { Http2Connection, Http2Output } from '@tulle/wire';
import type { ByteChannel } from '../channel.ts';
import type { TurnFlusher, TurnOutput } from '../turn-flusher.ts';

const maxJoinedBytes = 64 * 1024;

/** The sending side of an application's HTTP/2 connection, whatever carries it: one write a turn of the event loop. */
export class ChannelOutput implements Http2Output, TurnOutput {
  scheduled = false;
  /** Set once, right after the connection was made with this output. */
  connection: Http2Connection | undefined;
  /** Set when the channel is gone: nothing is written any more. */
  closed = false;
  /** Whether the channel asked to wait with its last write. */
  full = false;
  readonly #channel: ByteChannel;
  readonly #flusher: TurnFlusher;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(channel: ByteChannel, flusher: TurnFlusher) {
    this.#channel = channel;
    this.#flusher = flusher;
  }

  wantsFlush(): void {
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  write(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
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
      const joined = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes);
      this.full = !this.#channel.write(joined, 0, joined.length);
      return;
    }
    for (const chunk of chunks) this.full = !this.#channel.write(chunk, 0, chunk.length);
  }
}
