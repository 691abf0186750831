import type { RequestHead } from '@tulle/core';
import type { HttpMatchEntry, HttpRouteTable, HttpRule } from '@tulle/ir';
import { ByteIndex, hashByte, hashStart, utf8 } from './bytes.ts';
import { HeaderSlots } from './header-values.ts';
import { MatchList } from './match-list.ts';
import type { Slots } from './match-list.ts';
import { CompiledMatch } from './match.ts';
import { PathRegexes } from './path-regexes.ts';
import { QuerySlots } from './query-values.ts';
import { CompiledRule, RuleState } from './rule.ts';

/** Paths of one kind (exact or prefix) with the matches of each; `longest` bounds how far a request's path is hashed. */
class PathBuckets {
  readonly index = new ByteIndex();
  readonly buckets: MatchList[] = [];
  longest = -1;

  add(path: Buffer, match: CompiledMatch): void {
    const at = this.index.add(path);
    (this.buckets[at] ??= new MatchList()).add(match);
    this.longest = Math.max(this.longest, path.length);
  }

  bucketOf(hash: number, head: RequestHead, end: number): MatchList | undefined {
    const at = this.index.find(hash, head.headers.buffer, head.pathStart, end);
    return at < 0 ? undefined : this.buckets[at];
  }
}

/** The key under which a rule's state is carried over to a changed configuration. */
function stateKey(rule: HttpRule): string {
  return `${rule.route}#${rule.index}`;
}

/**
 * A table of HTTP or gRPC routes, ready to match.
 *
 * The table's order is the order of precedence and decides alone: {@link match} gives what trying the matches one by
 * one would give. It only looks at those whose path can match: one list for the exact path, one for each prefix at an
 * element's end, and the regular expressions, each only while it could still beat the best found so far.
 *
 * Paths are compared as the bytes that came, without undoing percent-encoding.
 */
export class CompiledHttpRoutes {
  readonly kind: 'http' | 'grpc';
  private readonly states: ReadonlyMap<string, RuleState>;
  private readonly slots: Slots = { headers: new HeaderSlots(), query: new QuerySlots() };
  private readonly exact = new PathBuckets();
  private readonly prefixes = new PathBuckets();
  private readonly root = new MatchList();
  private readonly regexes = new PathRegexes();

  constructor(table: HttpRouteTable, kind: 'http' | 'grpc', options: CompileOptions) {
    this.kind = kind;
    const { previous, random = Math.random } = options;
    const states = new Map<string, RuleState>();
    for (const rule of table.rules) {
      states.set(stateKey(rule), new RuleState(rule, previous?.states.get(stateKey(rule)), random));
    }
    this.states = states;
    const compiled = new Map<string, CompiledRule>();
    table.matches.forEach((entry, order) => this.addMatch(order, entry, table.rules, compiled));
    this.regexes.seal();
  }

  private addMatch(
    order: number,
    { match, rule: ruleIndex }: HttpMatchEntry,
    rules: readonly HttpRule[],
    compiled: Map<string, CompiledRule>,
  ): void {
    const rule = rules[ruleIndex];
    if (rule === undefined) throw new RangeError(`match ${order} leads to rule ${ruleIndex}, which does not exist`);
    const { path } = match;
    const pathBytes = utf8(path.type === 'prefix' ? path.value.replace(/\/+$/, '') : path.value);
    const prefixLength = path.type === 'prefix' ? pathBytes.length : -1;
    const key = `${ruleIndex} ${prefixLength}`;
    let target = compiled.get(key);
    if (target === undefined) {
      target = new CompiledRule(rule, this.states.get(stateKey(rule)) as RuleState, prefixLength);
      compiled.set(key, target);
    }
    const compiledMatch = new CompiledMatch(order, match, target, this.slots);
    switch (path.type) {
      case 'exact':
        this.exact.add(pathBytes, compiledMatch);
        return;
      case 'prefix':
        if (pathBytes.length === 0) this.root.add(compiledMatch);
        else this.prefixes.add(pathBytes, compiledMatch);
        return;
      case 'regex':
        this.regexes.add(path.value, compiledMatch);
        return;
    }
  }

  /** The rule of the first match, in the order of precedence, that holds for the request; undefined when none does. */
  match(head: RequestHead): CompiledRule | undefined {
    const { slots } = this;
    slots.headers.begin();
    slots.query.begin();
    const byPath = this.root.better(head, slots, this.firstByPath(head));
    return this.regexes.better(head, slots, byPath)?.rule;
  }

  /** Walks the path once; at each element's end the hash so far finds the prefix, at the path's end the exact path. */
  private firstByPath(head: RequestHead): CompiledMatch | undefined {
    const { pathStart, pathEnd } = head;
    const { buffer } = head.headers;
    const exactLongest = this.exact.longest;
    const prefixEnd = pathStart + this.prefixes.longest;
    const length = pathEnd - pathStart;
    const until = length <= exactLongest ? pathEnd : Math.min(pathEnd, prefixEnd);
    let best: CompiledMatch | undefined;
    let hash = hashStart;
    let at = pathStart;
    for (; at < until; at++) {
      const byte = buffer[at] as number;
      if (byte === 47 && at > pathStart && at <= prefixEnd) {
        best = this.prefixes.bucketOf(hash, head, at)?.better(head, this.slots, best) ?? best;
      }
      hash = hashByte(hash, byte);
    }
    // `at` is an element's end here if the path ends or goes on with a slash.
    if (at <= prefixEnd && at > pathStart && (at === pathEnd || buffer[at] === 47)) {
      best = this.prefixes.bucketOf(hash, head, at)?.better(head, this.slots, best) ?? best;
    }
    if (length > exactLongest) return best;
    return this.exact.bucketOf(hash, head, pathEnd)?.better(head, this.slots, best) ?? best;
  }
}

/** What a compiled table keeps from the one before it, and where random numbers in [0, 1) come from. */
export interface CompileOptions {
  readonly previous?: CompiledHttpRoutes | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * Compiles a table. Rules that were in `previous` (the same route and index) keep their place among the weights, so that
 * a change of configuration does not start the shares over. Throws when an expression is not RE2.
 */
export function compileHttpRoutes(
  table: HttpRouteTable,
  kind: 'http' | 'grpc',
  previous?: CompiledHttpRoutes,
  random?: () => number,
): CompiledHttpRoutes {
  return new CompiledHttpRoutes(table, kind, { previous, random });
}
