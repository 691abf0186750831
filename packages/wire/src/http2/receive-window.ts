import { defaultMaxFrameSize, defaultWindowSize } from './protocol.ts';

/** How much the peer may still send, on one stream or on the connection (RFC 9113 section 5.2). */
export class ReceiveWindow {
  /** The size that it is kept at. */
  readonly size: number;
  /** What the peer may send still. */
  available: number;
  #consumed = 0;
  readonly #leastIncrement: number;

  /** `leastIncrement`: what is announced even if it is less than half, as soon as the peer may send no more than that. */
  constructor(size: number, available: number = size, leastIncrement: number = Infinity) {
    this.size = size;
    this.available = available;
    this.#leastIncrement = leastIncrement;
  }

  /** A connection's window, which begins at 65535 whatever is wished for (section 6.9.2). */
  static ofConnection(wished: number): ReceiveWindow {
    return new ReceiveWindow(Math.max(wished, defaultWindowSize), defaultWindowSize, defaultMaxFrameSize);
  }

  /** Opens the window to its full size; gives the increment to announce, or 0. */
  open(): number {
    const increment = this.size - this.available;
    this.available = this.size;
    return increment;
  }

  /**
   * Bytes were consumed. Gives the increment to announce now, or 0: increments are held back until half of the window
   * was consumed; of a connection's, half of what is not held by streams that nobody reads.
   */
  consumed(bytes: number): number {
    this.#consumed += bytes;
    if (this.#consumed * 2 < this.size && this.#consumed < Math.max(this.available, this.#leastIncrement)) return 0;
    const increment = this.#consumed;
    this.#consumed = 0;
    this.available += increment;
    return increment;
  }
}
