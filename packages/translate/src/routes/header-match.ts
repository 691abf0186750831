import type { HeaderMatch, QueryParamMatch, StringMatch } from '@tulle/ir';
import type { RuleReporter } from './outcome.ts';
import { regexProblem } from './regex.ts';

/** A header or query parameter of a match, as HTTPRoute and GRPCRoute write it. */
export interface NamedMatch {
  readonly name: string;
  readonly type: string;
  readonly value: string;
}

function stringMatch(named: NamedMatch, place: string, reporter: RuleReporter): StringMatch | undefined {
  switch (named.type) {
    case 'Exact':
      return { type: 'exact', value: named.value };
    case 'RegularExpression': {
      const problem = regexProblem(named.value);
      if (problem === undefined) return { type: 'regex', value: named.value };
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.value: ${problem}` });
      return undefined;
    }
    default:
      reporter.refuse({ reason: 'UnsupportedValue', message: `${place}.type: "${named.type}" is not known` });
      return undefined;
  }
}

/** Translates a list; of several with one name only the first counts, and only it is kept. */
function firstOfEach(
  list: readonly NamedMatch[] | undefined,
  place: string,
  options: { readonly reporter: RuleReporter; readonly nameOf: (name: string) => string },
): { name: string; match: StringMatch }[] {
  const matches = new Map<string, StringMatch>();
  (list ?? []).forEach((named, i) => {
    const name = options.nameOf(named.name);
    if (matches.has(name)) return;
    const match = stringMatch(named, `${place}[${i}]`, options.reporter);
    if (match !== undefined) matches.set(name, match);
  });
  return [...matches].map(([name, match]) => ({ name, match }));
}

/** The headers of a match. "If multiple entries specify equivalent header names, only the first entry … MUST be considered." */
export function headerMatches(
  list: readonly NamedMatch[] | undefined,
  place: string,
  reporter: RuleReporter,
): HeaderMatch[] {
  return firstOfEach(list, place, { reporter, nameOf: (name) => name.toLowerCase() });
}

/** The query parameters of a match; their names are compared as they are. */
export function queryParamMatches(
  list: readonly NamedMatch[] | undefined,
  place: string,
  reporter: RuleReporter,
): QueryParamMatch[] {
  return firstOfEach(list, place, { reporter, nameOf: (name) => name });
}
