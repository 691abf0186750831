import type { KindDefinition, Schema } from '../schema.ts';
import { coreKind, flag, list, object, oneOf, requiredText, text, textMap, texts } from './schema-parts.ts';

const base64Map: Schema = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } };

const namespace = coreKind(
  { kind: 'Namespace', group: '', scope: 'Cluster', hub: 'v1' },
  { spec: object({ finalizers: texts }), status: object({ phase: oneOf(['Active', 'Terminating']) }) },
);

const node = coreKind(
  { kind: 'Node', group: '', scope: 'Cluster', hub: 'v1' },
  { status: object({ addresses: list(object({ type: requiredText, address: requiredText }, ['type', 'address'])) }) },
);

const configMap = coreKind(
  { kind: 'ConfigMap', group: '', scope: 'Namespaced', hub: 'v1' },
  { data: textMap, binaryData: base64Map, immutable: flag },
);

const secret = coreKind(
  { kind: 'Secret', group: '', scope: 'Namespaced', hub: 'v1' },
  { type: { type: 'string', default: 'Opaque' }, data: base64Map, stringData: textMap, immutable: flag },
);

const clusterTrustBundle = coreKind(
  { kind: 'ClusterTrustBundle', group: 'certificates.k8s.io', scope: 'Cluster', hub: 'v1beta1' },
  { spec: object({ signerName: text, trustBundle: requiredText }, ['trustBundle']) },
  ['spec'],
);

/** Namespaces, nodes, and the kinds that hold data. */
export const configurationKinds: readonly KindDefinition[] = [namespace, node, configMap, secret, clusterTrustBundle];
