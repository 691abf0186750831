import type { RequestHead } from '@tulle/core';
import { hashBytes } from './bytes.ts';
import type { HeaderSlots } from './header-values.ts';
import type { CompiledMatch, ValueCheck } from './match.ts';
import type { QuerySlots } from './query-values.ts';

/** Where the values that a request's matches ask for are found. */
export interface Slots {
  readonly headers: HeaderSlots;
  readonly query: QuerySlots;
}

/** Lists from this length on are indexed: trying so many one by one is as quick as looking up. */
const indexedFrom = 8;

/** The matches that all ask for one header, or one query parameter. */
class SlotGroup {
  /** By the hash of the exact value that they want; those of another value with the same hash do not hold. */
  readonly byValue = new Map<number, CompiledMatch[]>();
  readonly byExpression: CompiledMatch[] = [];
  readonly all: CompiledMatch[] = [];

  add(check: ValueCheck, match: CompiledMatch): void {
    this.all.push(match);
    if (check.exact === undefined) {
      this.byExpression.push(match);
      return;
    }
    const hash = hashBytes(check.exact);
    const same = this.byValue.get(hash);
    if (same === undefined) this.byValue.set(hash, [match]);
    else same.push(match);
  }
}

/** Groups of one kind by slot. */
class SlotGroups {
  readonly bySlot: (SlotGroup | undefined)[] = [];
  isEmpty = true;

  add(check: ValueCheck, match: CompiledMatch): void {
    this.isEmpty = false;
    const group = (this.bySlot[check.slot] ??= new SlotGroup());
    group.add(check, match);
  }
}

/**
 * Matches of one path in the order of precedence, of which the first that holds is wanted. A long list is divided by the
 * header or the query parameter that each match asks for, so that a request meets only matches whose field it has, and
 * of those that want a certain value only the ones that want its own: five hundred rules are no slower than five.
 */
export class MatchList {
  private readonly all: CompiledMatch[] = [];
  private index:
    { readonly headers: SlotGroups; readonly query: SlotGroups; readonly rest: CompiledMatch[] } | undefined;

  /** Adds a match that comes after all that were added. */
  add(match: CompiledMatch): void {
    this.all.push(match);
    if (this.index !== undefined) this.addToIndex(match, this.index);
    else if (this.all.length >= indexedFrom) {
      this.index = { headers: new SlotGroups(), query: new SlotGroups(), rest: [] };
      for (const each of this.all) this.addToIndex(each, this.index);
    }
  }

  /** The first match that holds and comes before `best`; else `best`. */
  better(head: RequestHead, slots: Slots, best: CompiledMatch | undefined): CompiledMatch | undefined {
    if (this.index === undefined) return firstOf(this.all, { head, slots, best });
    if (best !== undefined && (this.all[0] as CompiledMatch).order >= best.order) return best;
    const { headers, query, rest } = this.index;
    let found = firstOf(rest, { head, slots, best });
    if (!headers.isEmpty) found = this.betterByHeader(headers, { head, slots, best: found });
    return query.isEmpty ? found : this.betterByQuery(query, { head, slots, best: found });
  }

  private addToIndex(match: CompiledMatch, index: NonNullable<typeof this.index>): void {
    if (match.headerKey !== undefined) index.headers.add(match.headerKey, match);
    else if (match.queryKey !== undefined) index.query.add(match.queryKey, match);
    else index.rest.push(match);
  }

  private betterByHeader(groups: SlotGroups, search: Search): CompiledMatch | undefined {
    const { head, slots } = search;
    const { headers } = slots;
    const count = headers.findAll(head);
    for (let i = 0; i < count; i++) {
      const slot = headers.present[i] as number;
      const group = groups.bySlot[slot];
      if (group === undefined) continue;
      if (headers.isRepeated(slot)) search.best = firstOf(group.all, search);
      else {
        search.best = firstOf(group.byValue.get(headers.hashOf(head, slot)), search);
        search.best = firstOf(group.byExpression, search);
      }
    }
    return search.best;
  }

  private betterByQuery(groups: SlotGroups, search: Search): CompiledMatch | undefined {
    const { head, slots } = search;
    const { query } = slots;
    const count = query.findAll(head);
    for (let i = 0; i < count; i++) {
      const slot = query.present[i] as number;
      const group = groups.bySlot[slot];
      if (group === undefined) continue;
      search.best = firstOf(group.byValue.get(query.hashOf(head, slot)), search);
      search.best = firstOf(group.byExpression, search);
    }
    return search.best;
  }
}

interface Search {
  readonly head: RequestHead;
  readonly slots: Slots;
  best: CompiledMatch | undefined;
}

function firstOf(
  matches: readonly CompiledMatch[] | undefined,
  { head, slots, best }: Search,
): CompiledMatch | undefined {
  if (matches === undefined) return best;
  const limit = best === undefined ? Infinity : best.order;
  for (let i = 0; i < matches.length; i++) {
    const match = matches[i] as CompiledMatch;
    if (match.order >= limit) return best;
    if (match.holds(head, slots.headers, slots.query)) return match;
  }
  return best;
}
