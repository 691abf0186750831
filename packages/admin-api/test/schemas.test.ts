import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import type { StatusView } from '../src/index.ts';
import { documentTypes, generateSchemas, publishedSchema } from './schemas.ts';

const status: StatusView = {
  apiVersion: 'cli.tulle.dev/v1',
  kind: 'Status',
  controller: {
    state: 'running',
    version: '0.1.0',
    uptimeMs: 1,
    source: 'directory',
    trustDomain: 'cluster.local',
    mtlsMode: 'permissive',
    configVersion: '7',
    objects: { Service: 2 },
  },
  ca: {
    state: 'ok',
    rootNotAfter: '2036-01-01T00:00:00Z',
    rootExpiresInMs: 1,
    issuedLast24Hours: 0,
    refusedLast24Hours: 0,
  },
  nodes: [],
  problems: [],
};

describe('the schemas in docs/cli', () => {
  it('are those of the types; run node packages/admin-api/test/schemas.ts after a change', () => {
    for (const [type, schema] of generateSchemas())
      expect({ type, schema: publishedSchema(type) }).toEqual({ type, schema });
  });

  it.each(documentTypes)('%s compiles and is described', (type) => {
    const schema = publishedSchema(type) as { description?: string };
    expect(() => new Ajv({ strict: true, allowUnionTypes: true }).compile(schema)).not.toThrow();
    expect(schema.description).toMatch(/\.$/);
  });

  it('accept a document, and the same one with a field that is added later', () => {
    const validate = new Ajv({ allowUnionTypes: true }).compile(publishedSchema('StatusView'));
    expect(validate(status)).toBe(true);
    expect(validate({ ...status, dashboards: [] })).toBe(true);
  });

  it('refuse a document without a field, or of another version', () => {
    const validate = new Ajv({ allowUnionTypes: true }).compile(publishedSchema('StatusView'));
    const { nodes: _, ...without } = status;
    expect(validate(without)).toBe(false);
    expect(validate({ ...status, apiVersion: 'cli.tulle.dev/v2' })).toBe(false);
  });
});
