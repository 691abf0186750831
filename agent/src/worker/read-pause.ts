/** Why a socket is read no further: its input waits for a turn, or its peer does not read what it is sent. */
export type PauseReason = 'turn' | 'unread';

/** What is paused: a socket. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** Stops reading a socket for as long as anybody has a reason to. */
export class ReadPause {
  readonly #socket: Pausable;
  #turn = false;
  #unread = false;

  constructor(socket: Pausable) {
    this.#socket = socket;
  }

  stop(reason: PauseReason): void {
    const reads = !this.#turn && !this.#unread;
    this.#set(reason, true);
    if (reads) this.#socket.pause();
  }

  goOn(reason: PauseReason): void {
    if (!this.#turn && !this.#unread) return;
    this.#set(reason, false);
    if (!this.#turn && !this.#unread) this.#socket.resume();
  }

  #set(reason: PauseReason, value: boolean): void {
    if (reason === 'turn') this.#turn = value;
    else this.#unread = value;
  }
}
