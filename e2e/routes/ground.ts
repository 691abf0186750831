import type { Manifest } from './model.ts';

/** The objects of the suite. */
export interface SuiteObjects {
  /** Namespaces, pods and what all cases share. */
  readonly shared: readonly Manifest[];
  /** Of all cases, in their order. */
  readonly cases: readonly Manifest[];
}

/**
 * Where the suite runs: a playground, or a Kubernetes cluster. Cases, clients, servers and verdicts are the same; a
 * ground brings objects into force and runs programs in pods.
 */
export interface SuiteGround {
  /** Where the mesh controller reads objects: a directory of files, or an API server. */
  readonly source: 'directory' | 'kubernetes';
  /** The kinds of objects that cannot be here, each with the reason. */
  readonly absentKinds: ReadonlyMap<string, string>;
  /**
   * Brings the objects into force, for the first and only time: comes back when all pods are ready and in the mesh, and
   * when the agents act by the routes. Throws when that does not come to be.
   */
  apply(objects: SuiteObjects): Promise<void>;
  /**
   * Runs a program of `routes/programs` in a pod (`NAMESPACE/NAME`) to its end, with `input` as its standard input; gives
   * what it printed. Throws when it failed.
   */
  exec(pod: string, command: readonly string[], input: string): Promise<string>;
}
