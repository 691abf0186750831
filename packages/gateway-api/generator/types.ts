import { hubVersion, type Crd, type Schema } from './crd.ts';
import type { GoTypes } from './go-names.ts';

/** What is being written: declarations by name, in the order they were met. */
interface Output {
  readonly declarations: Map<string, string>;
  readonly goTypes: GoTypes;
}

/**
 * The TypeScript types of all kinds, with the names of the Go types. A field with a default is not optional: decoding
 * fills it in. A field is optional when any served version lets it be absent.
 */
export function typesFile(crds: readonly Crd[], goTypes: GoTypes): string {
  const output: Output = { declarations: new Map(), goTypes };
  for (const crd of crds) kindType(output, crd);
  return [
    '// Made by generate.ts from the CustomResourceDefinitions in crds/; do not edit.',
    "import type { Condition, LabelSelector, NamespacedObjectMeta, ObjectMeta } from '../metadata.ts';",
    '',
    ...[...output.declarations].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, text]) => [text, '']),
    '/** Every kind of the Gateway API, and of our own, that this package decodes. */',
    `export type GatewayApiObject = ${crds.map(({ kind }) => kind).join(' | ')};`,
    '',
  ].join('\n');
}

function kindType(output: Output, crd: Crd): void {
  const hub = hubVersion(crd);
  const others = crd.versions.filter((version) => version.served && version !== hub).map(({ schema }) => schema);
  const fields = ['spec', 'status'].flatMap((name) => {
    const schema = hub.schema.properties?.[name];
    if (schema === undefined) return [];
    const type = typeOf(output, schema, output.goTypes[crd.kind]?.[name], properties(others, name));
    return [fieldText(name, schema, type, (hub.schema.required ?? []).includes(name))];
  });
  const meta = crd.scope === 'Namespaced' ? 'NamespacedObjectMeta' : 'ObjectMeta';
  declare(output, crd.kind, [
    ...comment(hub.schema.description, ''),
    `export interface ${crd.kind} {`,
    `  readonly apiVersion: '${crd.group}/${hub.name}';`,
    `  readonly kind: '${crd.kind}';`,
    `  readonly metadata: ${meta};`,
    ...fields,
    '}',
  ]);
}

/** The TypeScript type of a schema, declaring what it needs. `others` are the same place in other versions. */
function typeOf(output: Output, schema: Schema, goType: string | undefined, others: readonly Schema[]): string {
  const { type } = schema;
  switch (type) {
    case 'array': {
      if (schema.items === undefined) return 'readonly unknown[]';
      const item = typeOf(output, schema.items, goType, items(others));
      return `readonly ${item.includes(' ') ? `(${item})` : item}[]`;
    }
    case 'object':
      if (schema.properties !== undefined) return objectType(output, schema, goType, others);
      return schema.additionalProperties === undefined
        ? 'Readonly<Record<string, unknown>>'
        : `Readonly<Record<string, ${typeOf(output, schema.additionalProperties, undefined, [])}>>`;
    case 'string':
      return schema.enum === undefined ? 'string' : enumType(output, schema, goType);
    case 'integer':
    case 'number':
      return schema.enum === undefined ? 'number' : schema.enum.map(String).join(' | ');
    case 'boolean':
      return 'boolean';
    default:
      return 'unknown';
  }
}

function enumType(output: Output, schema: Schema, goType: string | undefined): string {
  const values = (schema.enum ?? []).map((value) => `'${String(value)}'`).join(' | ');
  if (goType === undefined || goType === 'string') return values;
  const declared = `export type ${goType} = ${values};`;
  const before = output.declarations.get(goType);
  if (before !== undefined && !before.endsWith(declared)) return values;
  if (before === undefined) declare(output, goType, [...comment(schema.description, ''), declared]);
  return goType;
}

function objectType(output: Output, schema: Schema, goType: string | undefined, others: readonly Schema[]): string {
  if (goType === undefined)
    throw new Error(`no Go name for the object with ${Object.keys(schema.properties ?? {}).join(', ')}`);
  if (goType === 'Condition' || goType === 'ObjectMeta' || goType === 'LabelSelector') return goType;
  const lines = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const type = typeOf(output, property, output.goTypes[goType]?.[name], properties(others, name));
    const required = [schema, ...others].every((version) => (version.required ?? []).includes(name));
    return fieldText(name, property, type, required);
  });
  declare(output, goType, [...comment(schema.description, ''), `export interface ${goType} {`, ...lines, '}']);
  return goType;
}

function fieldText(name: string, schema: Schema, type: string, required: boolean): string {
  const optional = required || schema.default !== undefined ? '' : '?';
  return [...comment(schema.description, '  '), `  readonly ${name}${optional}: ${type};`].join('\n');
}

/** Declares a type; the first description wins, but the shape must be the same wherever the name is used. */
function declare(output: Output, name: string, lines: readonly string[]): void {
  const text = lines.join('\n');
  const before = output.declarations.get(name);
  if (before === undefined) output.declarations.set(name, text);
  else if (shape(before) !== shape(text)) throw new Error(`two shapes of ${name}:\n${shape(before)}\n${shape(text)}`);
}

const shape = (text: string) => text.replace(/ *\/\*\*[^]*?\*\/\n/g, '');

/** The first paragraph of a description as a doc comment. */
function comment(description: string | undefined, indent: string): string[] {
  const paragraph = (description ?? '').split('\n\n')[0]?.replace(/\s+/g, ' ').replaceAll('*/', '* /').trim() ?? '';
  if (paragraph === '') return [];
  const lines: string[] = [];
  for (const word of paragraph.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 110) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`];
}

const properties = (schemas: readonly Schema[], name: string) =>
  schemas.flatMap((schema) => schema.properties?.[name] ?? []);
const items = (schemas: readonly Schema[]) => schemas.flatMap((schema) => schema.items ?? []);
