import type { BackendRef, GRPCRoute, HTTPRoute, TCPRoute, TLSRoute, UDPRoute } from '@tulle/gateway-api';
import type { TcpRule } from '@tulle/ir';
import { routeKey } from '../input.ts';
import type { Route } from '../input.ts';
import type { ServiceLookup } from '../lookup.ts';
import { resolveBackend } from './backend-ref.ts';
import type { ReferenceContext } from './backend-ref.ts';
import { grpcRule, httpRule } from './http-rule.ts';
import type { RankedHttpRule, Refusal, RouteContent, TranslatedRoute, UnresolvedRef } from './outcome.ts';

/** What became of a list of rules: those that can be used, and why others cannot. */
interface TranslatedRules<T> {
  readonly rules: readonly T[];
  readonly refusals: readonly Refusal[];
  readonly unresolved: readonly UnresolvedRef[];
}

/** Translates each rule by itself, so that one that cannot be used does not take the others with it. */
function eachRule<Spec, T>(
  specs: readonly Spec[] | undefined,
  translate: (spec: Spec, index: number, reporter: ReferenceContext['reporter']) => T,
): TranslatedRules<T> {
  const rules: T[] = [];
  const refusals: Refusal[] = [];
  const unresolved: UnresolvedRef[] = [];
  (specs ?? []).forEach((spec, index) => {
    const own: Refusal[] = [];
    const refs: UnresolvedRef[] = [];
    const rule = translate(spec, index, { refuse: (one) => own.push(one), unresolved: (one) => refs.push(one) });
    unresolved.push(...refs);
    const refusal = allOf(own);
    if (refusal === undefined) rules.push(rule);
    else refusals.push({ ...refusal, isForRoute: own.some((one) => one.isForRoute) });
  });
  return { rules, refusals, unresolved };
}

/** One refusal that says what each of several says; undefined when there are none. */
function allOf(refusals: readonly Refusal[]): Refusal | undefined {
  const [first] = refusals;
  return first === undefined ? undefined : { ...first, message: refusals.map(({ message }) => message).join('; ') };
}

/** Whether the route as a whole can be used: at least one rule, and nothing that must not be left out. */
function outcome<T>(
  route: Route,
  translated: TranslatedRules<T>,
  content: (rules: readonly T[]) => RouteContent,
): TranslatedRoute {
  const { rules, refusals, unresolved } = translated;
  const fatal = refusals.find((refusal) => refusal.isForRoute) ?? (rules.length === 0 ? allOf(refusals) : undefined);
  const hostnames = 'hostnames' in route.spec ? (route.spec.hostnames ?? []) : [];
  const isIgnoringHostnames = hostnames.length > 0 && route.kind !== 'TLSRoute';
  return {
    route,
    content: content(fatal === undefined ? rules : []),
    refusal: fatal,
    droppedRules: fatal === undefined ? refusals.map(({ message }) => message) : [],
    unresolved,
    remarks: isIgnoringHostnames ? ['hostnames are ignored: a Service is known by its address'] : [],
  };
}

function httpRoute(route: HTTPRoute, context: Omit<ReferenceContext, 'reporter'>): TranslatedRoute {
  const translated = eachRule(route.spec.rules, (spec, index, reporter) =>
    httpRule(spec, { route: routeKey(route), index }, { ...context, reporter }),
  );
  return outcome(route, translated, (rules: readonly RankedHttpRule[]) => ({ kind: 'http', rules }));
}

function grpcRoute(route: GRPCRoute, context: Omit<ReferenceContext, 'reporter'>): TranslatedRoute {
  const translated = eachRule(route.spec.rules, (spec, index, reporter) =>
    grpcRule(spec, { route: routeKey(route), index }, { ...context, reporter }),
  );
  return outcome(route, translated, (rules: readonly RankedHttpRule[]) => ({ kind: 'grpc', rules }));
}

function connectionRule(
  spec: { readonly name?: string; readonly backendRefs?: readonly BackendRef[] },
  place: { readonly route: string; readonly index: number },
  context: ReferenceContext,
): TcpRule {
  const backends = (spec.backendRefs ?? []).map((backend, i) => ({
    target: resolveBackend(backend, `rules[${place.index}].backendRefs[${i}]`, context),
    weight: backend.weight ?? 1,
    filters: [],
  }));
  return { ...place, ...(spec.name === undefined ? {} : { name: spec.name }), backends };
}

function tcpRoute(route: TCPRoute, context: Omit<ReferenceContext, 'reporter'>): TranslatedRoute {
  const translated = eachRule(route.spec.rules, (spec, index, reporter) => {
    if (index > 0) {
      const message = `rules[${index}]: every connection follows the first rule of a TCPRoute`;
      reporter.refuse({ reason: 'UnsupportedValue', message });
    }
    return connectionRule(spec, { route: routeKey(route), index }, { ...context, reporter });
  });
  return outcome(route, translated, (rules) => ({ kind: 'tcp', rules }));
}

function tlsRoute(route: TLSRoute, context: Omit<ReferenceContext, 'reporter'>): TranslatedRoute {
  const serverNames = route.spec.hostnames ?? [];
  const translated = eachRule(route.spec.rules, (spec, index, reporter) => {
    if (index > 0) {
      const message = `rules[${index}]: every connection follows the first rule of a TLSRoute`;
      reporter.refuse({ reason: 'UnsupportedValue', message });
    }
    return { ...connectionRule(spec, { route: routeKey(route), index }, { ...context, reporter }), serverNames };
  });
  return outcome(route, translated, (rules) => ({ kind: 'tls', rules }));
}

/** No datagram is routed, but the status says all the same which references lead nowhere. */
function udpRoute(route: UDPRoute, context: Omit<ReferenceContext, 'reporter'>): TranslatedRoute {
  const message = 'UDP is not carried by the mesh: it goes its usual way, without routes';
  const { unresolved } = eachRule(route.spec.rules, (spec, index, reporter) =>
    connectionRule(spec, { route: routeKey(route), index }, { ...context, reporter }),
  );
  return {
    route,
    content: { kind: 'tcp', rules: [] },
    refusal: { reason: 'UnsupportedValue', message },
    droppedRules: [],
    unresolved,
    remarks: [],
  };
}

/** Translates what a route says, whatever its parents. */
export function translateRoute(route: Route, services: ServiceLookup): TranslatedRoute {
  const { namespace } = route.metadata;
  switch (route.kind) {
    case 'HTTPRoute':
      return httpRoute(route, { services, namespace, sends: 'requests' });
    case 'GRPCRoute':
      return grpcRoute(route, { services, namespace, sends: 'requests' });
    case 'TLSRoute':
      return tlsRoute(route, { services, namespace, sends: 'connections' });
    case 'TCPRoute':
      return tcpRoute(route, { services, namespace, sends: 'connections' });
    case 'UDPRoute':
      return udpRoute(route, { services, namespace, sends: 'datagrams' });
  }
}
