/** Bodies up to this size are kept while a request may still be sent again. */
const maxReplayBytes = 64 * 1024;

/** What of a request's body has been sent, so that it can be sent again; gives up on bodies that are too large. */
export class Replay {
  /** Whether all that was sent is still here. */
  whole = true;
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer, start: number, end: number): void {
    if (!this.whole) return;
    this.#bytes += end - start;
    if (this.#bytes > maxReplayBytes) {
      this.whole = false;
      this.#chunks = [];
      return;
    }
    // A copy: the chunk that it lies in is larger, and would be kept with it.
    this.#chunks.push(Buffer.from(chunk.subarray(start, end)));
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }
}
