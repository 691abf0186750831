import type { GRPCRouteRule, HTTPRouteFilter, HTTPRouteRule } from '@tulle/gateway-api';
import type { HttpRule, WeightedBackend } from '@tulle/ir';
import { resolveBackend } from './backend-ref.ts';
import type { BackendReference, ReferenceContext } from './backend-ref.ts';
import { translateFilters } from './filters.ts';
import type { FilterContext } from './filters.ts';
import { grpcMatches } from './grpc-match.ts';
import { httpMatches } from './http-match.ts';
import type { RankedHttpRule } from './outcome.ts';
import { retryOf, sessionOf, timeoutsOf } from './rule-parts.ts';

/** Which rule of which route. */
export interface RulePlace {
  /** `Kind/namespace/name`. */
  readonly route: string;
  readonly index: number;
}

interface BackendSpec extends BackendReference {
  readonly weight?: number;
  readonly filters?: readonly HTTPRouteFilter[];
}

/** What HTTPRoute's and GRPCRoute's rules have in common. */
interface RuleSpec {
  readonly name?: string;
  readonly filters?: readonly HTTPRouteFilter[];
  readonly backendRefs?: readonly BackendSpec[];
}

/** Translates a rule of an HTTPRoute; what is wrong goes to the context's reporter. */
export function httpRule(spec: HTTPRouteRule, place: RulePlace, context: ReferenceContext): RankedHttpRule {
  const at = `rules[${place.index}]`;
  const { reporter } = context;
  const matches = httpMatches(spec.matches, at, reporter);
  const matchesPrefixes = matches.every(({ match }) => match.path.type === 'prefix');
  const session = { path: at, defaultName: defaultSessionName(place) };
  const rule = {
    ...commonRule(spec, place, { ...context, at: 'rule', matchesPrefixes }),
    ...timeoutsOf(spec.timeouts, at, reporter),
    ...retryOf(spec.retry, at, reporter),
    ...sessionOf(spec.sessionPersistence, session, reporter),
  };
  return { rule, matches };
}

/** Translates a rule of a GRPCRoute. */
export function grpcRule(spec: GRPCRouteRule, place: RulePlace, context: ReferenceContext): RankedHttpRule {
  const at = `rules[${place.index}]`;
  const matches = grpcMatches(spec.matches, at, context.reporter);
  const session = { path: at, defaultName: defaultSessionName(place) };
  const rule = {
    ...commonRule(spec, place, { ...context, at: 'rule', matchesPrefixes: false }),
    ...sessionOf(spec.sessionPersistence, session, context.reporter),
  };
  return { rule, matches };
}

function commonRule(spec: RuleSpec, place: RulePlace, context: FilterContext): HttpRule {
  const at = `rules[${place.index}]`;
  const { filters, blocked } = translateFilters(spec.filters, at, context);
  const backends = (spec.backendRefs ?? []).map((backend, i) =>
    weightedBackend(backend, `${at}.backendRefs[${i}]`, context),
  );
  if (backends.length > 0 && filters.some((filter) => filter.type === 'redirect')) {
    const message = `${at}: a rule that redirects cannot have backendRefs`;
    context.reporter.refuse({ reason: 'IncompatibleFilters', message });
  }
  const basics = { route: place.route, index: place.index, ...(spec.name === undefined ? {} : { name: spec.name }) };
  return blocked === undefined
    ? { ...basics, filters, backends }
    : { ...basics, filters: [], backends: [blockedBackend(blocked)] };
}

function weightedBackend(backend: BackendSpec, place: string, context: FilterContext): WeightedBackend {
  const target = resolveBackend(backend, place, context);
  const { filters, blocked } = translateFilters(backend.filters, place, { ...context, at: 'backend' });
  const weight = backend.weight ?? 1;
  return blocked === undefined ? { target, weight, filters } : { ...blockedBackend(blocked), weight };
}

/** Stands for what a filter that is not known would have done: an error for each request. */
function blockedBackend(place: string): WeightedBackend {
  const message = `${place}: a filter that is not known must not be skipped`;
  return { target: { type: 'invalid', reason: 'InvalidKind', message }, weight: 1, filters: [] };
}

/** Differs among the rules of a group, so that the sessions of one do not take the place of another's. */
function defaultSessionName({ route, index }: RulePlace): string {
  const [, namespace = '', name = ''] = route.split('/');
  return `tulle-session-${namespace}-${name}-${index}`;
}
