import { createHash } from 'node:crypto';
import type { MeshDelta, MeshState, ResourceKind } from '@tulle/ir';
import { canonicalJson } from './canonical-json.ts';
import { changesOf, kindsInOrder, resourcesOf, type AnyResource } from './kinds.ts';

/** A resource as it is sent. */
export interface StoredResource {
  /** A digest of the content: the same after a restart of the controller, so that agents need not be sent it again. */
  readonly version: string;
  readonly bytes: Buffer;
  /** What it was made from, to see at once that nothing changed. */
  readonly source: AnyResource;
}

/** Names of resources by kind. */
export type NamesByKind = ReadonlyMap<ResourceKind, ReadonlySet<string>>;

/** The resources that the controller wants agents to have, with a version of each and one of the whole. */
export class ResourceStore {
  readonly #resources: ReadonlyMap<ResourceKind, Map<string, StoredResource>>;
  #version: number;
  #filled = false;

  /** `lastVersion`: the number of the last version that was given out before, 0 for none. */
  constructor(lastVersion: number) {
    this.#version = lastVersion;
    this.#resources = new Map(kindsInOrder.map((kind) => [kind, new Map()]));
  }

  /** The number of the whole configuration; {@link versionName} shows it. */
  get version(): number {
    return this.#version;
  }

  /** Whether there is a configuration at all: without one nothing may be sent, or agents would drop what they have. */
  get filled(): boolean {
    return this.#filled;
  }

  get(kind: ResourceKind, name: string): StoredResource | undefined {
    return this.#resources.get(kind)?.get(name);
  }

  names(kind: ResourceKind): IterableIterator<string> {
    return (this.#resources.get(kind) ?? new Map<string, StoredResource>()).keys();
  }

  /** Replaces everything; gives the names that came, changed or went, and counts the version up if there are any. */
  setState(state: MeshState): NamesByKind {
    const changed = new Map<ResourceKind, Set<string>>();
    for (const kind of kindsInOrder) {
      const stored = this.#resources.get(kind) as Map<string, StoredResource>;
      const wanted = resourcesOf(state, kind);
      const names = new Set<string>();
      for (const name of stored.keys()) if (!wanted.has(name) && stored.delete(name)) names.add(name);
      for (const [name, resource] of wanted) if (store(stored, name, resource)) names.add(name);
      if (names.size > 0) changed.set(kind, names);
    }
    return this.#count(changed);
  }

  /** Applies a change to what is there; as {@link ResourceStore.setState}. */
  applyDelta(delta: MeshDelta): NamesByKind {
    const changed = new Map<ResourceKind, Set<string>>();
    for (const kind of kindsInOrder) {
      const stored = this.#resources.get(kind) as Map<string, StoredResource>;
      const changes = changesOf(delta, kind);
      const names = new Set<string>();
      for (const name of changes.removed) if (stored.delete(name)) names.add(name);
      for (const [name, resource] of changes.changed) if (store(stored, name, resource)) names.add(name);
      if (names.size > 0) changed.set(kind, names);
    }
    return this.#count(changed);
  }

  #count(changed: NamesByKind): NamesByKind {
    if (changed.size > 0 || !this.#filled) this.#version++;
    this.#filled = true;
    return changed;
  }
}

/** What people see of a version: `v12`. */
export function versionName(version: number): string {
  return `v${version}`;
}

/** Keeps a resource; tells whether it differs from what was kept under the name. */
function store(stored: Map<string, StoredResource>, name: string, source: AnyResource): boolean {
  const before = stored.get(name);
  if (before?.source === source) return false;
  const bytes = Buffer.from(canonicalJson(source), 'utf8');
  const version = createHash('sha256').update(bytes).digest('base64url').slice(0, 16);
  stored.set(name, { version, bytes: before?.version === version ? before.bytes : bytes, source });
  return before?.version !== version;
}
