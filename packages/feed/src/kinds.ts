import { resourceTypeUrls, settingsKey, type ChangeSet, type MeshDelta } from '@tulle/ir';
import type { MeshState, ResourceKind, ResourceTypes } from '@tulle/ir';

/** The order in which what came or changed is sent: what is referred to before what refers to it. */
export const kindsInOrder: readonly ResourceKind[] = [
  'settings',
  'policy',
  'workload',
  'service',
  'endpoints',
  'routes',
];

const kindOfTypeUrl: ReadonlyMap<string, ResourceKind> = new Map(
  kindsInOrder.map((kind) => [resourceTypeUrls[kind], kind]),
);

/** The kind of a type URL; undefined for types that are not of the mesh. */
export function kindOf(typeUrl: string): ResourceKind | undefined {
  return kindOfTypeUrl.get(typeUrl);
}

/** Any resource of the mesh. */
export type AnyResource = ResourceTypes[ResourceKind];

/** The resources of one kind, by key. */
export function resourcesOf(state: MeshState, kind: ResourceKind): ReadonlyMap<string, AnyResource> {
  switch (kind) {
    case 'settings':
      return new Map([[settingsKey, state.settings]]);
    case 'policy':
      return state.policies;
    case 'workload':
      return state.workloads;
    case 'service':
      return state.services;
    case 'endpoints':
      return state.endpoints;
    case 'routes':
      return state.routes;
  }
}

/** The changes of one kind. */
export function changesOf(delta: MeshDelta, kind: ResourceKind): ChangeSet<AnyResource> {
  switch (kind) {
    case 'settings':
      return {
        changed: delta.settings === undefined ? new Map() : new Map([[settingsKey, delta.settings]]),
        removed: [],
      };
    case 'policy':
      return delta.policies;
    case 'workload':
      return delta.workloads;
    case 'service':
      return delta.services;
    case 'endpoints':
      return delta.endpoints;
    case 'routes':
      return delta.routes;
  }
}
