import { decodeObject, formatObjectError, type KubernetesObject } from '@tulle/gateway-api';
import { parseAllDocuments } from 'yaml';
import type { ObjectChange } from '../src/objects/object-source.ts';

/** Decodes the YAML documents of a test; one that is not valid fails the test. */
export function objectsOf(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml).map((document) => {
    const decoded = decodeObject(document.toJS() as unknown);
    if (!decoded.ok) throw new Error(decoded.error.map(formatObjectError).join('; '));
    return decoded.value;
  });
}

/** Changes that set the objects of YAML documents. */
export function setObjects(yaml: string, file?: string): ObjectChange[] {
  return objectsOf(yaml).map((object) => ({
    type: 'set',
    object,
    ...(file === undefined ? {} : { origin: { file, line: 1 } }),
  }));
}
