import type { Http2Connection, Http2Output } from '@tulle/wire';
import type { Socket } from 'node:net';
import type { TurnFlusher, TurnOutput } from './turn-flusher.ts';

/** Up to this many bytes of a turn are joined into one buffer: one write is one record and one system call. */
const maxJoinedBytes = 256 * 1024;

/** The sending side of a tunnel: what the codec writes in one turn of the event loop leaves in one piece. */
export class TlsOutput implements Http2Output, TurnOutput {
  scheduled = false;
  /** Set once, right after the connection was made with this output. */
  connection: Http2Connection | undefined;
  readonly #socket: Socket;
  readonly #flusher: TurnFlusher;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket, flusher: TurnFlusher) {
    this.#socket = socket;
    this.#flusher = flusher;
  }

  wantsFlush(): void {
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  write(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    // Large frames are written at once, without asking for a flush before.
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  flush(): void {
    this.connection?.flush();
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (chunks.length === 1) this.#socket.write(chunks[0] as Buffer);
    else if (bytes <= maxJoinedBytes) this.#socket.write(Buffer.concat(chunks, bytes));
    else for (const chunk of chunks) this.#socket.write(chunk);
  }
}
