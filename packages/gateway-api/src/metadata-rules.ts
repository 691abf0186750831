import { isDnsLabel, isDnsSubdomain, isLabelValue, isQualifiedName, labelRule, subdomainRule } from './names.ts';
import { fieldPath, scalar, show, type ObjectIssue } from './object-error.ts';
import type { KindDefinition, Schema } from './schema.ts';

/** Annotations may hold 256 KiB in all. */
const maxAnnotationsLength = 256 * 1024;

const textMap: Schema = { type: 'object', additionalProperties: { type: 'string' } };

/** The shape of `metadata`, the same for every kind. */
export const metadataSchema: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    namespace: { type: 'string' },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer', format: 'int64' },
    creationTimestamp: { type: 'string', format: 'date-time' },
    deletionTimestamp: { type: 'string', format: 'date-time' },
    labels: textMap,
    annotations: textMap,
    finalizers: { type: 'array', items: { type: 'string' } },
    ownerReferences: {
      type: 'array',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          name: { type: 'string' },
          uid: { type: 'string' },
          controller: { type: 'boolean' },
        },
      },
    },
  },
};

/** Kinds whose name becomes a DNS label; all others have DNS subdomains, but for the last list. */
const labelNamed: ReadonlySet<string> = new Set(['Service', 'Namespace', 'ServiceImport']);
/** Kinds whose names may hold a colon between their parts. */
const colonNamed: ReadonlySet<string> = new Set(['ClusterTrustBundle']);

/** Checks names, labels and annotations; what has the wrong type is passed over, the schema has told of it. */
export function checkMetadata(definition: KindDefinition, object: Readonly<Record<string, unknown>>): ObjectIssue[] {
  const metadata = object['metadata'];
  if (typeof metadata !== 'object' || metadata === null) return [];
  const { name, namespace, labels, annotations } = metadata as Readonly<Record<string, unknown>>;
  return [
    ...(typeof name === 'string' && name !== '' ? checkName(definition.kind, name) : []),
    ...(typeof namespace === 'string' ? checkNamespace(definition, namespace) : []),
    ...checkLabels(labels),
    ...checkAnnotations(annotations),
  ];
}

function checkName(kind: string, name: string): ObjectIssue[] {
  const path = 'metadata.name';
  if (labelNamed.has(kind)) return isDnsLabel(name) ? [] : [bad(path, name, `a DNS label: ${labelRule}`)];
  const parts = colonNamed.has(kind) ? name.split(':') : [name];
  return parts.every((part) => isDnsSubdomain(part)) ? [] : [bad(path, name, `a DNS name: ${subdomainRule}`)];
}

function checkNamespace(definition: KindDefinition, namespace: string): ObjectIssue[] {
  const path = 'metadata.namespace';
  if (definition.scope === 'Cluster') {
    const message = `objects of this kind belong to no namespace, remove ${show(namespace)}`;
    return [{ code: 'metadata', path, message, expected: 'nothing', ...scalar(namespace) }];
  }
  return isDnsLabel(namespace) ? [] : [bad(path, namespace, `a DNS label: ${labelRule}`)];
}

function checkLabels(labels: unknown): ObjectIssue[] {
  const issues: ObjectIssue[] = [];
  for (const [key, value] of stringEntries(labels)) {
    const path = fieldPath('metadata.labels', key);
    if (!isQualifiedName(key)) issues.push(bad(path, key, qualifiedNameRule));
    else if (!isLabelValue(value))
      issues.push(bad(path, value, 'a label value: letters, digits, "-", "_" and ".", at most 63'));
  }
  return issues;
}

function checkAnnotations(annotations: unknown): ObjectIssue[] {
  const issues: ObjectIssue[] = [];
  let length = 0;
  for (const [key, value] of stringEntries(annotations)) {
    length += key.length + value.length;
    if (!isQualifiedName(key.toLowerCase()))
      issues.push(bad(fieldPath('metadata.annotations', key), key, qualifiedNameRule));
  }
  if (length > maxAnnotationsLength) {
    const message = `hold ${length} characters, at most ${maxAnnotationsLength} are allowed`;
    issues.push({ code: 'metadata', path: 'metadata.annotations', message, expected: 'less text' });
  }
  return issues;
}

const qualifiedNameRule =
  'a key: up to 63 letters, digits, "-", "_" and ".", with or without a DNS name and a "/" before them';

function bad(path: string, value: string, expected: string): ObjectIssue {
  return { code: 'metadata', path, message: `${show(value)} is not ${expected}`, expected, ...scalar(value) };
}

function stringEntries(map: unknown): [string, string][] {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return [];
  return Object.entries(map).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
