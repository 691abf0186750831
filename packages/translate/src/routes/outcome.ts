import type { HttpMatch, HttpRule, RouteKind, TcpRule, TlsRule } from '@tulle/ir';
import type { Route } from '../input.ts';

/** Reasons of a route's condition Accepted that a translation gives. */
export type AcceptedReason =
  'Accepted' | 'NoMatchingParent' | 'UnsupportedValue' | 'IncompatibleFilters' | 'Pending' | 'Conflicted';

/** Reasons of a route's condition ResolvedRefs that a translation gives. */
export type ResolvedRefsReason = 'ResolvedRefs' | 'InvalidKind' | 'BackendNotFound' | 'UnsupportedProtocol';

/** Why a rule, or a whole route, is not used. */
export interface Refusal {
  readonly reason: 'UnsupportedValue' | 'IncompatibleFilters';
  readonly message: string;
  /** Whether the whole route is refused with it, because dropping the rule alone would let requests past it. */
  readonly isForRoute?: boolean;
}

/** A reference in a route that leads nowhere; `message` names its place. */
export interface UnresolvedRef {
  readonly reason: Exclude<ResolvedRefsReason, 'ResolvedRefs'>;
  readonly message: string;
}

/** Takes what is found wrong while a route's rules are translated. */
export interface RuleReporter {
  refuse(refusal: Refusal): void;
  unresolved(ref: UnresolvedRef): void;
}

/** A match with its rank: the first number that differs decides, the larger comes first. */
export interface RankedMatch {
  readonly match: HttpMatch;
  readonly rank: readonly number[];
}

/** A rule of an HTTPRoute or GRPCRoute, with its matches. */
export interface RankedHttpRule {
  readonly rule: HttpRule;
  readonly matches: readonly RankedMatch[];
}

/** The rules of a route that can be used, by the kind of route. */
export type RouteContent =
  | { readonly kind: 'http' | 'grpc'; readonly rules: readonly RankedHttpRule[] }
  | { readonly kind: 'tls'; readonly rules: readonly TlsRule[] }
  | { readonly kind: 'tcp'; readonly rules: readonly TcpRule[] };

/** What a route says, whatever its parents. */
export interface TranslatedRoute {
  readonly route: Route;
  readonly content: RouteContent;
  /** Why none of it can be used. */
  readonly refusal: Refusal | undefined;
  /** What of it is left out, a sentence each. */
  readonly droppedRules: readonly string[];
  readonly unresolved: readonly UnresolvedRef[];
  /** Fields that are there but mean nothing here. */
  readonly remarks: readonly string[];
}

/** The kinds of routes in the order in which they win a Service port (GEP-1294, "Route types"). */
export const kindOrder = ['grpc', 'http', 'tls', 'tcp'] as const satisfies readonly RouteKind[];
