import type { ManifestObject, ManifestProblem } from './manifest.ts';
import type { ManifestFile } from './read-file.ts';

/** What a directory says at one moment. */
export interface ManifestSnapshot {
  /** Every object by its key, last good versions included. */
  readonly objects: ReadonlyMap<string, ManifestObject>;
  /** In the order of files and lines. */
  readonly problems: readonly ManifestProblem[];
}

/** The keys of the objects in which two snapshots differ. */
export interface ManifestChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** The snapshot of a directory that is not there. */
export const emptySnapshot: ManifestSnapshot = { objects: new Map(), problems: [] };

/**
 * Puts the files of a directory together, in the order of their names.
 *
 * - An object that two places define: the first one is used, the other is a problem.
 * - An object that is there but not valid keeps the version it had in `before`.
 * - A file that cannot be read, or in which something cannot be told what it is, keeps every object it had.
 */
export function combine(
  before: ManifestSnapshot,
  files: ReadonlyMap<string, ManifestFile>,
  problems: readonly ManifestProblem[],
): ManifestSnapshot {
  const objects = new Map<string, ManifestObject>();
  const found: ManifestProblem[] = [...problems];
  const inOrder = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [, file] of inOrder) {
    found.push(...file.problems);
    for (const object of file.objects) {
      const first = objects.get(object.key);
      if (first === undefined) objects.set(object.key, unlessSame(before.objects.get(object.key), object));
      else found.push(duplicate(object, first));
    }
    for (const key of file.invalidKeys) {
      const last = before.objects.get(key);
      if (last !== undefined && !objects.has(key)) objects.set(key, stale(last));
    }
  }
  for (const last of before.objects.values())
    if (files.get(last.file)?.isBroken === true && !objects.has(last.key)) objects.set(last.key, stale(last));
  return { objects, problems: found };
}

/** What differs between two snapshots; where an object is written and whether it is stale does not count. */
export function changesBetween(before: ManifestSnapshot, after: ManifestSnapshot): ManifestChanges {
  const added: string[] = [];
  const changed: string[] = [];
  for (const [key, { object }] of after.objects) {
    const last = before.objects.get(key);
    if (last === undefined) added.push(key);
    else if (last.object !== object) changed.push(key);
  }
  const removed = [...before.objects.keys()].filter((key) => !after.objects.has(key));
  return { added, changed, removed };
}

/** `now`, with the decoded object of `last` when both say the same, so that identity tells a change. */
function unlessSame(last: ManifestObject | undefined, now: ManifestObject): ManifestObject {
  if (last === undefined || JSON.stringify(last.object) !== JSON.stringify(now.object)) return now;
  return { ...now, object: last.object };
}

function stale(last: ManifestObject): ManifestObject {
  return last.isStale ? last : { ...last, isStale: true };
}

function duplicate(second: ManifestObject, first: ManifestObject): ManifestProblem {
  const { kind, metadata } = second.object;
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return {
    severity: 'error',
    file: second.file,
    line: second.line,
    object: `${kind} ${name}`,
    message: `is already defined at ${first.file}:${first.line}, which is used`,
  };
}
