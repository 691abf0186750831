import type { CaptureMethod } from './agent.ts';
import type { CliApiVersion, ProblemView } from './common.ts';

/** What the mesh does with a pod: `tulle describe pod`, `GET /v1/pods/NS/NAME`. */
export interface PodView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Pod';
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly serviceAccount: string;
  /** The SPIFFE id. */
  readonly identity: string;
  /** Whether it is wanted in the mesh; `reason` says why it is not. */
  readonly mesh: { readonly state: 'in' } | { readonly state: 'out'; readonly reason: string };
  /** What captures it, as its node's agent says; null when nothing does. `captureReason` says why. */
  readonly captured: CaptureMethod | null;
  readonly captureReason?: string;
  readonly mtlsMode: 'permissive' | 'strict';
  /** Present where connections with other pods of its node go without a tunnel: local, not encrypted. */
  readonly sameNode?: 'direct';
  /** The authorization policies attached to it. Without any everybody may connect. */
  readonly policies: readonly PodPolicyView[];
  /** Who was turned away by policy lately, the latest first. */
  readonly denials: readonly PodDenialView[];
  readonly problems: readonly ProblemView[];
}

/** A policy, its rules in words. */
export interface PodPolicyView {
  readonly namespace: string;
  readonly name: string;
  /** What each rule lets in; none: nobody. */
  readonly rules: readonly string[];
}

/** A client that policy turned away. */
export interface PodDenialView {
  readonly reason: 'policy-denied';
  /** Its SPIFFE id; absent for plaintext. */
  readonly identity?: string;
  /** The address that it came from last. */
  readonly address: string;
  readonly port: number;
  readonly count: number;
  /** RFC 3339. */
  readonly lastAt: string;
}
