import type { CliApiVersion } from './common.ts';

/** Whether one pod may connect to another: `tulle authz check`, `GET /v1/authorization/NS/POD/NS/POD?port=N`. */
export interface AuthorizationCheckView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'AuthorizationCheck';
  /** Whether every decision is to let the client in. */
  readonly allowed: boolean;
  readonly from: AuthorizationPartyView;
  readonly to: AuthorizationPartyView;
  /** For the port asked for; without one for each port that a rule names, and for all others. */
  readonly decisions: readonly AuthorizationDecisionView[];
}

/** One end of a connection. */
export interface AuthorizationPartyView {
  readonly namespace: string;
  readonly name: string;
  /** The SPIFFE id that it proves; absent for a pod that is not in the mesh. */
  readonly identity?: string;
}

/** What is decided for a port, and what decides. */
export interface AuthorizationDecisionView {
  /** Absent: every port that has no decision of its own. */
  readonly port?: number;
  readonly allowed: boolean;
  /**
   * `rule`: a rule allows it. `no-policy`: no policy is attached to the pod. `no-rule`: policies are, and none of their
   * rules allows it. `mtls-strict`: plaintext, and the pod takes none. `not-in-mesh`: nothing is enforced at the pod.
   */
  readonly reason: 'rule' | 'no-policy' | 'no-rule' | 'mtls-strict' | 'not-in-mesh';
  /** The rule that allows it: the policy's `namespace/name`, and the index in its `spec.rules`. */
  readonly policy?: string;
  readonly rule?: number;
  /** The policies that were looked at. */
  readonly policies: readonly string[];
}
