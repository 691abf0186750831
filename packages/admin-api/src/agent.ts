/** What redirects a pod's traffic. */
export type CaptureMethod = 'iptables' | 'ebpf';

/** The pods that an agent knows: `GET /v1/pods` of the agent's admin endpoint. */
export interface AgentPodsView {
  readonly pods: readonly AgentPodView[];
}

/** A pod of the node. */
export interface AgentPodView {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** What captures it now; null when nothing does. */
  readonly captured: CaptureMethod | null;
  /** Why it is not captured. */
  readonly reason?: string;
}

/** The configuration that an agent acts on: `GET /v1/config` of the agent's admin endpoint. */
export interface AgentConfigView {
  /** Whether the agent is connected to the controller now. */
  readonly connected: boolean;
  /** The version that it applied last; null when it never had any. */
  readonly version: string | null;
  /** When that was (RFC 3339). */
  readonly appliedAt?: string;
  /** How many resources it holds, by kind. */
  readonly resources: { readonly [kind: string]: number };
  /** The update that it refused last, until it applies one. */
  readonly refused?: { readonly version: string; readonly message: string };
}

/** The certificates that an agent holds: `GET /v1/certificates` of the agent's admin endpoint. Never a key. */
export interface AgentCertificatesView {
  readonly certificates: readonly AgentCertificateView[];
}

/** A workload certificate. */
export interface AgentCertificateView {
  /** The SPIFFE id. */
  readonly identity: string;
  /** RFC 3339; absent while there is none. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Lower case hexadecimal. */
  readonly serialNumber?: string;
  /** How many pods of the node use it. */
  readonly pods: number;
  /** Why the last try to get or renew it failed. */
  readonly lastError?: string;
}
