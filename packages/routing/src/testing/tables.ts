import type { HttpFilter, HttpMatch, HttpRouteTable, HttpRule, PathMatch, WeightedBackend } from '@tulle/ir';

/** A path match from a short form: `=/x` exact, `/x` prefix, `~x` regular expression. */
export function pathMatch(text: string): PathMatch {
  if (text.startsWith('=')) return { type: 'exact', value: text.slice(1) };
  if (text.startsWith('~')) return { type: 'regex', value: text.slice(1) };
  return { type: 'prefix', value: text };
}

/** A match on `path` with what `parts` adds. */
export function httpMatch(path: string, parts: Partial<Omit<HttpMatch, 'path'>> = {}): HttpMatch {
  return { path: pathMatch(path), headers: [], queryParams: [], ...parts };
}

/** A Service backend. */
export function backend(service: string, weight = 1, filters: readonly HttpFilter[] = []): WeightedBackend {
  return { target: { type: 'service', service: `shop/${service}`, port: 80 }, weight, filters };
}

/** A rule number `index` of the route `HTTPRoute/shop/r`. */
export function httpRule(index: number, parts: Partial<HttpRule> = {}): HttpRule {
  return { route: 'HTTPRoute/shop/r', index, filters: [], backends: [backend('v1')], ...parts };
}

/** A table in which match `i` leads to rule `i`. */
export function tableOf(matches: readonly HttpMatch[]): HttpRouteTable {
  return { rules: matches.map((_, i) => httpRule(i)), matches: matches.map((match, rule) => ({ match, rule })) };
}
