import { compareText } from '../input.ts';

/** How many names on either side of a word are looked at. */
const reach = 10;

/** Sets of names, from each of which those near a word in alphabetical order can be had at once. */
export class NameIndex {
  readonly #sets = new Map<string, Set<string>>();
  /** Sorted when they are asked for, until the set changes. */
  readonly #sorted = new Map<string, readonly string[]>();

  /** Adds a name to a set, or takes it away. */
  set(key: string, name: string, isThere: boolean): void {
    const names = this.#sets.get(key) ?? new Set();
    if (isThere) names.add(name);
    else names.delete(name);
    if (names.size === 0) this.#sets.delete(key);
    else this.#sets.set(key, names);
    this.#sorted.delete(key);
  }

  /** The names of a set around the place where `name` is or would be; all of them when they are few. */
  around(key: string, name: string): readonly string[] {
    const names = this.#namesOf(key);
    if (names.length <= 2 * reach) return names;
    let [low, high] = [0, names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareText(names[middle] ?? '', name) < 0) low = middle + 1;
      else high = middle;
    }
    return names.slice(Math.max(0, low - reach), low + reach);
  }

  /** The first name of a set. */
  first(key: string): string | undefined {
    return this.#namesOf(key)[0];
  }

  #namesOf(key: string): readonly string[] {
    const known = this.#sorted.get(key);
    if (known !== undefined) return known;
    const sorted = [...(this.#sets.get(key) ?? [])].sort(compareText);
    if (sorted.length > 0) this.#sorted.set(key, sorted);
    return sorted;
  }
}
