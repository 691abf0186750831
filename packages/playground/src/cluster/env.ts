import type { Fields } from './fields.ts';

/** An environment variable of a container, or all of those that a ConfigMap has. */
export type EnvSource =
  | { readonly kind: 'value'; readonly name: string; readonly value: string }
  | { readonly kind: 'field'; readonly name: string; readonly path: string }
  | {
      readonly kind: 'configMapKey';
      readonly name: string;
      readonly configMap: string;
      readonly key: string;
      readonly optional: boolean;
    }
  | { readonly kind: 'configMap'; readonly prefix: string; readonly configMap: string; readonly optional: boolean };

/** What a pod knows of itself, for the downward API. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly podIP: string;
  readonly serviceAccountName: string;
  readonly labels: { readonly [key: string]: string };
  readonly annotations: { readonly [key: string]: string };
}

/** Values by name of one ConfigMap, or undefined when there is no such one in the pod's namespace. */
export type ConfigMapLookup = (name: string) => { readonly [key: string]: string } | undefined;

/** A container's environment, or why it cannot be made yet. */
export type ResolvedEnv =
  | { readonly ok: true; readonly env: { readonly [name: string]: string } }
  | { readonly ok: false; readonly missing: string };

const plainFields: { readonly [path: string]: (facts: PodFacts) => string } = {
  'metadata.name': (facts) => facts.name,
  'metadata.namespace': (facts) => facts.namespace,
  'metadata.uid': (facts) => facts.uid,
  'spec.nodeName': (facts) => facts.nodeName,
  'spec.serviceAccountName': (facts) => facts.serviceAccountName,
  'status.hostIP': (facts) => facts.hostIP,
  'status.hostIPs': (facts) => facts.hostIP,
  'status.podIP': (facts) => facts.podIP,
  'status.podIPs': (facts) => facts.podIP,
};

const mapField = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

/** Reads `env` and `envFrom` of a container. */
export function decodeEnv(container: Fields): EnvSource[] {
  const from = container.objects('envFrom').flatMap((each): EnvSource[] => {
    if (!each.has('configMapRef')) {
      each.refuse(
        each.keys().find((key) => key !== 'prefix') ?? 'configMapRef',
        'is not supported in a playground; configMapRef is',
      );
      return [];
    }
    const reference = each.object('configMapRef');
    const configMap = reference.string('name');
    if (configMap === undefined) reference.refuse('name', 'is required');
    return configMap === undefined
      ? []
      : [
          {
            kind: 'configMap',
            prefix: each.string('prefix') ?? '',
            configMap,
            optional: reference.boolean('optional') ?? false,
          },
        ];
  });
  return [...from, ...container.objects('env').flatMap((each) => decodeVariable(each) ?? [])];
}

function decodeVariable(fields: Fields): EnvSource | undefined {
  const name = fields.string('name');
  if (name === undefined || name === '' || /[=\0]/.test(name)) {
    fields.refuse('name', 'is required, and has no "="');
    return undefined;
  }
  if (!fields.has('valueFrom')) return { kind: 'value', name, value: fields.string('value') ?? '' };
  const source = fields.object('valueFrom');
  if (source.has('fieldRef')) {
    const path = source.object('fieldRef').string('fieldPath') ?? '';
    if (plainFields[path] !== undefined || mapField.test(path)) return { kind: 'field', name, path };
    source.object('fieldRef').refuse('fieldPath', `"${path}" is not supported in a playground`);
    return undefined;
  }
  if (source.has('configMapKeyRef')) {
    const reference = source.object('configMapKeyRef');
    const configMap = reference.string('name');
    const key = reference.string('key');
    if (configMap === undefined) reference.refuse('name', 'is required');
    if (key === undefined) reference.refuse('key', 'is required');
    if (configMap === undefined || key === undefined) return undefined;
    return { kind: 'configMapKey', name, configMap, key, optional: reference.boolean('optional') ?? false };
  }
  source.refuse(source.keys()[0] ?? 'fieldRef', 'is not supported in a playground; fieldRef and configMapKeyRef are');
  return undefined;
}

/** Makes a container's environment. A value may name variables before it, as `$(NAME)`. */
export function resolveEnv(sources: readonly EnvSource[], facts: PodFacts, configMap: ConfigMapLookup): ResolvedEnv {
  const env: { [name: string]: string } = {};
  for (const source of sources) {
    switch (source.kind) {
      case 'value':
        env[source.name] = expand(source.value, env);
        break;
      case 'field':
        env[source.name] = fieldValue(source.path, facts);
        break;
      case 'configMapKey': {
        const value = configMap(source.configMap)?.[source.key];
        if (value !== undefined) env[source.name] = value;
        else if (!source.optional)
          return { ok: false, missing: `ConfigMap ${source.configMap} with key ${source.key}` };
        break;
      }
      case 'configMap': {
        const values = configMap(source.configMap);
        if (values === undefined && !source.optional) return { ok: false, missing: `ConfigMap ${source.configMap}` };
        for (const [key, value] of Object.entries(values ?? {})) env[source.prefix + key] = value;
        break;
      }
    }
  }
  return { ok: true, env };
}

function fieldValue(path: string, facts: PodFacts): string {
  const plain = plainFields[path];
  if (plain !== undefined) return plain(facts);
  const [, map, key] = mapField.exec(path) ?? [];
  return facts[map === 'labels' ? 'labels' : 'annotations'][key ?? ''] ?? '';
}

/** Replaces `$(NAME)` by the variable's value; one that is not defined stays as it is, and `$$(NAME)` means `$(NAME)`. */
export function expand(text: string, env: { readonly [name: string]: string }): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return name === undefined ? whole : (env[name] ?? whole);
  });
}
