import type { HTTPPathMatch, HTTPRouteMatch } from '@tulle/gateway-api';
import type { HttpMatch, PathMatch } from '@tulle/ir';
import { headerMatches, queryParamMatches } from './header-match.ts';
import type { RankedMatch, RuleReporter } from './outcome.ts';
import { regexProblem } from './regex.ts';

/** The match of a rule that has none: "the default is a prefix path match on "/"". */
const everything: HTTPPathMatch = { type: 'PathPrefix', value: '/' };

function pathMatch(path: HTTPPathMatch, place: string, reporter: RuleReporter): PathMatch | undefined {
  switch (path.type) {
    case 'Exact':
      return { type: 'exact', value: path.value };
    case 'PathPrefix':
      return { type: 'prefix', value: path.value.replace(/\/+$/, '') || '/' };
    case 'RegularExpression': {
      const problem = regexProblem(path.value);
      if (problem === undefined) return { type: 'regex', value: path.value };
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.value: ${problem}` });
      return undefined;
    }
    default: {
      const unknown: string = path.type;
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.type: "${unknown}" is not known` });
      return undefined;
    }
  }
}

/** What the numbers of an HTTPRoute's rank count; the larger comes first. */
export const httpRankNames = [
  'exact path',
  'longest prefix',
  'longest expression',
  'method',
  'most headers',
  'most query parameters',
] as const;

/**
 * The rank of an HTTPRoute's match, from the API's words: "precedence must be given to the match having:
 * "Exact" path match; "Prefix" path match with largest number of characters; method match; largest number of header
 * matches; largest number of query param matches." Regular expressions, whose rank is the implementation's own affair,
 * come after both other kinds of paths, the longest first.
 */
export function httpRank(match: HttpMatch): readonly number[] {
  const { path, method, headers, queryParams } = match;
  return [
    path.type === 'exact' ? 1 : 0,
    path.type === 'prefix' ? path.value.length : 0,
    path.type === 'regex' ? path.value.length : 0,
    method === undefined ? 0 : 1,
    headers.length,
    queryParams.length,
  ];
}

/** Translates the matches of a rule; what is wrong with them goes to the reporter, and they are left out. */
export function httpMatches(
  matches: readonly HTTPRouteMatch[] | undefined,
  place: string,
  reporter: RuleReporter,
): RankedMatch[] {
  const list: readonly HTTPRouteMatch[] =
    matches === undefined || matches.length === 0 ? [{ path: everything }] : matches;
  return list.flatMap((one, i) => {
    const at = `${place}.matches[${i}]`;
    const path = pathMatch(one.path ?? everything, `${at}.path`, reporter);
    const headers = headerMatches(one.headers, `${at}.headers`, reporter);
    const queryParams = queryParamMatches(one.queryParams, `${at}.queryParams`, reporter);
    if (path === undefined) return [];
    const match: HttpMatch = {
      path,
      ...(one.method === undefined ? {} : { method: one.method }),
      headers,
      queryParams,
    };
    return [{ match, rank: httpRank(match) }];
  });
}
