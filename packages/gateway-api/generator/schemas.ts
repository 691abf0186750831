import { hubVersion, type Crd } from './crd.ts';

/**
 * A kind's schemas as JSON, without descriptions; a version whose schema is another's says that one's name. `hub` is the
 * version that decoded objects carry.
 */
export function schemaFile(crd: Crd): string {
  const seen = new Map<string, string>();
  const versions: Record<string, unknown> = {};
  for (const { name, served, schema } of crd.versions) {
    if (!served) continue;
    const bare = withoutProse(schema);
    const text = JSON.stringify(bare);
    versions[name] = seen.get(text) ?? bare;
    if (!seen.has(text)) seen.set(text, name);
  }
  const { group, kind, plural, scope } = crd;
  const definition = { group, kind, plural, scope, hub: hubVersion(crd).name, versions };
  return `${JSON.stringify(definition, undefined, 1)}\n`;
}

/** A schema without its descriptions (a property that is itself called `description` stays: it is a schema). */
function withoutProse(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => key !== 'description' || typeof member !== 'string')
      .map(([key, member]) => [key, withoutProse(member)]),
  );
}
