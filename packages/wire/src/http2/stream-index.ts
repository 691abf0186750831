const leastPlaces = 16;

/**
 * Live streams, or what belongs to them, by their identifiers: an open hash table. A Map would move to a new table every few streams, and the tables
 * left behind would keep each other, and the streams in them, alive until the whole heap is collected.
 */
export class StreamIndex<T extends { readonly id: number }> {
  /** A power of two of places; at least half of them are free. */
  #places: (T | undefined)[] = Array.from<T | undefined>({ length: leastPlaces });
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#places[this.#find(id)];
  }

  /** Adds a stream whose identifier is not there yet. */
  add(stream: T): void {
    if ((this.#size + 1) * 2 > this.#places.length) this.#grow();
    this.#places[this.#find(stream.id)] = stream;
    this.#size += 1;
  }

  delete(id: number): void {
    const places = this.#places;
    const mask = places.length - 1;
    let free = this.#find(id);
    if (places[free] === undefined) return;
    this.#size -= 1;
    // What follows without a gap moves up where the free place is on its way from its own, so that it is found.
    for (let at = (free + 1) & mask; ; at = (at + 1) & mask) {
      const stream = places[at];
      if (stream === undefined) break;
      const wayFromHome = (at - homeOf(stream.id, mask)) & mask;
      if (wayFromHome < ((at - free) & mask)) continue;
      places[free] = stream;
      free = at;
    }
    places[free] = undefined;
  }

  values(): T[] {
    return this.#places.filter((stream) => stream !== undefined);
  }

  /** The place of the stream, or the free one where it would be. */
  #find(id: number): number {
    const places = this.#places;
    const mask = places.length - 1;
    let at = homeOf(id, mask);
    for (;;) {
      const stream = places[at];
      if (stream === undefined || stream.id === id) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const streams = this.values();
    this.#places = Array.from<T | undefined>({ length: this.#places.length * 2 });
    for (const stream of streams) this.#places[this.#find(stream.id)] = stream;
  }
}

/** Identifiers of one side go up by two (RFC 9113 section 5.1.1): neighbours get neighbouring places. */
function homeOf(id: number, mask: number): number {
  return (id >>> 1) & mask;
}
