import type { HttpMatch, HttpMatchEntry, HttpRouteTable, HttpRule, PathMatch, StringMatch } from '@tulle/ir';

/** A rule that no request can reach, and one that takes requests before it. */
export interface UnreachableRule {
  readonly rule: HttpRule;
  readonly takenBy: HttpRule;
}

/** At most this many matches are looked at for each: the time stays in proportion, and a warning may be missed. */
const maxCompared = 200;

/**
 * The rules of a table whose every match is covered by a match of another rule before it. Each match is compared with
 * those before it whose path may take in its own, the same path or a prefix of it, and of which the part that fewest
 * matches ask for is one that it asks for, too.
 */
export function unreachableRules({ rules, matches }: HttpRouteTable): UnreachableRule[] {
  const counts = new Map<string, number>();
  for (const { match } of matches) for (const part of partsOf(match)) counts.set(part, (counts.get(part) ?? 0) + 1);
  const earlier = new Map<string, HttpMatchEntry[]>();
  const reached = new Set<number>();
  const takenBy = new Map<number, number>();
  for (const entry of matches) {
    const { match, rule } = entry;
    const parts = partsOf(match);
    const taker = findTaker(entry, ['', ...parts], earlier);
    if (taker === undefined) reached.add(rule);
    else if (!takenBy.has(rule)) takenBy.set(rule, taker.rule);
    const key = placeKey(pathKey(match.path), rarest(parts, counts));
    const known = earlier.get(key);
    if (known === undefined) earlier.set(key, [entry]);
    else if (known.length < maxCompared) known.push(entry);
  }
  return [...takenBy].flatMap(([index, other]) => {
    const [rule, taker] = [rules[index], rules[other]];
    return reached.has(index) || rule === undefined || taker === undefined ? [] : [{ rule, takenBy: taker }];
  });
}

/** A match of another rule that takes every request that a match could take, among those that came before it. */
function findTaker(
  { match, rule }: HttpMatchEntry,
  parts: readonly string[],
  earlier: ReadonlyMap<string, readonly HttpMatchEntry[]>,
): HttpMatchEntry | undefined {
  let left = maxCompared;
  for (const path of coveringPaths(match.path)) {
    for (const part of parts) {
      for (const other of earlier.get(placeKey(path, part)) ?? []) {
        if (other.rule !== rule && coversRest(other.match, match)) return other;
        left -= 1;
        if (left === 0) return undefined;
      }
    }
  }
  return undefined;
}

/** What a match asks for besides the path, a text for each. */
function partsOf({ method, headers, queryParams }: HttpMatch): string[] {
  const named = (what: string) => (one: Named) => `${what} ${one.match.type} ${one.name} ${one.match.value}`;
  return [
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(named('header')),
    ...queryParams.map(named('query')),
  ];
}

/** Of the parts the one that fewest matches have; empty when there is none. */
function rarest(parts: readonly string[], counts: ReadonlyMap<string, number>): string {
  const count = (part: string) => counts.get(part) ?? 0;
  return parts.reduce((best, part) => (best === '' || count(part) < count(best) ? part : best), '');
}

function placeKey(path: string, part: string): string {
  return `${path}\n${part}`;
}

function pathKey({ type, value }: PathMatch): string {
  return `${type} ${value}`;
}

/** The paths of matches that take in every path that this one does. */
function coveringPaths(path: PathMatch): string[] {
  const keys = [pathKey(path), 'prefix /'];
  if (path.type === 'regex') return keys;
  // A prefix matches whole elements: `/a` takes in `/a/b`, not `/ab`.
  for (let end = path.value.length; end > 0; end = path.value.lastIndexOf('/', end - 1)) {
    keys.push(`prefix ${path.value.slice(0, end)}`);
  }
  return [...new Set(keys)];
}

/** Whether `one` asks for nothing besides the path that `other` does not ask for, too. */
function coversRest(one: HttpMatch, other: HttpMatch): boolean {
  return (
    (one.method === undefined || one.method === other.method) &&
    asksNoMore(one.headers, other.headers) &&
    asksNoMore(one.queryParams, other.queryParams)
  );
}

interface Named {
  readonly name: string;
  readonly match: StringMatch;
}

function asksNoMore(one: readonly Named[], other: readonly Named[]): boolean {
  return one.every(({ name, match }) =>
    other.some((its) => its.name === name && its.match.type === match.type && its.match.value === match.value),
  );
}
