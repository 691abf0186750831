// The JSON schemas of what the CLI prints, made from the types: `node packages/admin-api/test/schemas.ts` writes them to
// docs/cli; schemas.test.ts fails when they are not the types' own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

const root = join(import.meta.dirname, '../../..');

/** The documents that have a schema of their own, by type. */
export const documentTypes = [
  'StatusView',
  'ServiceView',
  'RouteView',
  'RouteListView',
  'CertificatesView',
  'CertificateAuthorityView',
  'PodView',
  'AuthorizationCheckView',
  'VersionView',
  'AnalysisView',
  'ErrorView',
] as const;

/** A type of {@link documentTypes}. */
export type DocumentType = (typeof documentTypes)[number];

/** The schema of each document, made from the types as they are now. */
export function generateSchemas(): Map<DocumentType, object> {
  const generator = createGenerator({
    path: join(root, 'packages/admin-api/src/index.ts'),
    tsconfig: join(root, 'tsconfig.base.json'),
    skipTypeCheck: true,
    additionalProperties: true,
    topRef: false,
  });
  return new Map(documentTypes.map((type) => [type, generator.createSchema(type)]));
}

/** The file of a document's schema. */
export function schemaPath(type: DocumentType): string {
  const name = type.replace(/View$/, '').replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`);
  return join(root, 'docs/cli', `${name.toLowerCase()}.schema.json`);
}

/** The schema of a document as it is published in docs/cli. */
export function publishedSchema(type: DocumentType): object {
  return JSON.parse(readFileSync(schemaPath(type), 'utf8')) as object;
}

if (import.meta.main) {
  for (const [type, schema] of generateSchemas()) {
    writeFileSync(schemaPath(type), `${JSON.stringify(schema, null, 2)}\n`);
  }
}
