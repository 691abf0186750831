import fc from 'fast-check';

/** A change of one value somewhere in a document. */
export interface Mutation {
  /** Which value, counted from the top and beginning anew at the end. */
  readonly at: number;
  readonly kind: 'remove' | 'replace' | 'repeat' | 'rename' | 'nest' | 'graft';
  readonly value: unknown;
}

const nested = (depth: number): unknown => {
  let value: unknown = 'x';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { spec: value } : [value];
  return value;
};

/** Names that every object seems to have, and keys that set its prototype. */
const prototypeNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];

const strangeValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, '', ' ', 0, -1, 0.5, 65_536, 2 ** 53, 1e308, -1e308, Number.NaN, Infinity, [], {}, [null], [[]]],
    ...['*', '/', '//', '%', '%2', '\u0000', '\u007f', '\ud800', '\udfff x', '\ufeff', '\u202e', 'é'.repeat(300)],
    ...['x'.repeat(300), '/'.repeat(5000), 'a.'.repeat(4000), '('.repeat(2000), '[^'.repeat(500), '(a*)*'.repeat(200)],
    ...['((((((a{100}){100}){100}){100}){100}){100})', '(?:a{1000}){1000}', '\\pL*'.repeat(300), '-1s', '1h'.repeat(9)],
    ...[nested(40), nested(70), nested(5000)],
    ...prototypeNames,
    ...prototypeNames.map((name): unknown => JSON.parse(`{"${name}":{"type":"Exact","polluted":true}}`)),
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, maxDepth: 3 }),
);

/** Random changes: fields removed and renamed, wrong and huge values, deep nesting, lists of many times the same. */
export const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('remove', 'replace', 'replace', 'repeat', 'rename', 'nest', 'graft', 'graft', 'graft'),
  value: strangeValue,
});

/** What documents hold, by the name of the field: values that are right, but perhaps not there. */
export type Grafts = ReadonlyMap<string, readonly unknown[]>;

/** All values of documents by the names of their fields. */
export function graftsOf(documents: readonly unknown[]): Grafts {
  const found = new Map<string, unknown[]>();
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, value] of Object.entries(node)) {
      found.set(name, [...(found.get(name) ?? []).slice(-200), value]);
      visit(value);
    }
  };
  documents.forEach(visit);
  return found;
}

/** A copy of a document with the changes made one after the other. */
export function mutated(document: unknown, mutations: readonly Mutation[], grafts: Grafts): unknown {
  const copy: unknown = structuredClone(document);
  for (const one of mutations) mutate(copy, one, grafts);
  return copy;
}

function mutate(document: unknown, { at, kind, value }: Mutation, grafts: Grafts): void {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const visit = (node: unknown, depth: number) => {
    if (typeof node !== 'object' || node === null || depth > 60 || places.length > 2000) return;
    const holder = node as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      visit(holder[key], depth + 1);
    }
  };
  visit(document, 0);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return;
  const { holder, key } = place;
  const old = holder[key];
  switch (kind) {
    case 'remove':
      delete holder[key];
      return;
    case 'replace':
      set(holder, key, value);
      return;
    case 'repeat':
      if (Array.isArray(old))
        holder[key] = Array.from({ length: 3 + (at % 300) }, (_, i): unknown => old[i % old.length]);
      else holder[key] = [old, old];
      return;
    case 'rename':
      delete holder[key];
      set(holder, typeof value === 'string' ? value : (prototypeNames[at % prototypeNames.length] ?? ''), old);
      return;
    case 'graft': {
      const known = grafts.get(key) ?? [];
      if (known.length > 0) holder[key] = structuredClone(known[(at >> 8) % known.length]);
      return;
    }
    case 'nest':
      holder[key] = { [key]: old };
  }
}

/** Sets a field of its own, as JSON and YAML do, also where its name is `__proto__`. */
function set(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
