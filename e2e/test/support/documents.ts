import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';

const schemas = join(import.meta.dirname, '../../../docs/cli');

/** What a document that the CLI printed breaks of its published schema (`docs/cli/NAME.schema.json`); empty: nothing. */
export function schemaErrors(name: 'status' | 'service' | 'route' | 'certificates', document: unknown): string[] {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
  const validate = ajv.compile(JSON.parse(readFileSync(join(schemas, `${name}.schema.json`), 'utf8')) as object);
  validate(document);
  return (validate.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
}
