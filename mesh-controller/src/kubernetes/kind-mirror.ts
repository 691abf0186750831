import { isDeepStrictEqual } from 'node:util';
import { formatObjectError, objectKey, referenceIn, referenceOf } from '@tulle/gateway-api';
import type { KubernetesObject, ObjectDecoder, ObjectReference } from '@tulle/gateway-api';
import type { RawObject } from '@tulle/kubernetes';
import type { ObjectChange, SourceProblem } from '../objects/object-source.ts';
import type { WatchedKind } from './watched-kinds.ts';

interface Known {
  readonly reference: ObjectReference;
  /** The last valid version; undefined while there was none. */
  readonly object: KubernetesObject | undefined;
}

/** The objects of one kind as the API server has them, each in its last valid version. Gives only real differences. */
export class KindMirror {
  readonly #kind: WatchedKind;
  readonly #decoder: ObjectDecoder;
  readonly #known = new Map<string, Known>();
  readonly #problems = new Map<string, SourceProblem>();
  /** The keys of a list that is being read. */
  #listed = new Set<string>();

  constructor(kind: WatchedKind, decoder: ObjectDecoder) {
    this.#kind = kind;
    this.#decoder = decoder;
  }

  /** What is wrong with objects of this kind. */
  get problems(): ReadonlyMap<string, SourceProblem> {
    return this.#problems;
  }

  /** Whether the last valid version of any object is such. */
  some(matches: (object: KubernetesObject) => boolean): boolean {
    return this.#known.values().some(({ object }) => object !== undefined && matches(object));
  }

  /** Takes a page of a list. */
  page(objects: readonly RawObject[]): ObjectChange[] {
    const changes: ObjectChange[] = [];
    for (const raw of objects) {
      const reference = referenceIn(raw, '');
      if (reference !== undefined) this.#listed.add(objectKey(reference));
      changes.push(...this.set(raw));
    }
    return changes;
  }

  /** The list is whole: what it did not have is gone. */
  listed(): ObjectChange[] {
    const listed = this.#listed;
    this.#listed = new Set();
    const gone = [...this.#known].filter(([key]) => !listed.has(key));
    return gone.flatMap(([key]) => this.#forget(key));
  }

  /** Takes an object as it is now. */
  set(raw: RawObject): ObjectChange[] {
    const reference = referenceIn(raw, '');
    if (reference === undefined) return [];
    const key = objectKey(reference);
    const before = this.#known.get(key);
    const decoded = this.#decoder.decode(this.#kind.trim(raw));
    if (!decoded.ok) {
      const kept = before?.object !== undefined;
      this.#known.set(key, { reference, object: before?.object });
      this.#problems.set(key, problemOf(reference, decoded.error.map(formatObjectError), kept));
      return [];
    }
    const object = decoded.value;
    this.#known.set(key, { reference: referenceOf(object), object });
    this.#problems.delete(key);
    return before?.object !== undefined && isSame(before.object, object) ? [] : [{ type: 'set', object }];
  }

  /** An object is gone. */
  delete(raw: RawObject): ObjectChange[] {
    const reference = referenceIn(raw, '');
    return reference === undefined ? [] : this.#forget(objectKey(reference));
  }

  /** Everything is gone: the kind is not served any more. */
  clear(): ObjectChange[] {
    this.#listed = new Set();
    return this.listed();
  }

  #forget(key: string): ObjectChange[] {
    const known = this.#known.get(key);
    this.#known.delete(key);
    this.#problems.delete(key);
    return known?.object === undefined ? [] : [{ type: 'delete', reference: known.reference }];
  }
}

/** Equal but for the resource version, which changes with fields that nobody here reads. */
function isSame(before: KubernetesObject, after: KubernetesObject): boolean {
  return isDeepStrictEqual(withoutVersion(before), withoutVersion(after));
}

function withoutVersion(object: KubernetesObject): object {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } };
}

function problemOf(reference: ObjectReference, errors: readonly string[], kept: boolean): SourceProblem {
  const { kind, namespace, name } = reference;
  const object = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const [first = 'is not valid'] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const text = first.startsWith(`${object}: `) ? first.slice(object.length + 2) : first;
  const message = `${text}${more}${kept ? '; its last valid version is used' : ''}`;
  return { severity: 'error', code: 'InvalidObject', message, object };
}
