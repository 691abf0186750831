import { parse } from 'yaml';

/** The parts of an OpenAPI v3 structural schema that CRDs use. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
}

/** One version of a kind. */
export interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: Schema;
}

/** A CustomResourceDefinition. */
export interface Crd {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: string;
  readonly versions: readonly CrdVersion[];
}

interface CrdDocument {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Reads the text of a CRD's manifest. */
export function readCrd(text: string): Crd {
  const { spec } = parse(text) as CrdDocument;
  return {
    group: spec.group,
    kind: spec.names.kind,
    plural: spec.names.plural,
    scope: spec.scope,
    versions: spec.versions.map(({ name, served, storage, schema }) => ({
      name,
      served,
      storage,
      schema: schema.openAPIV3Schema,
    })),
  };
}

/** The version whose name and type decoded objects carry: `v1` where there is one, else the storage version. */
export function hubVersion(crd: Crd): CrdVersion {
  const hub = crd.versions.find(({ name }) => name === 'v1') ?? crd.versions.find(({ storage }) => storage);
  if (hub === undefined) throw new Error(`${crd.kind} has no storage version`);
  return hub;
}
