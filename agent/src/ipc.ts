import type { MeshDelta } from '@tulle/ir';
import type { AccessLogSettings } from './worker/access-settings.ts';
import type { WorkerLimits } from './worker/limits.ts';

/** A pod as its agent's workers know it. */
export interface PodSpec {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly workloadName: string;
  readonly addresses: readonly string[];
  /** The SPIFFE id that its tunnels show. */
  readonly identity: string;
  /** The path of its network namespace. */
  readonly netns: string;
}

/** A workload certificate with its key, on its way from the main process's memory to a worker's. */
export interface CertificateMessage {
  readonly identity: string;
  readonly privateKeyPem: string;
  readonly chainPem: string;
  readonly rootsPem: string;
  readonly notAfterMs: number;
}

/** What the main process tells a worker. */
export type ToWorker =
  | { readonly type: 'configure'; readonly settings: WorkerSettings }
  | { readonly type: 'mesh'; readonly delta: MeshDelta }
  | { readonly type: 'certificate'; readonly certificate: CertificateMessage }
  | { readonly type: 'drop-certificate'; readonly identity: string }
  | { readonly type: 'open-pod'; readonly pod: PodSpec }
  /** The pod left the mesh: carry what is open until it ends or `drainMs` have passed, then say `pod-drained`. */
  | { readonly type: 'release-pod'; readonly uid: string; readonly drainMs: number }
  /** The pod is gone. */
  | { readonly type: 'close-pod'; readonly uid: string }
  | { readonly type: 'measure'; readonly request: number }
  | { readonly type: 'drain'; readonly deadlineMs: number };

/** What a worker tells the main process. */
export type FromWorker =
  | { readonly type: 'started' }
  | { readonly type: 'pod-opened'; readonly uid: string }
  | { readonly type: 'pod-failed'; readonly uid: string; readonly message: string }
  | { readonly type: 'pod-drained'; readonly uid: string }
  | { readonly type: 'measured'; readonly request: number; readonly measures: WorkerMeasures }
  | { readonly type: 'drained' };

/** Settings of the data path that do not change while a worker lives. */
export interface WorkerSettings {
  readonly node: string;
  readonly zone: string;
  /** What differs from the worker's own defaults. */
  readonly limits?: Partial<WorkerLimits>;
  /** How connections between two pods of the node go: see `--same-node`. */
  readonly sameNode: 'tunnel' | 'direct';
  /** Absent: errors only. */
  readonly accessLog?: AccessLogSettings;
}

/** One series of requests: its labels in the order of {@link requestLabels}, and what was counted. */
export interface RequestSeries {
  readonly labels: readonly string[];
  readonly count: number;
  readonly durationSecondsSum: number;
  /** Cumulative-free counts of {@link durationBucketsSeconds}, and one for what is longer. */
  readonly buckets: readonly number[];
}

/** The labels of a request series, bounded: names of configuration, never of traffic. */
export const requestLabels = [
  'source_workload',
  'source_namespace',
  'destination_service',
  'destination_namespace',
  'route',
  'protocol',
  'status_class',
  'reason',
  'grpc_status',
] as const;

/** One series of connections carried as bytes, by {@link connectionLabels}; counted at their end. */
export interface ConnectionSeries {
  readonly labels: readonly string[];
  readonly count: number;
  /** Bytes from clients, and to them. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The labels of a connection series, bounded like those of requests. */
export const connectionLabels = [
  'source_workload',
  'source_namespace',
  'destination_service',
  'destination_namespace',
  'route',
  'protocol',
  'reason',
] as const;

/** The upper bounds of the duration histogram. */
export const durationBucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** An open tunnel of a pod, whose other end's identity has been verified. */
export interface TunnelReport {
  /** `namespace/name` of the pod of this node. */
  readonly pod: string;
  readonly identity: string;
  readonly direction: 'outbound' | 'inbound';
  readonly peerAddress: string;
  readonly peerIdentity: string;
  readonly streams: number;
  /** A client of the pod's own node that was connected without a tunnel (`--same-node direct`). */
  readonly unencrypted?: true;
}

/** Somebody whom policy turned away from a pod of this node. */
export interface DenialReport {
  /** `namespace/name` of the pod. */
  readonly pod: string;
  /** The client's SPIFFE id; empty for plaintext. */
  readonly identity: string;
  /** The address that it came from last. */
  readonly address: string;
  readonly port: number;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly lastMs: number;
}

/** What one worker counted since it was started. */
export interface WorkerMeasures {
  readonly pid: number;
  readonly requests: readonly RequestSeries[];
  readonly connections: readonly ConnectionSeries[];
  readonly counters: Readonly<Record<string, number>>;
  readonly eventLoopDelayP99Ms: number;
  readonly rssBytes: number;
  /** Of each tuning for the load that there is, by name, whether it is on. */
  readonly tunings: Readonly<Record<string, boolean>>;
  /** Its tunnels as they are now; at most {@link maxReportedTunnels}. */
  readonly tunnels: readonly TunnelReport[];
  /** Who was turned away by policy, at most {@link maxReportedDenials}. */
  readonly denials: readonly DenialReport[];
}

export const maxReportedTunnels = 1_000;
export const maxReportedDenials = 500;
