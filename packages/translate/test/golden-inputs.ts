import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const packages = join(import.meta.dirname, '..', '..');

/** The texts of all golden inputs, and of the Gateway API's own examples, by name. */
export function goldenTexts(): ReadonlyMap<string, string> {
  const golden = join(packages, 'translate', 'golden');
  const texts = new Map<string, string>();
  for (const part of ['routes', 'cluster', 'policies', 'conformance']) {
    for (const name of readdirSync(join(golden, part)).sort()) {
      if (!name.endsWith('.yaml') || name.includes('.out.')) continue;
      texts.set(`${part}/${name}`, readFileSync(join(golden, part, name), 'utf8'));
    }
  }
  const examples = join(packages, 'gateway-api', 'testdata');
  for (const name of readdirSync(examples).sort()) texts.set(name, readFileSync(join(examples, name), 'utf8'));
  return texts;
}

/** Every object in them, as it is written. */
export function goldenObjects(): readonly unknown[] {
  return [...goldenTexts().values()].flatMap((text) =>
    parseAllDocuments(text).flatMap((document): unknown[] => {
      const value: unknown = document.toJS();
      return value === null ? [] : [value];
    }),
  );
}
