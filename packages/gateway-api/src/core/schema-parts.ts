import type { KindDefinition, Schema } from '../schema.ts';

/** Short forms in which the schemas of the core kinds are written. */

export const text: Schema = { type: 'string' };
export const requiredText: Schema = { type: 'string', minLength: 1 };
export const flag: Schema = { type: 'boolean' };
export const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 };
export const count: Schema = { type: 'integer', format: 'int32', minimum: 0 };
export const dnsLabel: Schema = { type: 'string', format: 'dns1123-label' };
export const dnsSubdomain: Schema = { type: 'string', format: 'dns1123-subdomain' };
export const address: Schema = { type: 'string', format: 'ip' };
export const texts: Schema = { type: 'array', items: text };
export const textMap: Schema = { type: 'object', additionalProperties: text };
export const anyObject: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
/** A port number, or the name of a container's port. */
export const portOrName: Schema = {
  type: ['integer', 'string'],
  minimum: 1,
  maximum: 65535,
  format: 'port-or-name',
};

/** One of a few words, with or without a default. */
export function oneOf(values: readonly string[], defaultValue?: string): Schema {
  return defaultValue === undefined
    ? { type: 'string', enum: values }
    : { type: 'string', enum: values, default: defaultValue };
}

/** `schema`, filled in when absent. */
export function defaulted(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value };
}

/** A list whose items are `items`. */
export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** A list in which no two items share `key`. */
export function listByKey(key: string, items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
}

/** An object with these properties; fields that are not named are kept. */
export function object(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required };
}

export const transportProtocol = oneOf(['TCP', 'UDP', 'SCTP'], 'TCP');

export const condition = object(
  {
    type: requiredText,
    status: oneOf(['True', 'False', 'Unknown']),
    observedGeneration: { type: 'integer' },
    reason: text,
    message: text,
  },
  ['type', 'status'],
);

export const labelSelector = object({
  matchLabels: { type: 'object', additionalProperties: { type: 'string', format: 'label-value' } },
  matchExpressions: list(
    object({ key: requiredText, operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: texts }, [
      'key',
      'operator',
    ]),
  ),
});

/** The definition of a kind whose objects have these fields beside apiVersion, kind and metadata. */
export function coreKind(
  of: Pick<KindDefinition, 'kind' | 'group' | 'scope' | 'hub'>,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): KindDefinition {
  return { ...of, versions: { [of.hub]: object(properties, required) }, coverage: 'partial' };
}
