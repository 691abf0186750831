import { fieldPath, itemPath, type ObjectIssue } from './object-error.ts';
import type { Schema } from './schema.ts';
import { editDistance, suggest } from './suggest.ts';

/** How large an object may be. An API server takes 3 MiB at most. */
export const objectLimits = { maxDepth: 64, maxValues: 100_000, maxCharacters: 3 * 1024 * 1024 } as const;

const maxWarnings = 100;

/** Which fields a copy keeps; see `KindDefinition.coverage`. */
export type Coverage = 'complete' | 'partial';

/** A bounded copy of what came in, with what was found on the way. */
export interface Copy {
  readonly value: unknown;
  /** Set when the input is too large; `value` is then not the whole of it. */
  readonly refusal: ObjectIssue | undefined;
  readonly warnings: readonly ObjectIssue[];
}

/**
 * Copies JSON-like input, so that what is decoded shares nothing with it. Fields that are null or undefined count as
 * absent, as they do for an API server. Unknown fields are dropped with a warning (`complete`) or kept (`partial`).
 */
export function copyBounded(input: unknown, schema: Schema, coverage: Coverage): Copy {
  const copier = new Copier();
  const value = copier.copy(input, { schema, coverage, path: '', depth: 0 });
  return { value, refusal: copier.refusal, warnings: copier.warnings };
}

/** Where the copier is. */
interface Place {
  /** Undefined where nothing is known about the value. */
  readonly schema: Schema | undefined;
  readonly coverage: Coverage;
  readonly path: string;
  readonly depth: number;
}

class Copier {
  refusal: ObjectIssue | undefined;
  readonly warnings: ObjectIssue[] = [];
  #values = 0;
  #characters = 0;

  copy(input: unknown, place: Place): unknown {
    if (this.refusal !== undefined) return undefined;
    this.#values += 1;
    if (this.#values > objectLimits.maxValues) return this.#refuse(place, `${objectLimits.maxValues} values`);
    switch (typeof input) {
      case 'string':
        this.#countText(input, place);
        return input;
      case 'number':
      case 'boolean':
        return input;
      case 'object':
        if (input === null) return null;
        if (place.depth >= objectLimits.maxDepth)
          return this.#refuse(place, `${objectLimits.maxDepth} levels of nesting`);
        return Array.isArray(input) ? this.#copyList(input, place) : this.#copyObject(input, place);
      default:
        return null;
    }
  }

  #copyList(input: readonly unknown[], place: Place): unknown[] | undefined {
    if (input.length > objectLimits.maxValues) return this.#refuse(place, `${objectLimits.maxValues} values`);
    const { coverage, depth } = place;
    const copied: unknown[] = [];
    for (const [index, item] of input.entries()) {
      const path = itemPath(place.path, index);
      copied.push(this.copy(item, { schema: place.schema?.items, coverage, path, depth: depth + 1 }));
      if (this.refusal !== undefined) break;
    }
    return copied;
  }

  #copyObject(input: object, place: Place): Record<string, unknown> {
    const copied: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(input)) {
      if (this.refusal !== undefined) break;
      this.#countText(name, place);
      const path = fieldPath(place.path, name);
      const schema = propertySchema(place.schema, name);
      if (schema === undefined && !this.#keepsUnknown(name, input, { ...place, path })) continue;
      if (value === null || value === undefined) continue;
      const coverage = path === 'metadata' ? 'partial' : place.coverage;
      copied[name] = this.copy(value, { schema, coverage, path, depth: place.depth + 1 });
    }
    return copied;
  }

  /** Whether an unknown field stays, warning if it goes or if it looks like a known one misspelt. */
  #keepsUnknown(name: string, siblings: object, place: Place): boolean {
    const { schema } = place;
    if (name === '__proto__') {
      this.#warnUnknown(place, undefined);
      return false;
    }
    if (schema?.properties === undefined) return true;
    const absent = Object.keys(schema.properties).filter((known) => !Object.hasOwn(siblings, known));
    if (place.coverage === 'complete' && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      this.#warnUnknown(place, suggest(name, absent));
      return false;
    }
    if (name.length > 3) {
      const near = absent.find((known) => editDistance(name.toLowerCase(), known.toLowerCase(), 2) < 2);
      if (near !== undefined) this.#warnUnknown(place, near);
    }
    return true;
  }

  #warnUnknown(place: Place, suggestion: string | undefined): void {
    if (this.warnings.length >= maxWarnings) return;
    const issue = { code: 'unknown-field', path: place.path, message: 'unknown field, ignored' } as const;
    this.warnings.push(suggestion === undefined ? issue : { ...issue, suggestion });
  }

  #countText(text: string, place: Place): void {
    this.#characters += text.length;
    if (this.#characters > objectLimits.maxCharacters)
      this.#refuse(place, `${objectLimits.maxCharacters} characters of text`);
  }

  #refuse(place: Place, limit: string): undefined {
    this.refusal ??= { code: 'too-large', path: place.path, message: `too large: more than ${limit}`, expected: limit };
    return undefined;
  }
}

function propertySchema(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.properties !== undefined && Object.hasOwn(schema.properties, name)) return schema.properties[name];
  return schema?.additionalProperties;
}
