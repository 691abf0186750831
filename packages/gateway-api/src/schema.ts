/** A JSON type that a schema may ask for. */
export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

/** A CEL rule of a CRD (`x-kubernetes-validations`); the fields that the Gateway API's rules use. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
}

/** The parts of an OpenAPI v3 structural schema that are used here. */
export interface Schema {
  readonly type?: SchemaType | readonly SchemaType[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A kind: where it lives and what its objects look like. */
export interface KindDefinition {
  readonly group: string;
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** The version that decoded objects carry. */
  readonly hub: string;
  /** The schema of each accepted version, or the name of the version whose schema it shares. */
  readonly versions: Readonly<Record<string, Schema | string>>;
  /**
   * `complete`: the schema names every field; unknown ones are dropped with a warning, as an API server does.
   * `partial`: the schema names what a mesh reads; all else is kept unseen.
   */
  readonly coverage: 'complete' | 'partial';
}

/** The schema of one version, following a shared one to where it is written; undefined for a version not accepted. */
export function schemaOf(definition: KindDefinition, version: string): Schema | undefined {
  const found = Object.hasOwn(definition.versions, version) ? definition.versions[version] : undefined;
  return typeof found === 'string' ? schemaOf(definition, found) : found;
}
