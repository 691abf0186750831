import type { ChangeSet, MeshDelta, MeshState } from '@tulle/ir';

/** What leads from one state to another: what came or changed, and the keys of what went. */
export function diffMeshState(before: MeshState, after: MeshState): MeshDelta {
  return {
    ...(isEqual(before.settings, after.settings) ? {} : { settings: after.settings }),
    policies: diffMaps(before.policies, after.policies),
    workloads: diffMaps(before.workloads, after.workloads),
    services: diffMaps(before.services, after.services),
    endpoints: diffMaps(before.endpoints, after.endpoints),
    routes: diffMaps(before.routes, after.routes),
  };
}

function diffMaps<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): ChangeSet<T> {
  const changed = new Map<string, T>();
  for (const [key, value] of after) {
    if (!before.has(key) || !isEqual(before.get(key), value)) changed.set(key, value);
  }
  return { changed, removed: [...before.keys()].filter((key) => !after.has(key)) };
}

/** Whether two values of JSON are equal, whatever the order of their fields. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  }
  if (Array.isArray(b)) return false;
  const fields = Object.entries(a);
  const others = new Map<string, unknown>(Object.entries(b));
  return (
    fields.length === others.size &&
    fields.every(([name, value]) => others.has(name) && isEqual(value, others.get(name)))
  );
}
