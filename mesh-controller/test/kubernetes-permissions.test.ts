import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { acceptedApiVersions, groupOf, type ObjectKind } from '@tulle/gateway-api';
import { parseAllDocuments } from 'yaml';
import { statusKinds } from '../src/kubernetes/status-writer.ts';
import { watchedKinds } from '../src/kubernetes/watched-kinds.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const manifest = new URL('../../deploy/kustomize/base/mesh-controller-rbac.yaml', import.meta.url);
const rules = parseAllDocuments(readFileSync(manifest, 'utf8'))
  .map((document) => document.toJS() as { readonly kind: string; readonly rules?: readonly Rule[] })
  .flatMap(({ kind, rules }) => (kind === 'ClusterRole' ? (rules ?? []) : []));

/** `resource.group` of everything that the ClusterRole lets the controller do this with, wherever and whatever its name. */
function allowed(verb: string): string[] {
  const ofVerb = rules.filter(({ resourceNames, verbs }) => resourceNames === undefined && verbs.includes(verb));
  return ofVerb
    .flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map(inGroup(group))))
    .sort();
}

const inGroup = (group: string) => (resource: string) => `${resource}.${group}`;

/** `resource.group` of kinds, with a subresource. */
function resourcesOf(kinds: readonly ObjectKind[], subresource = ''): string[] {
  return kinds.map((kind) => inGroup(groupOf(acceptedApiVersions(kind)[0] ?? ''))(plural(kind) + subresource)).sort();
}

function plural(kind: string): string {
  const word = kind.toLowerCase();
  if (word.endsWith('y')) return `${word.slice(0, -1)}ies`;
  return word.endsWith('sh') ? `${word}es` : `${word}s`;
}

describe('the role of the mesh controller', () => {
  it('lets it list and watch the kinds that it watches, and no other', () => {
    const watched = resourcesOf(watchedKinds.map(({ kind }) => kind));
    expect([allowed('list'), allowed('watch')]).toEqual([watched, watched]);
  });

  it('lets it write the statuses that it writes, read those objects again, and no other', () => {
    const statuses = allowed('patch').filter((resource) => resource.includes('/status'));
    expect(statuses).toEqual(resourcesOf([...statusKinds, 'XMesh'], '/status'));
    expect(allowed('get')).toEqual(resourcesOf([...statusKinds, 'XMesh']));
  });
});
