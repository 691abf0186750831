import type { GRPCMethodMatch, GRPCRouteMatch } from '@tulle/gateway-api';
import type { HttpMatch, PathMatch } from '@tulle/ir';
import { headerMatches } from './header-match.ts';
import type { RankedMatch, RuleReporter } from './outcome.ts';
import { quoteRegex, regexProblem } from './regex.ts';

/** Any service or method, as part of a path. */
const anyName = '[^/]+';

/** The path of a gRPC call is `/service/method` (gRPC over HTTP/2, "Requests"). */
function pathOf(method: GRPCMethodMatch | undefined, place: string, reporter: RuleReporter): PathMatch | undefined {
  const service = method?.service ?? '';
  const name = method?.method ?? '';
  if (method === undefined || (service === '' && name === '')) return { type: 'prefix', value: '/' };
  switch (method.type) {
    case 'Exact':
      if (service === '') return { type: 'regex', value: `/${anyName}/${quoteRegex(name)}` };
      return name === '' ? { type: 'prefix', value: `/${service}` } : { type: 'exact', value: `/${service}/${name}` };
    case 'RegularExpression': {
      const parts = { service, method: name };
      for (const [field, pattern] of Object.entries(parts)) {
        const problem = regexProblem(pattern);
        if (problem === undefined) continue;
        reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.${field}: ${problem}` });
        return undefined;
      }
      const part = (pattern: string) => (pattern === '' ? anyName : `(?:${pattern})`);
      return { type: 'regex', value: `/${part(service)}/${part(name)}` };
    }
    default: {
      const unknown: string = method.type;
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.type: "${unknown}" is not known` });
      return undefined;
    }
  }
}

/** What the numbers of a GRPCRoute's rank count; the larger comes first. */
export const grpcRankNames = [
  'longest service',
  'longest method',
  'longest service expression',
  'longest method expression',
  'most headers',
] as const;

/**
 * The rank of a GRPCRoute's match, from the API's words: "Precedence MUST be given to the rule with the largest number
 * of: … characters in a matching service; characters in a matching method; header matches." A regular expression's
 * characters are not those that it matches: such a match comes after those of exact names, before those of none.
 */
export function grpcRank(method: GRPCMethodMatch | undefined, headerCount: number): readonly number[] {
  const lengths = [method?.service?.length ?? 0, method?.method?.length ?? 0];
  return method?.type === 'RegularExpression' ? [0, 0, ...lengths, headerCount] : [...lengths, 0, 0, headerCount];
}

/** Translates the matches of a rule; none at all match every call. */
export function grpcMatches(
  matches: readonly GRPCRouteMatch[] | undefined,
  place: string,
  reporter: RuleReporter,
): RankedMatch[] {
  const list = matches === undefined || matches.length === 0 ? [{}] : matches;
  return list.flatMap((one: GRPCRouteMatch, i) => {
    const at = `${place}.matches[${i}]`;
    const path = pathOf(one.method, `${at}.method`, reporter);
    const headers = headerMatches(one.headers, `${at}.headers`, reporter);
    if (path === undefined) return [];
    const match: HttpMatch = { path, headers, queryParams: [] };
    return [{ match, rank: grpcRank(one.method, headers.length) }];
  });
}
