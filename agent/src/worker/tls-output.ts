import type { Http2Connection, Http2Output } from '@tulle/wire';
import type { Socket } from 'node:net';
import type { ReadPause } from './read-pause.ts';
import type { TurnFlusher, TurnOutput } from './turn-flusher.ts';

/** Up to this many bytes of a turn are joined into one buffer: one write is one record and one system call. */
const maxJoinedBytes = 256 * 1024;
/** With so much unsent no more DATA is taken: the peer's windows alone (16 MiB with ours, 2 GiB with another's) are no bound. */
const maxBufferedBytes = 1024 * 1024;
/**
 * With so much unsent nothing more is read from the peer: it makes us answer and does not read the answers. DATA alone
 * never comes near, so that two honest ends cannot wait for each other.
 */
const maxUnreadBytes = 8 * 1024 * 1024;

/**
 * The sending side of a tunnel: what the codec writes in one turn of the event loop leaves in one piece. What the peer
 * does not read is bounded.
 */
export class TlsOutput implements Http2Output, TurnOutput {
  scheduled = false;
  /** Set once, right after the connection was made with this output. */
  connection: Http2Connection | undefined;
  readonly #socket: Socket;
  readonly #flusher: TurnFlusher;
  readonly #reading: ReadPause;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #holding = false;

  constructor(socket: Socket, flusher: TurnFlusher, reading: ReadPause) {
    this.#socket = socket;
    this.#reading = reading;
    this.#flusher = flusher;
    socket.on('drain', () => this.#onDrain());
  }

  wantsFlush(): void {
    if (!this.scheduled) this.#flusher.schedule(this);
  }

  write(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#holding && this.#socket.writableLength + this.#bytes >= maxBufferedBytes) {
      this.#holding = true;
      this.connection?.pauseSending();
    }
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
    if (this.#socket.writableLength >= maxUnreadBytes) this.#reading.stop('unread');
  }

  #onDrain(): void {
    this.#reading.goOn('unread');
    if (!this.#holding) return;
    this.#holding = false;
    this.connection?.resumeSending();
  }
}
