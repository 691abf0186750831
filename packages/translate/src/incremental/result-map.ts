import type { ChangeSet } from '@tulle/ir';
import { isEqual } from '../diff.ts';

/** Results by key, with what changed in them. A result that is made anew and says the same stays the object that it was. */
export class ResultMap<T> {
  readonly #results = new Map<string, T>();
  #changed = new Map<string, T>();
  #removed = new Set<string>();
  #snapshot: ReadonlyMap<string, T> | undefined;

  get(key: string): T | undefined {
    return this.#results.get(key);
  }

  /** Sets a result, or removes it; tells whether that changes anything. */
  set(key: string, value: T | undefined): boolean {
    const before = this.#results.get(key);
    if (value === undefined) {
      if (before === undefined) return false;
      this.#results.delete(key);
      this.#changed.delete(key);
      this.#removed.add(key);
    } else {
      if (before !== undefined && isEqual(before, value)) return false;
      this.#results.set(key, value);
      this.#changed.set(key, value);
      this.#removed.delete(key);
    }
    this.#snapshot = undefined;
    return true;
  }

  /** Takes what changed since the last time. */
  takeChanges(): ChangeSet<T> {
    const changes = { changed: this.#changed, removed: [...this.#removed] };
    this.#changed = new Map();
    this.#removed = new Set();
    return changes;
  }

  /** The results as they are now, in a map that never changes. */
  snapshot(): ReadonlyMap<string, T> {
    this.#snapshot ??= new Map(this.#results);
    return this.#snapshot;
  }
}
