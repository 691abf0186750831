import type { KubernetesObject, ObjectReference } from '@tulle/gateway-api';

/** Where an object was read from: a file below the source's directory, and the line that it begins at. */
export interface ObjectOrigin {
  readonly file: string;
  readonly line?: number;
}

/** One change to the objects. */
export type ObjectChange =
  | { readonly type: 'set'; readonly object: KubernetesObject; readonly origin?: ObjectOrigin }
  | { readonly type: 'delete'; readonly reference: ObjectReference };

/** Something that keeps an object, or what is in a file, from taking effect or changes what it means. */
export interface SourceProblem {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  /** The object, as far as it could be told: `HTTPRoute shop/canary`. */
  readonly object?: string;
  readonly origin?: ObjectOrigin;
}

/** Where a source puts what it reads. */
export interface ObjectSink {
  /** Takes changes that belong together: they take effect as one. */
  apply(changes: readonly ObjectChange[]): void;
  /** Replaces the problems that are known of this source. */
  setProblems(problems: readonly SourceProblem[]): void;
}

/**
 * A place that objects come from: a directory of manifests, or a Kubernetes API server. Every source gives each object
 * in its last valid version, and gives nothing twice.
 */
export interface ObjectSource extends AsyncDisposable {
  readonly kind: 'directory' | 'kubernetes';
  /** Begins to fill `sink`; resolves once it holds everything that was there at the start. Called once. */
  start(sink: ObjectSink): Promise<void>;
  /** Stops; nothing is given to the sink afterwards. */
  close(): Promise<void>;
}
