import type { RequestHead } from '@tulle/core';
import { RE2JS, RE2JSException, RE2Set } from 're2js';
import { textOf } from './bytes.ts';
import type { CompiledMatch } from './match.ts';
import type { Slots } from './match-list.ts';

interface RegexPath {
  readonly regex: RE2JS;
  readonly match: CompiledMatch;
}

/** So many expressions and more are tried together. */
const togetherFrom = 8;
/** Longer paths are tried one by one: where the automaton has no room for what it learns, it is dearer for each byte. */
const maxPathBytes = 1024;
/** What takes longer, so often within so many paths, is a set that has no room: it is given up until the table changes. */
const dearMs = 5;
const maxDear = 4;
const forgottenAfter = 4096;
/** What the states of expressions that are tried together may take, by the library's own estimate. */
const maxSetBytes = 2 * 1024 * 1024;

/**
 * Matches by a regular expression for all of the path, in the order of precedence. Many are one automaton that reads the
 * path once, however many they are; few are tried one by one.
 */
export class PathRegexes {
  private readonly paths: RegexPath[] = [];
  /** The expressions as one, at the same indices; undefined for few, or where they are too large together. */
  private together: RE2Set | undefined;
  private tried = 0;
  private dear = 0;

  /** Adds a match that comes after all that were added. Throws when the expression is not RE2. */
  add(expression: string, match: CompiledMatch): void {
    this.paths.push({ regex: RE2JS.compile(expression), match });
  }

  /** To be called when all have been added. */
  seal(): void {
    if (this.paths.length >= togetherFrom) this.together = setOf(this.paths);
  }

  /** The first match that holds and comes before `best`; else `best`. */
  better(head: RequestHead, slots: Slots, best: CompiledMatch | undefined): CompiledMatch | undefined {
    const [first] = this.paths;
    if (first === undefined || (best !== undefined && first.match.order >= best.order)) return best;
    return this.together === undefined || head.pathEnd - head.pathStart > maxPathBytes
      ? this.betterOneByOne(head, slots, best)
      : this.betterOf(this.together, { head, slots, best });
  }

  private betterOneByOne(head: RequestHead, slots: Slots, best: CompiledMatch | undefined): CompiledMatch | undefined {
    let path: string | undefined;
    for (let i = 0; i < this.paths.length; i++) {
      const { regex, match } = this.paths[i] as RegexPath;
      if (best !== undefined && match.order >= best.order) return best;
      if (!match.holds(head, slots.headers, slots.query)) continue;
      path ??= pathOf(head);
      if (regex.testExact(path)) return match;
    }
    return best;
  }

  private betterOf(
    together: RE2Set,
    { head, slots, best }: { head: RequestHead; slots: Slots; best: CompiledMatch | undefined },
  ): CompiledMatch | undefined {
    const begunMs = performance.now();
    const found = together.match(pathOf(head));
    this.judge(performance.now() - begunMs);
    for (let i = 0; i < found.length; i++) {
      const { match } = this.paths[found[i] as number] as RegexPath;
      if (best !== undefined && match.order >= best.order) return best;
      if (match.holds(head, slots.headers, slots.query)) return match;
    }
    return best;
  }

  private judge(tookMs: number): void {
    if (++this.tried % forgottenAfter === 0) this.dear = 0;
    if (tookMs > dearMs && ++this.dear > maxDear) this.together = undefined;
  }
}

function setOf(paths: readonly RegexPath[]): RE2Set | undefined {
  const set = new RE2Set(RE2Set.ANCHOR_BOTH, 0, maxSetBytes);
  try {
    for (const { regex } of paths) set.add(regex.pattern());
    set.compile();
    return set;
  } catch (error) {
    // Each alone has been compiled: together they are more than the library takes.
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}

function pathOf({ headers, pathStart, pathEnd }: RequestHead): string {
  return textOf(headers.buffer, pathStart, pathEnd);
}
