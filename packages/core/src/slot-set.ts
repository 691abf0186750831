/**
 * A set whose members know their place in it, for members that come and go all the time.
 *
 * V8's own Set and Map move to a new table every few insertions, and the table that is left behind points to the next. Once
 * one of them is in old memory, collections of young memory keep all that come after it, with all that was in them, until
 * the whole heap is collected: each request or connection that was ever a member lives on for seconds.
 *
 * Subclasses say where a member keeps its place. An object must not be in two sets of one kind: the first would not find
 * it again. Adding while somebody iterates is allowed; who removes meanwhile takes a copy first.
 */
export abstract class SlotSet<T extends object> implements Iterable<T> {
  readonly #members: T[] = [];

  /** The place that {@link place} noted; undefined or any other number where it noted none. */
  protected abstract placeOf(member: T): number | undefined;
  protected abstract place(member: T, at: number): void;

  get size(): number {
    return this.#members.length;
  }

  has(member: T): boolean {
    const at = this.placeOf(member);
    return at !== undefined && this.#members[at] === member;
  }

  /** The member at a place from 0 to {@link size} - 1: the others change theirs when one is removed. */
  at(place: number): T | undefined {
    return this.#members[place];
  }

  add(member: T): void {
    if (this.has(member)) return;
    this.place(member, this.#members.push(member) - 1);
  }

  /** Removes a member, if it is one; the last takes its place. */
  delete(member: T): void {
    const at = this.placeOf(member);
    if (at === undefined || this.#members[at] !== member) return;
    const last = this.#members.pop() as T;
    this.place(member, -1);
    if (last === member) return;
    this.#members[at] = last;
    this.place(last, at);
  }

  clear(): void {
    for (const member of this.#members) this.place(member, -1);
    this.#members.length = 0;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members.values();
  }
}
