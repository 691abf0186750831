import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** For each Go struct, the Go type (without pointers, slices and packages) of each JSON field. */
export type GoTypes = Readonly<Record<string, Readonly<Record<string, string>>>>;

const struct = /^type (\w+) struct \{\n([^]*?)^\}/gm;
const field = /^\t(?:(\w+)\s+)?([\w.*[\]]+)\s+`json:"([^",]*)([^"]*)"/gm;

/** Reads the structs of the Go packages in these directories: the CRDs' schemas do not carry the names. */
export function goTypes(directories: readonly string[]): GoTypes {
  const found = new Map<string, { fields: Map<string, string>; inlined: string[] }>();
  for (const directory of directories)
    for (const name of readdirSync(directory).filter((name) => name.endsWith('_types.go'))) {
      const text = readFileSync(join(directory, name), 'utf8');
      for (const [, structName = '', body = ''] of text.matchAll(struct)) {
        const entry = { fields: new Map<string, string>(), inlined: [] as string[] };
        for (const [, , goType = '', jsonName = '', flags = ''] of body.matchAll(field)) {
          const type = goType.replace(/^.*[.*\]]/, '');
          if (flags.includes('inline')) entry.inlined.push(type);
          else entry.fields.set(jsonName, type);
        }
        found.set(structName, entry);
      }
    }
  const flatten = (name: string): [string, string][] => {
    const entry = found.get(name);
    return entry === undefined ? [] : [...entry.inlined.flatMap(flatten), ...entry.fields];
  };
  return Object.fromEntries([...found.keys()].sort().map((name) => [name, Object.fromEntries(flatten(name))]));
}
