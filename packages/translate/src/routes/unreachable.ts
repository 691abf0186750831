import type { HttpMatch, HttpRouteTable, HttpRule, PathMatch, StringMatch } from '@tulle/ir';

/** A rule that no request can reach, and one that takes requests before it. */
export interface UnreachableRule {
  readonly rule: HttpRule;
  readonly takenBy: HttpRule;
}

/**
 * The rules of a table whose every match is covered by a match of another rule before it. Each match is compared with
 * those before it whose path may take in its own: the same path, or a prefix of it.
 */
export function unreachableRules({ rules, matches }: HttpRouteTable): UnreachableRule[] {
  const earlier = new Map<string, { readonly match: HttpMatch; readonly rule: number }[]>();
  const reached = new Set<number>();
  const takenBy = new Map<number, number>();
  for (const entry of matches) {
    const { match, rule } = entry;
    const taker = coveringPaths(match.path)
      .flatMap((path) => earlier.get(path) ?? [])
      .find((other) => other.rule !== rule && coversRest(other.match, match));
    if (taker === undefined) reached.add(rule);
    else if (!takenBy.has(rule)) takenBy.set(rule, taker.rule);
    const key = pathKey(match.path);
    const known = earlier.get(key);
    if (known === undefined) earlier.set(key, [entry]);
    else known.push(entry);
  }
  return [...takenBy].flatMap(([index, other]) => {
    const [rule, taker] = [rules[index], rules[other]];
    return reached.has(index) || rule === undefined || taker === undefined ? [] : [{ rule, takenBy: taker }];
  });
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
