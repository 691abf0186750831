import {
  isKind,
  objectKey,
  referenceOf,
  type KubernetesObject,
  type ObjectKind,
  type ObjectOfKind,
} from '@tulle/gateway-api';
import type { ObjectChange, ObjectOrigin, ObjectSink, SourceProblem } from './object-source.ts';

interface StoredObject {
  readonly object: KubernetesObject;
  readonly origin?: ObjectOrigin;
}

/** Every object that is known, whatever source it came from, and what is wrong with what could not be read. */
export class ObjectStore implements ObjectSink {
  readonly #objects = new Map<ObjectKind, Map<string, StoredObject>>();
  readonly #onChange: () => void;
  #problems: readonly SourceProblem[] = [];
  #changes: ObjectChange[] = [];

  /** `onChange` is called after each change to the objects or the problems; it should only take note. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  apply(changes: readonly ObjectChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.type === 'set') this.#set(change);
      else this.#delete(change.reference);
      this.#changes.push(change);
    }
    this.#onChange();
  }

  setProblems(problems: readonly SourceProblem[]): void {
    if (problems.length === 0 && this.#problems.length === 0) return;
    this.#problems = problems;
    this.#onChange();
  }

  /** Takes the changes since the last time, in their order: for the one who keeps up with the objects. */
  takeChanges(): readonly ObjectChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** What the source could not read or use. */
  get problems(): readonly SourceProblem[] {
    return this.#problems;
  }

  /** Every object. */
  *all(): Generator<KubernetesObject> {
    for (const ofKind of this.#objects.values()) for (const { object } of ofKind.values()) yield object;
  }

  /** Every object of a kind, in no order that means anything. */
  *ofKind<K extends ObjectKind>(kind: K): Generator<ObjectOfKind<K>> {
    for (const { object } of this.#objects.get(kind)?.values() ?? []) if (isKind(object, kind)) yield object;
  }

  /** One object; `namespace` is empty for objects of the whole cluster. */
  get<K extends ObjectKind>(kind: K, namespace: string, name: string): ObjectOfKind<K> | undefined {
    const object = this.#objects.get(kind)?.get(localKey(namespace, name))?.object;
    return object !== undefined && isKind(object, kind) ? object : undefined;
  }

  /** Where an object was read from. */
  originOf(kind: string, namespace: string, name: string): ObjectOrigin | undefined {
    return this.#objects.get(kind as ObjectKind)?.get(localKey(namespace, name))?.origin;
  }

  /** How many objects there are of each kind that there is any of, ordered by kind. */
  counts(): Record<string, number> {
    const kinds = [...this.#objects.keys()].filter((kind) => this.#objects.get(kind)?.size !== 0).sort();
    return Object.fromEntries(kinds.map((kind) => [kind, this.#objects.get(kind)?.size ?? 0]));
  }

  #set({ object, origin }: Extract<ObjectChange, { type: 'set' }>): void {
    let ofKind = this.#objects.get(object.kind);
    if (ofKind === undefined) this.#objects.set(object.kind, (ofKind = new Map()));
    const key = localKey(object.metadata.namespace, object.metadata.name);
    ofKind.set(key, origin === undefined ? { object } : { object, origin });
  }

  #delete(reference: Extract<ObjectChange, { type: 'delete' }>['reference']): void {
    const ofKind = this.#objects.get(reference.kind as ObjectKind);
    const key = localKey(reference.namespace, reference.name);
    const stored = ofKind?.get(key);
    // A kind of another group has the same name: what is deleted is not what is stored.
    if (stored !== undefined && objectKey(referenceOf(stored.object)) === objectKey(reference)) ofKind?.delete(key);
  }
}

function localKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
