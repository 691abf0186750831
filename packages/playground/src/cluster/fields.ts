/** A thing that is wrong with a field of an object: `path` is the field's, like `spec.containers[0].command`. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Reads fields of a manifest that can hold anything. What is not of the wanted type is a problem that is remembered,
 * and reads as if the field were absent, so that one reading finds every problem.
 */
export class Fields {
  readonly path: string;
  readonly problems: FieldProblem[];
  readonly #value: { readonly [key: string]: unknown };

  constructor(value: unknown, path: string, problems: FieldProblem[]) {
    this.path = path;
    this.problems = problems;
    this.#value = isRecord(value) ? value : {};
    if (value !== undefined && value !== null && !isRecord(value))
      this.#refuse(path, `must be an object, not ${describe(value)}`);
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** The field as it is; null reads as absent, as in Kubernetes. */
  raw(key: string): unknown {
    return this.#value[key] ?? undefined;
  }

  keys(): string[] {
    return Object.keys(this.#value).filter((key) => this.has(key));
  }

  string(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'string') return value;
    this.refuse(key, `must be a string, not ${describe(value)}`);
    return undefined;
  }

  /** A whole number between `min` and `max`. */
  integer(key: string, min: number, max: number): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.refuse(key, `must be a whole number from ${min} to ${max}, not ${describe(value)}`);
    return undefined;
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.refuse(key, `must be true or false, not ${describe(value)}`);
    return undefined;
  }

  /** The object below `key`; an empty one when it is absent. */
  object(key: string): Fields {
    return new Fields(this.raw(key), this.at(key), this.problems);
  }

  /** The objects of a list; an empty list when it is absent. */
  objects(key: string): Fields[] {
    return this.#list(key).map((each, index) => new Fields(each, `${this.at(key)}[${index}]`, this.problems));
  }

  /** The strings of a list; an empty list when it is absent. */
  strings(key: string): string[] {
    const found: string[] = [];
    this.#list(key).forEach((each, index) => {
      if (typeof each === 'string') found.push(each);
      else this.#refuse(`${this.at(key)}[${index}]`, `must be a string, not ${describe(each)}`);
    });
    return found;
  }

  /** An object of strings, like labels; an empty one when it is absent. */
  stringMap(key: string): { readonly [key: string]: string } {
    const fields = this.object(key);
    const found: { [key: string]: string } = {};
    for (const each of fields.keys()) {
      const value = fields.string(each);
      if (value !== undefined) found[each] = value;
    }
    return found;
  }

  /** Remembers a problem with the field `key`. */
  refuse(key: string, message: string): void {
    this.#refuse(this.at(key), message);
  }

  /** The path of the field `key`. */
  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  #list(key: string): readonly unknown[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.refuse(key, `must be a list, not ${describe(value)}`);
    return [];
  }

  #refuse(path: string, message: string): void {
    this.problems.push({ path, message });
  }
}

/** Whether something is an object with keys: no list, no null. */
export function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return JSON.stringify(value);
}
