import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { CodedError, err, ok, type Result } from '@tulle/core';
import { loaderOptions } from './discovery-service.ts';

/** What a pod's node does with it. */
export interface PodReport {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** What captures it now; null when nothing does. */
  readonly captured: 'iptables' | 'ebpf' | null;
  /** Why it is not captured. */
  readonly reason?: string;
}

/** Where a certificate stands on a node. Times are milliseconds since the epoch. */
export interface CertificateReport {
  readonly identity: string;
  readonly state: string;
  readonly serial?: string;
  readonly issuer?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly nextAttemptMs?: number;
  readonly error?: string;
}

/** Somebody whom policy turned away from a pod of the node. */
export interface DenialReport {
  /** `namespace/name`. */
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

/** HTTP requests a second that pods of the node made lately. */
export interface RequestRate {
  readonly perSecond: number;
  /** Those of them that failed by somebody else's fault than their client's. */
  readonly failedPerSecond: number;
}

/** What an agent says of its node. */
export interface NodeReport {
  readonly node: string;
  readonly agentVersion: string;
  readonly pods: readonly PodReport[];
  readonly certificates: readonly CertificateReport[];
  /** Sums over requests and connections since the agent began, by name. */
  readonly counters: Readonly<Record<string, number>>;
  /** The version of the configuration that the agent acts on; empty before it has one. */
  readonly configVersion: string;
  /** Whom policy turned away lately. */
  readonly denials?: readonly DenialReport[];
  /** Present where connections between two pods of the node go without a tunnel, not encrypted. */
  readonly sameNodeDirect?: true;
  /** Absent while it is not known: two measurements are needed, with time between them. */
  readonly requestRate?: RequestRate;
}

/** A report as it goes over the wire: no absent fields, and null only for a message that is not there. */
export interface WireReport {
  readonly node: string;
  readonly agentVersion: string;
  readonly pods: readonly { readonly [K in keyof Required<PodReport>]: string }[];
  readonly certificates: readonly Required<CertificateReport>[];
  readonly counters: Readonly<Record<string, number>>;
  readonly configVersion: string;
  readonly denials: readonly DenialReport[];
  readonly sameNodeDirect: boolean;
  readonly requestRate: RequestRate | null;
}

/** `tulle.feed.v1.AgentReports`. */
export interface ReportServiceDefinition extends ServiceDefinition {
  readonly Report: MethodDefinition<WireReport, Record<string, never>>;
}

/** Bounds on what one node may report. */
const maxPods = 4096;
const maxCertificates = 4096;
const maxCounters = 1024;
const maxDenials = 4096;
const maxTextLength = 4096;

/** Loads the report service's definition from its .proto file. */
export function loadReportService(): ReportServiceDefinition {
  const file = fileURLToPath(new URL('proto/report.proto', import.meta.url));
  const service: object | undefined = loadSync(file, loaderOptions)['tulle.feed.v1.AgentReports'];
  return service as ReportServiceDefinition;
}

/** The wire form of a report. */
export function encodeReport(report: NodeReport): WireReport {
  return {
    ...report,
    denials: report.denials ?? [],
    sameNodeDirect: report.sameNodeDirect ?? false,
    requestRate: report.requestRate ?? null,
    pods: report.pods.map((pod) => ({ ...pod, captured: pod.captured ?? '', reason: pod.reason ?? '' })),
    certificates: report.certificates.map((certificate) => ({
      identity: certificate.identity,
      state: certificate.state,
      serial: certificate.serial ?? '',
      issuer: certificate.issuer ?? '',
      notBeforeMs: certificate.notBeforeMs ?? 0,
      notAfterMs: certificate.notAfterMs ?? 0,
      nextAttemptMs: certificate.nextAttemptMs ?? 0,
      error: certificate.error ?? '',
    })),
  };
}

/** Reads a report from its wire form, within bounds. Error code: `invalid-report`. */
export function decodeReport(wire: WireReport): Result<NodeReport, CodedError> {
  const refuse = (problem: string) => err(new CodedError('invalid-report', `the report ${problem}`));
  if (wire.pods.length > maxPods) return refuse(`names more than ${maxPods} pods`);
  if (wire.certificates.length > maxCertificates) return refuse(`names more than ${maxCertificates} certificates`);
  if (wire.denials.length > maxDenials) return refuse(`names more than ${maxDenials} denials`);
  if (!wire.denials.every(texts)) return refuse(`has a text longer than ${maxTextLength}`);
  const counters = Object.entries(wire.counters);
  if (counters.length > maxCounters) return refuse(`has more than ${maxCounters} counters`);
  if (!counters.every(([name, value]) => name.length <= 256 && Number.isFinite(value))) {
    return refuse('has a counter that is no number');
  }
  const { requestRate } = wire;
  if (requestRate !== null && !isRate(requestRate)) return refuse('has a rate of requests that is none');
  const pods: PodReport[] = [];
  for (const pod of wire.pods) {
    if (!texts(pod)) return refuse(`has a text longer than ${maxTextLength}`);
    const captured = captureOf(pod.captured);
    if (captured === undefined) return refuse(`says that a pod is captured by ${JSON.stringify(pod.captured)}`);
    const { uid, namespace, name, reason } = pod;
    pods.push({ uid, namespace, name, captured, ...(reason === '' ? {} : { reason }) });
  }
  if (!wire.certificates.every(texts) || !texts(wire)) return refuse(`has a text longer than ${maxTextLength}`);
  return ok({
    node: wire.node,
    agentVersion: wire.agentVersion,
    pods,
    certificates: wire.certificates.map(certificateOf),
    counters: Object.fromEntries(counters),
    configVersion: wire.configVersion,
    ...(wire.denials.length === 0 ? {} : { denials: wire.denials }),
    ...(wire.sameNodeDirect ? { sameNodeDirect: true } : {}),
    ...(requestRate === null ? {} : { requestRate }),
  });
}

function isRate({ perSecond, failedPerSecond }: RequestRate): boolean {
  return Number.isFinite(perSecond) && failedPerSecond >= 0 && failedPerSecond <= perSecond;
}

function texts(of: object): boolean {
  return Object.values(of).every((value) => typeof value !== 'string' || value.length <= maxTextLength);
}

function captureOf(text: string): PodReport['captured'] | undefined {
  if (text === '') return null;
  return text === 'iptables' || text === 'ebpf' ? text : undefined;
}

function certificateOf(wire: Required<CertificateReport>): CertificateReport {
  const { identity, state, serial, issuer, notBeforeMs, notAfterMs, nextAttemptMs, error } = wire;
  return {
    identity,
    state,
    ...(serial === '' ? {} : { serial }),
    ...(issuer === '' ? {} : { issuer }),
    ...(notBeforeMs === 0 ? {} : { notBeforeMs }),
    ...(notAfterMs === 0 ? {} : { notAfterMs }),
    ...(nextAttemptMs === 0 ? {} : { nextAttemptMs }),
    ...(error === '' ? {} : { error }),
  };
}
