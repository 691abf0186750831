import type { Http2Stream } from './stream.ts';
import { StreamIndex } from './stream-index.ts';

/** How a stream that is gone ended, as far as it is remembered. */
export type ClosedHow = 'ended' | 'reset-by-us' | 'reset-by-peer' | 'forgotten' | 'never-opened';

/** The live streams of a connection, and a bounded memory of those that closed last. */
export class StreamTable {
  readonly #streams = new StreamIndex<Http2Stream>();
  /** DATA comes in runs of one stream. */
  #last: Http2Stream | undefined;
  readonly #closedIds: Int32Array;
  readonly #closedHow: ClosedHow[];
  #closedNext = 0;
  #forgottenUpTo = 0;

  constructor(remembered: number) {
    this.#closedIds = new Int32Array(remembered);
    this.#closedHow = Array.from<ClosedHow>({ length: remembered }).fill('ended');
  }

  get size(): number {
    return this.#streams.size;
  }

  get(id: number): Http2Stream | undefined {
    const last = this.#last;
    if (last !== undefined && last.id === id) return last;
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#last = stream;
    return stream;
  }

  add(stream: Http2Stream): void {
    this.#streams.add(stream);
  }

  /** Removes a stream, if it is there, and remembers how it ended. */
  close(id: number, how: ClosedHow): void {
    if (this.#last?.id === id) this.#last = undefined;
    this.#streams.delete(id);
    const evicted = this.#closedIds[this.#closedNext] as number;
    if (evicted > this.#forgottenUpTo) this.#forgottenUpTo = evicted;
    this.#closedIds[this.#closedNext] = id;
    this.#closedHow[this.#closedNext] = how;
    this.#closedNext = (this.#closedNext + 1) % this.#closedIds.length;
  }

  /** How a stream ended that is not live and not idle. */
  howClosed(id: number): ClosedHow {
    const index = this.#closedIds.lastIndexOf(id);
    if (index >= 0) return this.#closedHow[index] as ClosedHow;
    // Section 5.1.1: identifiers that were passed over count as closed, too.
    return id <= this.#forgottenUpTo ? 'forgotten' : 'never-opened';
  }

  /** The live streams, as they are now: they may be closed meanwhile. */
  snapshot(): Http2Stream[] {
    return this.#streams.values();
  }
}
