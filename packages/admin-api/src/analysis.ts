import type { CliApiVersion, ProblemView } from './common.ts';

/** `tulle analyze`: what is wrong in manifests, before they are applied. */
export interface AnalysisView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Analysis';
  /** How many files were read, and how many objects were found in them. */
  readonly files: number;
  readonly objects: number;
  /** In the order of files and lines. */
  readonly problems: readonly ProblemView[];
}
