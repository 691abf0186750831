import type { RequestHead } from '@tulle/core';
import type { HttpMatchEntry, HttpRouteTable, HttpRule } from '@tulle/ir';
import { RE2JS } from 're2js';
import { ByteIndex, hashByte, hashStart, textOf, utf8 } from './bytes.ts';
import { HeaderSlots } from './header-values.ts';
import { CompiledMatch } from './match.ts';
import { QuerySlots } from './query-values.ts';
import { CompiledRule, RuleState } from './rule.ts';

/** The matches that share one exact path or one prefix, in the order of precedence. */
type Bucket = CompiledMatch[];

/** Paths of one kind (exact or prefix) with the matches of each; `longest` bounds how far a request's path is hashed. */
class PathBuckets {
  readonly index = new ByteIndex();
  readonly buckets: Bucket[] = [];
  longest = -1;

  add(path: Buffer, match: CompiledMatch): void {
    const at = this.index.add(path);
    (this.buckets[at] ??= []).push(match);
    this.longest = Math.max(this.longest, path.length);
  }

  bucketOf(hash: number, head: RequestHead, end: number): Bucket | undefined {
    const at = this.index.find(hash, head.headers.buffer, head.pathStart, end);
    return at < 0 ? undefined : this.buckets[at];
  }
}

interface RegexPath {
  readonly regex: RE2JS;
  readonly match: CompiledMatch;
}

/** The key under which a rule's state is carried over to a changed configuration. */
function stateKey(rule: HttpRule): string {
  return `${rule.route}#${rule.index}`;
}

/**
 * A table of HTTP or gRPC routes, ready to match.
 *
 * The table's order is the order of precedence and decides alone: {@link match} gives what trying the matches one by
 * one would give. It only looks at those whose path can match: one bucket for the exact path, one for each prefix at an
 * element's end, and the regular expressions, each only while it could still beat the best found so far.
 *
 * Paths are compared as the bytes that came, without undoing percent-encoding.
 */
export class CompiledHttpRoutes {
  readonly kind: 'http' | 'grpc';
  private readonly states: ReadonlyMap<string, RuleState>;
  private readonly headerSlots = new HeaderSlots();
  private readonly querySlots = new QuerySlots();
  private readonly exact = new PathBuckets();
  private readonly prefixes = new PathBuckets();
  private readonly root: Bucket = [];
  private readonly regexes: RegexPath[] = [];

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
    const slots = { headers: this.headerSlots, query: this.querySlots };
    const compiledMatch = new CompiledMatch(order, match, target, slots);
    switch (path.type) {
      case 'exact':
        this.exact.add(pathBytes, compiledMatch);
        return;
      case 'prefix':
        if (pathBytes.length === 0) this.root.push(compiledMatch);
        else this.prefixes.add(pathBytes, compiledMatch);
        return;
      case 'regex':
        this.regexes.push({ regex: RE2JS.compile(path.value), match: compiledMatch });
        return;
    }
  }

  /** The rule of the first match, in the order of precedence, that holds for the request; undefined when none does. */
  match(head: RequestHead): CompiledRule | undefined {
    this.headerSlots.begin();
    this.querySlots.begin();
    let best = this.firstByPath(head);
    best = this.better(this.root, head, best);
    return (this.regexes.length === 0 ? best : this.betterByRegex(head, best))?.rule;
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
        best = this.better(this.prefixes.bucketOf(hash, head, at), head, best);
      }
      hash = hashByte(hash, byte);
    }
    // `at` is an element's end here if the path ends or goes on with a slash.
    if (at <= prefixEnd && at > pathStart && (at === pathEnd || buffer[at] === 47)) {
      best = this.better(this.prefixes.bucketOf(hash, head, at), head, best);
    }
    if (length > exactLongest) return best;
    return this.better(this.exact.bucketOf(hash, head, pathEnd), head, best);
  }

  private better(
    bucket: Bucket | undefined,
    head: RequestHead,
    best: CompiledMatch | undefined,
  ): CompiledMatch | undefined {
    if (bucket === undefined) return best;
    const limit = best === undefined ? Infinity : best.order;
    for (let i = 0; i < bucket.length; i++) {
      const match = bucket[i] as CompiledMatch;
      if (match.order >= limit) return best;
      if (match.holds(head, this.headerSlots, this.querySlots)) return match;
    }
    return best;
  }

  private betterByRegex(head: RequestHead, best: CompiledMatch | undefined): CompiledMatch | undefined {
    let path: string | undefined;
    for (let i = 0; i < this.regexes.length; i++) {
      const { regex, match } = this.regexes[i] as RegexPath;
      if (best !== undefined && match.order >= best.order) return best;
      if (!match.holds(head, this.headerSlots, this.querySlots)) continue;
      path ??= textOf(head.headers.buffer, head.pathStart, head.pathEnd);
      if (regex.testExact(path)) return match;
    }
    return best;
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
