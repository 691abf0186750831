import { CodedError, err, ok, type Result } from '@tulle/core';
import { settingsKey, type ChangeSet, type MeshDelta, type MeshSettings, type MeshState } from '@tulle/ir';
import type { ResourceKind, ResourceTypes } from '@tulle/ir';
import type { DeltaResponse } from './discovery-service.ts';
import { kindOf, kindsInOrder } from './kinds.ts';
import { decodeResource } from './decode-resource.ts';

/** A resource that the agent has, and the controller's version of it. */
interface Known<T> {
  readonly version: string;
  readonly value: T;
}

type KnownByKind = { readonly [K in ResourceKind]: Map<string, Known<ResourceTypes[K]>> };

/** A change that was read and found good, and is not part of the state yet. */
export interface PreparedChange {
  readonly delta: MeshDelta;
  /** Whether anything differs. */
  readonly empty: boolean;
  /** Makes it part of the state. */
  commit(): void;
}

/** What changes of one kind, before it is committed. */
interface KindChange<K extends ResourceKind> {
  readonly changed: Map<string, Known<ResourceTypes[K]>>;
  readonly removed: Set<string>;
}

type ChangesByKind = { readonly [K in ResourceKind]: KindChange<K> };

/** The agent's copy of the configuration. */
export class ClientState {
  readonly #known: KnownByKind = {
    settings: new Map(),
    policy: new Map(),
    workload: new Map(),
    service: new Map(),
    endpoints: new Map(),
    routes: new Map(),
  };

  /** The versions of all resources of a kind, to tell the controller what need not be sent. */
  versions(kind: ResourceKind): Record<string, string> {
    const versions: Record<string, string> = {};
    for (const [name, { version }] of this.#known[kind]) versions[name] = version;
    return versions;
  }

  /** How many resources of a kind there are. */
  count(kind: ResourceKind): number {
    return this.#known[kind].size;
  }

  /** The whole state; undefined before the first configuration. The maps are copies. */
  state(): MeshState | undefined {
    const settings = this.#known.settings.get(settingsKey)?.value;
    if (settings === undefined) return undefined;
    return {
      settings,
      policies: values(this.#known.policy),
      workloads: values(this.#known.workload),
      services: values(this.#known.service),
      endpoints: values(this.#known.endpoints),
      routes: values(this.#known.routes),
    };
  }

  /**
   * Reads the responses of one change. Nothing changes until the result is committed. An error (codes `invalid-resource`,
   * `unknown-type`) names the first resource that cannot be used.
   */
  prepare(responses: readonly DeltaResponse[]): Result<PreparedChange, CodedError> {
    const changes: ChangesByKind = {
      settings: newChange(),
      policy: newChange(),
      workload: newChange(),
      service: newChange(),
      endpoints: newChange(),
      routes: newChange(),
    };
    for (const response of responses) {
      const kind = kindOf(response.typeUrl);
      if (kind === undefined) {
        return err(new CodedError('unknown-type', `the type ${JSON.stringify(response.typeUrl)} is not known here`));
      }
      const problem = readResponse(kind, changes[kind], response);
      if (problem !== undefined) return err(problem);
    }
    return ok(this.#prepared(changes));
  }

  #prepared(changes: ChangesByKind): PreparedChange {
    const settings: MeshSettings | undefined = changes.settings.changed.get(settingsKey)?.value;
    const delta: MeshDelta = {
      ...(settings === undefined ? {} : { settings }),
      policies: changeSet(changes.policy, this.#known.policy),
      workloads: changeSet(changes.workload, this.#known.workload),
      services: changeSet(changes.service, this.#known.service),
      endpoints: changeSet(changes.endpoints, this.#known.endpoints),
      routes: changeSet(changes.routes, this.#known.routes),
    };
    const sets = [delta.policies, delta.workloads, delta.services, delta.endpoints, delta.routes];
    const empty = settings === undefined && sets.every((set) => set.changed.size === 0 && set.removed.length === 0);
    return { delta, empty, commit: () => this.#commit(changes) };
  }

  #commit(changes: ChangesByKind): void {
    for (const kind of kindsInOrder) commitKind(this.#known[kind] as Map<string, unknown>, changes[kind]);
  }
}

function readResponse<K extends ResourceKind>(
  kind: K,
  change: KindChange<K>,
  response: DeltaResponse,
): CodedError | undefined {
  for (const { name, version, resource } of response.resources) {
    if (resource === null || resource.typeUrl !== response.typeUrl) {
      return new CodedError('invalid-resource', `${kind} ${name}: it is not of the type ${response.typeUrl}`);
    }
    const decoded = decodeResource(kind, name, resource.value);
    if (!decoded.ok) return decoded.error;
    change.changed.set(name, { version, value: decoded.value });
    change.removed.delete(name);
  }
  for (const name of response.removedResources) {
    // The mesh always has settings; an agent keeps those it has.
    if (kind === 'settings') continue;
    change.removed.add(name);
    change.changed.delete(name);
  }
  return undefined;
}

function commitKind(known: Map<string, unknown>, change: KindChange<ResourceKind>): void {
  for (const name of change.removed) known.delete(name);
  for (const [name, resource] of change.changed) known.set(name, resource);
}

function changeSet<K extends ResourceKind>(
  change: KindChange<K>,
  known: ReadonlyMap<string, unknown>,
): ChangeSet<ResourceTypes[K]> {
  return { changed: values(change.changed), removed: [...change.removed].filter((name) => known.has(name)) };
}

function newChange<K extends ResourceKind>(): KindChange<K> {
  return { changed: new Map(), removed: new Set() };
}

function values<T>(of: ReadonlyMap<string, Known<T>>): Map<string, T> {
  const result = new Map<string, T>();
  for (const [name, { value }] of of) result.set(name, value);
  return result;
}
