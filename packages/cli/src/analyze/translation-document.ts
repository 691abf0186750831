import type { KubernetesObject } from '@tulle/gateway-api';
import { redactState } from '@tulle/ir';
import { canonicalYaml, plainState } from '@tulle/ir/canonical';
import { translate } from '@tulle/translate';
import { asApplied } from './as-applied.ts';

/** What objects come to, as canonical YAML: the intermediate representation without secrets, statuses and problems. */
export function translationDocument(objects: readonly KubernetesObject[]): string {
  const { state, routeStatuses, policyStatuses, meshStatuses, problems } = translate({
    objects: asApplied(objects),
    settings: { trustDomain: 'cluster.local', mtlsMode: 'permissive' },
    now: '1970-01-01T00:00:00Z',
  });
  const statuses = Object.fromEntries([...routeStatuses, ...policyStatuses, ...meshStatuses]) as unknown;
  return canonicalYaml({ ...plainState(redactState(state)), statuses: withoutTimes(statuses), problems });
}

/** Conditions change at no time here. */
function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'lastTransitionTime')
      .map(([name, member]) => [name, withoutTimes(member)]),
  );
}
