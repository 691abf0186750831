import { namespaces } from '../manifests.ts';
import type { Manifest } from '../manifests.ts';

/** Ports of the application's pods. A route leads to `routed`, a Service alone to `own`. */
export const originPorts = { own: 8081, routed: 8082, other: 8083, tls: 8443, helper: 8086, status: 8087 } as const;

/** Services that routes lead to. */
export const backends = {
  routed: 'origin-routed',
  other: 'origin-other',
  mirror: 'origin-mirror',
  budget: 'origin-budget',
  tls: 'origin-tls',
} as const;

/** A backendRef to one of {@link backends}. */
export function to(name: string, more: { readonly weight?: number; readonly filters?: readonly object[] } = {}) {
  return { name, port: 80, ...more };
}

/** A rule that leads to `routed`. */
export function rule(more: object = {}): object {
  return { backendRefs: [to(backends.routed)], ...more };
}

/** A rule of one match. */
export function matching(match: object): object {
  return rule({ matches: [match] });
}

/** The rules that an HTTPRoute may have at most. */
const rulesPerRoute = 16;

/** HTTPRoutes of a Service: as many as its rules need, named so that their order of precedence is that of the rules. */
export function routes(service: string, rules: readonly object[]): Manifest[] {
  const count = Math.ceil(rules.length / rulesPerRoute);
  return Array.from({ length: count }, (_, index) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      name: `${service}-${String(index).padStart(3, '0')}`,
      namespace: namespaces.meshed,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: service, port: 80 }],
      rules: rules.slice(index * rulesPerRoute, (index + 1) * rulesPerRoute),
    },
  }));
}
