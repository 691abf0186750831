/** Something that gathers what it writes during one turn of the event loop, to send it in one piece at its end. */
export interface TurnOutput {
  /** Whether it is on the list of the current turn; only {@link TurnFlusher} changes it. */
  scheduled: boolean;
  flush(): void;
}

/**
 * Flushes outputs once at the end of each turn of the event loop: all that the sockets of one poll brought leaves
 * together, in one TLS record and one system call a connection.
 */
export class TurnFlusher {
  #dirty: TurnOutput[] = [];
  #spare: TurnOutput[] = [];

  schedule(output: TurnOutput): void {
    if (output.scheduled) return;
    output.scheduled = true;
    if (this.#dirty.push(output) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const outputs = this.#dirty;
    this.#dirty = this.#spare;
    for (const output of outputs) {
      output.scheduled = false;
      output.flush();
    }
    outputs.length = 0;
    this.#spare = outputs;
  };
}
