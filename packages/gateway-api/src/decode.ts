import { err, errorMessage, ok, type Result } from '@tulle/core';
import { copyBounded } from './copy.ts';
import { checkCoreObject } from './core/core-rules.ts';
import { findKind, kindDefinitions, type Kinds } from './kinds.ts';
import { checkMetadata, metadataSchema } from './metadata-rules.ts';
import { shorten, show, type ObjectError, type ObjectIssue } from './object-error.ts';
import { groupOf, type KubernetesObject } from './object.ts';
import type { ObjectReference } from './metadata.ts';
import { PatternCache } from './patterns.ts';
import { RuleEngine } from './rule-engine.ts';
import { checkRules } from './rules.ts';
import { schemaOf, type KindDefinition, type Schema } from './schema.ts';
import { StructureCompiler, type StructureCheck } from './structure.ts';

/** How an object is decoded. */
export interface DecodeOptions {
  /** The namespace of namespaced objects that name none; `default` unless said otherwise. */
  readonly defaultNamespace?: string;
  /** The object as it was before, as input or decoded: rules about changes are checked against it. */
  readonly oldObject?: unknown;
  /**
   * `drop` ignores the status of Gateway API objects, as an API server does with what users apply; then a half-filled
   * one in a file does no harm. The default is `keep`.
   */
  readonly status?: 'keep' | 'drop';
  /** Told of each thing that is not wrong but is not used either: unknown fields, mostly misspelt ones. */
  readonly onWarning?: (warning: ObjectError) => void;
}

/** At most this many mistakes of one object are listed. */
const maxErrors = 100;

/** What is compiled for one version of a kind. */
interface CompiledKind {
  readonly schema: Schema;
  readonly check: StructureCheck;
}

/** What is known of an object from its head. */
interface Head {
  readonly definition: KindDefinition;
  readonly version: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** `HTTPRoute shop/canary`. */
  readonly name: string;
}

/**
 * Decodes Kubernetes objects: checks them against their kind's schema and rules, fills defaults in, and gives typed
 * objects that share nothing with the input. Keeps what it compiled; one decoder serves a whole process.
 */
export class ObjectDecoder {
  readonly #patterns = new PatternCache();
  readonly #structures = new StructureCompiler(this.#patterns);
  readonly #rules = new RuleEngine(this.#patterns);
  readonly #compiled = new Map<string, CompiledKind>();
  readonly #kinds: Kinds;

  /** `kinds`: what is decoded and how; unless said otherwise what the API's experimental channel has. */
  constructor(kinds: Kinds = kindDefinitions) {
    this.#kinds = kinds;
  }

  /**
   * Decodes one object of JSON-like input. Never throws, and takes time in proportion to the input; gives every
   * mistake of the object at once. An object of an older version comes back in the newest, `apiVersion` changed.
   */
  decode(input: unknown, options: DecodeOptions = {}): Result<KubernetesObject, readonly ObjectError[]> {
    let name = '';
    try {
      const head = readHead(input, options, this.#kinds);
      if (!head.ok) return err([head.error]);
      name = head.value.name;
      return this.#decodeBody(head.value, options);
    } catch (thrown) {
      const message = `could not be decoded: ${shorten(errorMessage(thrown), 300)}`;
      return err([{ code: 'internal', object: name, path: '', message }]);
    }
  }

  #decodeBody(head: Head, options: DecodeOptions): Result<KubernetesObject, readonly ObjectError[]> {
    const { definition, input, name } = head;
    const { schema, check } = this.#compile(head);
    const copy = copyBounded(withoutStatus(head, options), schema, definition.coverage);
    const locate = (issue: ObjectIssue): ObjectError => ({ ...issue, object: name });
    if (copy.refusal !== undefined) return err([locate(copy.refusal)]);
    if (options.onWarning !== undefined) copy.warnings.map(locate).forEach(options.onWarning);
    const object = copy.value as Record<string, unknown>;
    if (definition.scope === 'Namespaced') fillNamespace(object, options.defaultNamespace ?? 'default');

    const structural = check(object);
    const issues = [...structural, ...checkMetadata(definition, object)];
    const oldValue = options.oldObject === undefined ? undefined : this.#oldValue(head, options.oldObject);
    issues.push(...checkRules(this.#rules, { schema, value: object, oldValue, issues: structural }));
    object['apiVersion'] = `${definition.group === '' ? '' : `${definition.group}/`}${definition.hub}`;
    if (issues.length === 0 && definition.coverage === 'partial') issues.push(...checkCoreObject(object as never));
    if (issues.length > 0) return err(issues.slice(0, maxErrors).map(locate));
    if (input['kind'] === 'Secret') moveStringData(object);
    return ok(object as never);
  }

  #compile({ definition, version }: Head): CompiledKind {
    const key = `${definition.kind} ${version}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const body = schemaOf(definition, version) ?? {};
    const text: Schema = { type: 'string' };
    const schema: Schema = {
      ...body,
      properties: { ...body.properties, apiVersion: text, kind: text, metadata: metadataSchema },
      required: ['metadata', ...(body.required ?? []).filter((name) => name !== 'metadata')],
    };
    const compiled = { schema, check: this.#structures.compile(schema) };
    this.#compiled.set(key, compiled);
    return compiled;
  }

  /** The object as it was, in the shape that the new one has; undefined when it is no object that could be read. */
  #oldValue(head: Head, oldObject: unknown): unknown {
    const { schema, check } = this.#compile(head);
    const copy = copyBounded(oldObject, schema, head.definition.coverage);
    if (copy.refusal !== undefined) return undefined;
    return check(copy.value).length === 0 ? copy.value : undefined;
  }
}

function readHead(input: unknown, options: DecodeOptions, kinds: Kinds = kindDefinitions): Result<Head, ObjectError> {
  const fail = (path: string, message: string, expected: string, object = ''): Result<Head, ObjectError> =>
    err({ code: 'not-an-object', object, path, message, expected });
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return fail('', `expected an object with apiVersion, kind and metadata, got ${show(input)}`, 'an object');
  const record = input as Readonly<Record<string, unknown>>;
  const { apiVersion, kind } = record;
  const name = objectName(record, options);
  if (kind === undefined || kind === null || kind === '') return fail('kind', 'is required', 'a kind', name);
  if (typeof kind !== 'string') return fail('kind', `expected a string, got ${show(kind)}`, 'a kind', name);
  if (apiVersion === undefined || apiVersion === null || apiVersion === '')
    return fail('apiVersion', 'is required', 'group/version', name);
  if (typeof apiVersion !== 'string')
    return fail('apiVersion', `expected a string, got ${show(apiVersion)}`, 'group/version', name);
  const found = findKind(shorten(apiVersion, 200), shorten(kind, 80), kinds);
  if ('code' in found) return err({ ...found, object: name });
  const group = groupOf(apiVersion);
  const version = group === '' ? apiVersion : apiVersion.slice(group.length + 1);
  return ok({ definition: found, version, input: record, name: clusterName(found, name, record) });
}

/** `HTTPRoute shop/canary`, as far as the input says it. */
function objectName(input: Readonly<Record<string, unknown>>, options: DecodeOptions): string {
  const kind = typeof input['kind'] === 'string' ? shorten(input['kind'], 80) : 'object';
  const metadata = input['metadata'];
  const { name, namespace } =
    typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, unknown>) : {};
  if (typeof name !== 'string' || name === '') return typeof input['kind'] === 'string' ? kind : '';
  const inNamespace =
    typeof namespace === 'string' && namespace !== '' ? namespace : (options.defaultNamespace ?? 'default');
  return `${kind} ${shorten(inNamespace, 80)}/${shorten(name, 260)}`;
}

function clusterName(definition: KindDefinition, name: string, input: Readonly<Record<string, unknown>>): string {
  if (definition.scope !== 'Cluster') return name;
  const { name: own } = (input['metadata'] ?? {}) as Readonly<Record<string, unknown>>;
  return typeof own === 'string' && own !== '' ? `${definition.kind} ${shorten(own, 260)}` : definition.kind;
}

function withoutStatus({ definition, input }: Head, options: DecodeOptions): unknown {
  if (options.status !== 'drop' || definition.coverage !== 'complete') return input;
  const { status: _, ...rest } = input;
  return rest;
}

function fillNamespace(object: Readonly<Record<string, unknown>>, namespace: string): void {
  const metadata = object['metadata'];
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return;
  const fields = metadata as Record<string, unknown>;
  if (fields['namespace'] === undefined || fields['namespace'] === '') fields['namespace'] = namespace;
}

/** A Secret's `stringData` is a way to write `data` without base64, and wins over it. */
function moveStringData(secret: Record<string, unknown>): void {
  const { stringData } = secret;
  if (typeof stringData !== 'object' || stringData === null) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  secret['data'] = { ...(secret['data'] as object | undefined), ...Object.fromEntries(encoded) };
  delete secret['stringData'];
}

/**
 * What names the object that `input` is meant to be, as far as it can be told, whether it is valid or not; undefined
 * when its kind is not one that is decoded or it has no name.
 */
export function referenceIn(input: unknown, defaultNamespace = 'default'): ObjectReference | undefined {
  const head = readHead(input, { defaultNamespace });
  if (!head.ok) return undefined;
  const { definition } = head.value;
  const { metadata } = head.value.input;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const { name, namespace } = metadata as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || name === '') return undefined;
  const { group, kind } = definition;
  if (definition.scope === 'Cluster') return { group, kind, name };
  const isNamed = typeof namespace === 'string' && namespace !== '';
  return { group, kind, namespace: isNamed ? namespace : defaultNamespace, name };
}

const sharedDecoder = new ObjectDecoder();

/** {@link ObjectDecoder.decode} by a decoder that the whole process shares. */
export function decodeObject(
  input: unknown,
  options: DecodeOptions = {},
): Result<KubernetesObject, readonly ObjectError[]> {
  return sharedDecoder.decode(input, options);
}
