import { Document, isCollection, visit } from 'yaml';
import type { MeshState } from './mesh.ts';

/** Lists and maps that fit within this many characters stand on one line. */
const lineLength = 110;

/** A state as plain data: maps become objects, in the order of their keys. */
export function plainState(state: MeshState): Record<string, unknown> {
  return {
    settings: state.settings,
    ...(state.policies.size === 0 ? {} : { policies: plainMap(state.policies) }),
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
  const document = new Document(value, { sortMapEntries: true, aliasDuplicateObjects: false });
  visit(document, {
    Collection: (_key, node, path) => {
      if (path.length > 1 && JSON.stringify(node.toJS(document)).length <= lineLength) node.flow = true;
      return isCollection(node) && node.flow === true ? visit.SKIP : undefined;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
