import type { KubernetesObject } from '@tulle/gateway-api';

/** An object, and where it was read. */
export interface ManifestObject {
  /** Its key in a store: `Kind.group/namespace/name` (see `objectKey` of the gateway-api package). */
  readonly key: string;
  readonly object: KubernetesObject;
  /** The file's name as it was given to the reader. */
  readonly file: string;
  /** The line at which it begins, from 1. */
  readonly line: number;
  /** Whether this is the last good version: what the file says now is not valid or cannot be read. */
  readonly isStale: boolean;
}

/** Something wrong in a file, worded for the person who wrote it. */
export interface ManifestProblem {
  /** `error`: something is not used as written. `warning`: something is ignored. */
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; for a problem of the file as a whole it is 1. */
  readonly line: number;
  /** From 1. */
  readonly column?: number;
  /** The object, such as `HTTPRoute shop/canary`. */
  readonly object?: string;
  /** Where in the object, such as `spec.rules[0].backendRefs[1].weight`. */
  readonly path?: string;
  readonly message: string;
}

/** `shop.yaml:14: HTTPRoute shop/canary: spec.rules[0].backendRefs[0].weight: -1 is less than the minimum 0`. */
export function formatManifestProblem(problem: ManifestProblem): string {
  const parts = [problem.object ?? '', problem.path ?? '', problem.message].filter((part) => part !== '');
  return `${problem.file}:${problem.line}: ${parts.join(': ')}`;
}
