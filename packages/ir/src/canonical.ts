import { stringify } from 'yaml';
import type { MeshState } from './mesh.ts';

/** A state as plain data: maps become objects, in the order of their keys. */
export function plainState(state: MeshState): Record<string, unknown> {
  return {
    settings: state.settings,
    workloads: plainMap(state.workloads),
    services: plainMap(state.services),
    endpoints: plainMap(state.endpoints),
    routes: plainMap(state.routes),
  };
}

function plainMap(map: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Any part of the representation as YAML: the same value gives the same text, whatever the order of its fields. */
export function canonicalYaml(value: unknown): string {
  return stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}
