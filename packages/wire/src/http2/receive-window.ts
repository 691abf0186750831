import { defaultWindowSize } from './protocol.ts';

/** How much the peer may still send, on one stream or on the connection (RFC 9113 section 5.2). */
export class ReceiveWindow {
  /** The size that it is kept at. */
  readonly size: number;
  /** What the peer may send still. */
  available: number;
  #consumed = 0;

  constructor(size: number, available: number = size) {
    this.size = size;
    this.available = available;
  }

  /** A connection's window, which begins at 65535 whatever is wished for (section 6.9.2). */
  static ofConnection(wished: number): ReceiveWindow {
    return new ReceiveWindow(Math.max(wished, defaultWindowSize), defaultWindowSize);
  }

  /** Opens the window to its full size; gives the increment to announce, or 0. */
  open(): number {
    const increment = this.size - this.available;
    this.available = this.size;
    return increment;
  }

  /**
   * Bytes were consumed. Gives the increment to announce now, or 0: increments are held back until half of the window
   * was consumed.
   */
  consumed(bytes: number): number {
    this.#consumed += bytes;
    if (this.#consumed * 2 < this.size) return 0;
    const increment = this.#consumed;
    this.#consumed = 0;
    this.available += increment;
    return increment;
  }
}
