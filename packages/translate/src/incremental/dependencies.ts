/** Takes note of a fact that was read. */
export type Record = (fact: string) => void;

/**
 * Units of one kind that are made from facts, and which of them are to be made anew. A fact is named by a string; what
 * a unit reads is noted while it is made.
 */
export class WorkSet {
  /** Most facts have one reader, so only more of them take a set. */
  readonly #readers = new Map<string, string | Set<string>>();
  readonly #facts = new Map<string, ReadonlySet<string>>();
  #dirty = new Set<string>();

  /** A unit is to be made anew. */
  mark(unit: string): void {
    this.#dirty.add(unit);
  }

  /** A fact has changed: its readers are to be made anew. */
  changed(fact: string): void {
    const readers = this.#readers.get(fact);
    if (readers === undefined) return;
    if (typeof readers === 'string') this.#dirty.add(readers);
    else for (const unit of readers) this.#dirty.add(unit);
  }

  /** Takes the units that are to be made anew. */
  take(): ReadonlySet<string> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  /** Makes a unit with `make`, and notes which facts it read. */
  make<T>(unit: string, make: (record: Record) => T): T {
    const facts = new Set<string>();
    const made = make((fact) => void facts.add(fact));
    this.#note(unit, facts);
    return made;
  }

  /** Forgets a unit that is gone. */
  forget(unit: string): void {
    this.#note(unit, new Set());
    this.#facts.delete(unit);
  }

  #note(unit: string, facts: ReadonlySet<string>): void {
    const before = this.#facts.get(unit);
    for (const fact of before ?? []) if (!facts.has(fact)) this.#removeReader(fact, unit);
    for (const fact of facts) if (before?.has(fact) !== true) this.#addReader(fact, unit);
    this.#facts.set(unit, facts);
  }

  #addReader(fact: string, unit: string): void {
    const readers = this.#readers.get(fact);
    if (readers === undefined) this.#readers.set(fact, unit);
    else if (typeof readers === 'string') this.#readers.set(fact, new Set([readers, unit]));
    else readers.add(unit);
  }

  #removeReader(fact: string, unit: string): void {
    const readers = this.#readers.get(fact);
    if (readers === unit) this.#readers.delete(fact);
    else if (readers instanceof Set) {
      readers.delete(unit);
      if (readers.size === 0) this.#readers.delete(fact);
    }
  }
}

/** All work sets of a translation: a fact that changes is told to each. */
export class WorkBoard {
  readonly #sets: WorkSet[] = [];

  /** Adds a work set. */
  workSet(): WorkSet {
    const set = new WorkSet();
    this.#sets.push(set);
    return set;
  }

  /** A fact has changed. */
  changed(fact: string): void {
    for (const set of this.#sets) set.changed(fact);
  }
}
