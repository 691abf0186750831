/** Something that waits for its pod's turn. */
export interface Waiting {
  /** Does what was put off; gives the units of work that it was. */
  release(): number;
}

/** What one pod has done in the turn under way, and what waits for its next. */
export class TurnShare {
  spent = 0;
  readonly waiting: Waiting[] = [];
  /** The first of `waiting` that has not been released; what is before it is cut off now and then. */
  next = 0;
}

/**
 * While no other pod has done anything, one may do so many times as much in a turn: larger turns cost less. A request of
 * another pod needs four turns (to the tunnel, to its server, and both back), so turns that are shared are short.
 */
const aloneFactor = 8;
/** So many turns after two pods were busy in one, they are expected to be so again. */
const sharedTurns = 256;

/**
 * Divides a worker between its pods: in one turn of the event loop each gets a bounded number of units of work, and what
 * is more waits in its own queue, so that a pod with a thousand busy connections delays another one's request by one
 * turn at most, not by a thousand requests. Who has done nothing in a turn is served at once.
 *
 * The queues are served in turns, too (deficit round robin with units that are small beside the quantum). Nothing waits
 * when there is nothing else to do: turns follow each other without a pause.
 */
export class FairTurns {
  readonly #quantum: number;
  readonly #later: (run: () => void) => void;
  #active: TurnShare[] = [];
  #backlog: TurnShare[] = [];
  #scheduled = false;
  /** Turns that are still taken to be shared. */
  #shared = 0;

  /** `later` runs something after the events that are there now; it is setImmediate but for tests. */
  constructor(quantum: number, later: (run: () => void) => void = setImmediate) {
    this.#quantum = quantum;
    this.#later = later;
  }

  /** Whether work of `units` may be done at once; if so it is counted. */
  mayWork(share: TurnShare, units: number): boolean {
    if (share.waiting.length > 0 || share.spent >= this.#part) return false;
    if (share.spent === 0) {
      this.#active.push(share);
      this.#schedule();
    }
    share.spent += units;
    return true;
  }

  /** Counts work that turned out to be more than {@link mayWork} was asked for. */
  spend(share: TurnShare, units: number): void {
    if (units > 0) share.spent += units;
  }

  /** Whether something was put off to the next turn. */
  get hasBacklog(): boolean {
    return this.#backlog.length > 0;
  }

  /** What one pod may do in a turn. */
  get #part(): number {
    return this.#shared > 0 ? this.#quantum : this.#quantum * aloneFactor;
  }

  /** Puts something off to a later turn of its pod. */
  wait(share: TurnShare, item: Waiting): void {
    if (share.waiting.push(item) === 1) this.#backlog.push(share);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#scheduled = false;
    const active = this.#active;
    if (active.length > 1) this.#shared = sharedTurns;
    else if (this.#shared > 0) this.#shared -= 1;
    for (const share of active) share.spent = 0;
    active.length = 0;
    const backlog = this.#backlog;
    if (backlog.length === 0) return;
    this.#backlog = [];
    // Several busy pods share what one would have had, so that a turn is not longer for their number.
    const quantum = Math.max(1, Math.ceil(this.#part / backlog.length));
    for (const share of backlog) this.#serve(share, quantum);
  };

  #serve(share: TurnShare, quantum: number): void {
    const { waiting } = share;
    this.#active.push(share);
    this.#schedule();
    while (share.next < waiting.length && share.spent < quantum) {
      share.spent += (waiting[share.next++] as Waiting).release();
    }
    if (share.next === waiting.length) {
      waiting.length = 0;
      share.next = 0;
      return;
    }
    if (share.next >= 1_024) {
      waiting.splice(0, share.next);
      share.next = 0;
    }
    // Its part of the turn is over, also for what comes in directly.
    share.spent = this.#part;
    this.#backlog.push(share);
  }
}
