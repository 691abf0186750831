import type { CliApiVersion } from './common.ts';

/** `tulle version`. */
export interface VersionView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Version';
  readonly client: { readonly version: string; readonly node: string };
  /** Absent when no mesh was found or it did not answer. */
  readonly controller?: { readonly version: string };
}
