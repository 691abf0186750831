import { celFieldName, celInteger, isTransitionRule, type CelObject, type RuleEngine } from './rule-engine.ts';
import { fieldPath, itemPath, scalar, show, type ObjectIssue } from './object-error.ts';
import type { Schema } from './schema.ts';

/** What {@link checkRules} looks at. */
export interface RuleInput {
  readonly schema: Schema;
  readonly value: unknown;
  /** The object as it was before, to check transition rules; undefined for a new object. */
  readonly oldValue: unknown;
  /** What the schema check found: rules over values of the wrong shape are not asked. */
  readonly issues: readonly ObjectIssue[];
}

/** Checks the rules that a schema alone cannot say: CEL, and lists whose items must differ. */
export function checkRules(engine: RuleEngine, input: RuleInput): readonly ObjectIssue[] {
  const blocking = input.issues.filter(({ code }) => code !== 'value');
  const check = new RuleCheck(engine, { blocked: pathsAbove(blocking), suspect: pathsAbove(input.issues) });
  check.visit(input.schema, { value: input.value, oldValue: input.oldValue, path: '' });
  return check.issues;
}

/** Every path at or above one of `issues`. */
function pathsAbove(issues: readonly ObjectIssue[]): ReadonlySet<string> {
  const above = new Set<string>(issues.length === 0 ? [] : ['']);
  for (const { path } of issues)
    for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf('.', end - 1), path.lastIndexOf('[', end - 1)))
      above.add(path.slice(0, end));
  return above;
}

/** Where rules are not trusted. */
interface Doubts {
  /** At or above a value of the wrong shape: rules there could only repeat that, and are not asked. */
  readonly blocked: ReadonlySet<string>;
  /** At or above any mistake: a rule that cannot be evaluated there says nothing new. */
  readonly suspect: ReadonlySet<string>;
}

/** A value, what it was before if that is known, and where it is. */
interface Place {
  readonly value: unknown;
  readonly oldValue: unknown;
  readonly path: string;
}

class RuleCheck {
  readonly issues: ObjectIssue[] = [];
  readonly #engine: RuleEngine;
  readonly #doubts: Doubts;

  constructor(engine: RuleEngine, doubts: Doubts) {
    this.#engine = engine;
    this.#doubts = doubts;
  }

  /** Checks what is below `place`, then `place` itself; gives its value as CEL sees it. */
  visit(schema: Schema, place: Place): CelObject {
    const { value } = place;
    const self = this.#convert(schema, place);
    if (!this.#doubts.blocked.has(place.path)) {
      if (Array.isArray(value)) this.#checkUnique(schema, value, place.path);
      this.#checkRules(schema, self, place);
    }
    return self;
  }

  #convert(schema: Schema, place: Place): CelObject {
    const { value, path } = place;
    if (typeof value === 'number') return schema.type === 'integer' ? celInteger(value) : value;
    if (typeof value !== 'object' || value === null) return value as CelObject;
    const tooMany = this.#doubts.blocked.has(path) && sizeIsOver(schema, value);
    if (tooMany) return value as CelObject;
    return Array.isArray(value) ? this.#convertList(schema, value, place) : this.#convertObject(schema, value, place);
  }

  #convertList(schema: Schema, value: readonly unknown[], place: Place): CelObject[] {
    const { items } = schema;
    if (items === undefined) return value as CelObject[];
    const before = correlate(schema, place.oldValue);
    return value.map((item, index) =>
      this.visit(items, { value: item, oldValue: before(item), path: itemPath(place.path, index) }),
    );
  }

  #convertObject(schema: Schema, value: object, place: Place): Record<string, CelObject> {
    const converted: Record<string, CelObject> = {};
    const old = isRecord(place.oldValue) ? place.oldValue : {};
    for (const [name, member] of Object.entries(value)) {
      const property = schema.properties?.[name];
      const memberSchema = property ?? schema.additionalProperties;
      const key = property === undefined ? name : celFieldName(name);
      const path = fieldPath(place.path, name);
      const oldValue = Object.hasOwn(old, name) ? old[name] : undefined;
      converted[key] =
        memberSchema === undefined
          ? (member as CelObject)
          : this.visit(memberSchema, { value: member, oldValue, path });
    }
    return converted;
  }

  #checkRules(schema: Schema, self: CelObject, place: Place): void {
    for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
      const isTransition = isTransitionRule(rule);
      if (isTransition && place.oldValue === undefined) continue;
      const oldSelf = isTransition ? this.#withoutChecks(schema, place.oldValue) : null;
      const outcome = this.#engine.evaluate(rule, self, oldSelf);
      if (outcome.type === 'holds') continue;
      if (outcome.type === 'failed' && this.#doubts.suspect.has(place.path)) continue;
      const text = message ?? `breaks the rule ${rule}`;
      this.issues.push({
        code: 'rule',
        path: place.path,
        message: outcome.type === 'broken' ? text : `${text} (the rule could not be checked: ${outcome.message})`,
        expected: rule,
        ...scalar(place.value),
      });
    }
  }

  #withoutChecks(schema: Schema, value: unknown): CelObject {
    const none: Doubts = { blocked: new Set(), suspect: new Set() };
    return new RuleCheck(this.#engine, none).visit(bareSchema(schema), { value, oldValue: undefined, path: '' });
  }

  #checkUnique(schema: Schema, items: readonly unknown[], path: string): void {
    const listType = schema['x-kubernetes-list-type'];
    if (listType !== 'map' && listType !== 'set') return;
    const seen = new Map<string, number>();
    for (const [index, item] of items.entries()) {
      const key = listKey(schema, item);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, index);
      else
        this.issues.push({
          code: 'duplicate',
          path: itemPath(path, index),
          message: `is the same as ${itemPath(path, first)}${sharedKeys(schema, item)}`,
          expected: 'every entry different',
        });
    }
  }
}

function sharedKeys(schema: Schema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (keys.length === 0 || !isRecord(item)) return `: ${show(item)}`;
  return `: ${keys.map((key) => `${key} ${show(item[key])}`).join(', ')}`;
}

function listKey(schema: Schema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'];
  return JSON.stringify(keys === undefined || !isRecord(item) ? item : keys.map((key) => item[key] ?? null));
}

/** Finds an item's counterpart in the list as it was; only lists with keys have such. */
function correlate(schema: Schema, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const byKey = new Map(old.map((item: unknown) => [listKey(schema, item), item]));
  return (item) => byKey.get(listKey(schema, item));
}

function sizeIsOver(schema: Schema, value: object): boolean {
  if (Array.isArray(value)) return value.length > (schema.maxItems ?? Infinity);
  return Object.keys(value).length > (schema.maxProperties ?? Infinity);
}

/** A schema of the same shape without rules, to convert values that are not checked. */
function bareSchema(schema: Schema): Schema {
  const { 'x-kubernetes-validations': _, 'x-kubernetes-list-type': __, ...rest } = schema;
  return {
    ...rest,
    ...(schema.items === undefined ? {} : { items: bareSchema(schema.items) }),
    ...(schema.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([name, property]) => [name, bareSchema(property)]),
          ),
        }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
