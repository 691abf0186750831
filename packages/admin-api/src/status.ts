import type { CliApiVersion, ProblemView } from './common.ts';

/** The mesh at one look: `tulle status`, `GET /v1/status`. */
export interface StatusView {
  readonly apiVersion: CliApiVersion;
  readonly kind: 'Status';
  readonly controller: ControllerStatus;
  readonly ca: CaStatus;
  /** One entry a node that is known by its pods, its token or its agent, ordered by name. */
  readonly nodes: readonly NodeStatus[];
  readonly problems: readonly ProblemView[];
}

/** The controller that answered. */
export interface ControllerStatus {
  /** `syncing`: the source of objects has not been read to its end yet, and nothing is published. */
  readonly state: 'running' | 'syncing';
  readonly version: string;
  readonly uptimeMs: number;
  readonly source: 'directory' | 'kubernetes';
  readonly trustDomain: string;
  readonly mtlsMode: 'permissive' | 'strict';
  /** The configuration that agents should have. */
  readonly configVersion: string;
  /** When it was published (RFC 3339); absent while nothing is published. */
  readonly publishedAt?: string;
  /** How long the last publication took to be acknowledged by every connected agent; absent while one has not. */
  readonly convergenceMs?: number;
  /** How many objects of each kind were read. */
  readonly objects: { readonly [kind: string]: number };
}

/** The certificate authority. */
export interface CaStatus {
  /** `expiring`: the root ends within 90 days. `expired`: nothing that it signs is valid. */
  readonly state: 'ok' | 'expiring' | 'expired';
  /** The end of the root certificate that signs (RFC 3339). */
  readonly rootNotAfter: string;
  readonly rootExpiresInMs: number;
  /** Certificates issued and requests refused in the last 24 hours (since the start, if that is later). */
  readonly issuedLast24Hours: number;
  readonly refusedLast24Hours: number;
  /** Why the last request was refused. */
  readonly lastRefusal?: string;
}

/** A node and its agent. */
export interface NodeStatus {
  readonly name: string;
  /**
   * `ready`: connected, reporting, and up to date or becoming so. `stale`: connected, but without a recent report.
   * `disconnected`: was connected. `missing`: never was.
   */
  readonly agent: 'ready' | 'stale' | 'disconnected' | 'missing';
  /** The agent's version, once it reported. */
  readonly agentVersion?: string;
  /** Pods of the node that the agent captures, and that ought to be captured. */
  readonly podsCaptured: number;
  readonly podsWanted: number;
  /** The configuration that the agent acknowledged last; null when none. */
  readonly configVersion: string | null;
  /** For how long the agent has lacked the newest configuration: 0 when it has it. */
  readonly behindMs: number;
  /** The configuration that the agent refused last and why, until it accepts one. */
  readonly refused?: { readonly configVersion: string; readonly message: string };
  /** Workload certificates that the agent holds. */
  readonly certificates: number;
  /** The age of the agent's last report; null when it never reported. */
  readonly lastReportAgeMs: number | null;
  /**
   * HTTP requests a second that pods of the node made through the mesh, over the ten seconds before the agent's last report;
   * absent while that is not known, or the agent is not ready.
   */
  readonly requestsPerSecond?: number;
  /**
   * The share of those (0 to 1) that did not fail by the fault of a server or the mesh: 5xx, gRPC statuses like UNAVAILABLE,
   * answers of the mesh. Absent where there were none.
   */
  readonly successShare?: number;
}
