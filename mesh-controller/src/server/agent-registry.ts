import type { Clock } from '@tulle/core';
import type { CertificateReport, NodeReport, NodeState } from '@tulle/feed';
import type { AgentRecord, CertificateFact } from '../views/agent-record.ts';

/** Publications older than the last so many are only known to be old. */
const maxHistory = 256;

interface Publication {
  readonly version: string;
  readonly atMs: number;
  readonly monotonicMs: number;
}

interface AgentEntry {
  state: NodeState;
  connectedAtMs: number;
  report: NodeReport | undefined;
  reportedAtMs: number | undefined;
}

/** What is known of the agents: where each stands with the configuration, and what it reported last. */
export class AgentRegistry {
  readonly #clock: Clock;
  readonly #agents = new Map<string, AgentEntry>();
  /** The newest is last. */
  readonly #publications: Publication[] = [];
  #convergenceMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A configuration was given to the feed; nothing happens when it is the version that was there. */
  published(version: string): void {
    if (this.#publications.at(-1)?.version === version) return;
    this.#publications.push({ version, atMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() });
    if (this.#publications.length > maxHistory) this.#publications.shift();
    this.#convergenceMs = undefined;
    this.#noteConvergence();
  }

  /** The feed says where a node stands. */
  nodeState(state: NodeState): void {
    const nowMs = this.#clock.nowMs();
    const entry = this.#agents.get(state.node);
    if (entry === undefined) {
      this.#agents.set(state.node, { state, connectedAtMs: nowMs, report: undefined, reportedAtMs: undefined });
    } else {
      if (state.connected && !entry.state.connected) entry.connectedAtMs = nowMs;
      entry.state = state;
    }
    this.#noteConvergence();
  }

  /** An agent reported. */
  report(report: NodeReport): void {
    const nowMs = this.#clock.nowMs();
    const entry = this.#agents.get(report.node) ?? {
      state: { node: report.node, connected: false },
      connectedAtMs: nowMs,
      report,
      reportedAtMs: nowMs,
    };
    entry.report = report;
    entry.reportedAtMs = nowMs;
    this.#agents.set(report.node, entry);
  }

  /** When the newest configuration was published, milliseconds since the epoch. */
  get publishedAtMs(): number | undefined {
    return this.#publications.at(-1)?.atMs;
  }

  /** How long every connected agent took to acknowledge the newest configuration; undefined while one has not. */
  get convergenceMs(): number | undefined {
    return this.#convergenceMs;
  }

  /** The agents by node. */
  records(): Map<string, AgentRecord> {
    return new Map([...this.#agents].map(([node, entry]) => [node, this.#record(node, entry)]));
  }

  #record(node: string, { state, connectedAtMs, report, reportedAtMs }: AgentEntry): AgentRecord {
    const behindSinceMs = this.#behindSince(state.ackedVersion, connectedAtMs);
    return {
      node,
      connected: state.connected,
      ackedVersion: state.ackedVersion ?? null,
      ...(report === undefined || report.agentVersion === '' ? {} : { version: report.agentVersion }),
      ...(behindSinceMs === undefined ? {} : { behindSinceMs }),
      ...(state.nack === undefined
        ? {}
        : { refused: { configVersion: state.nack.version, message: state.nack.message } }),
      ...(reportedAtMs === undefined ? {} : { reportedAtMs }),
      pods: report?.pods ?? [],
      certificates: (report?.certificates ?? []).map(certificateView),
      ...(report?.denials === undefined ? {} : { denials: report.denials }),
      ...(report?.sameNodeDirect === undefined ? {} : { sameNodeDirect: true }),
      ...(report?.requestRate === undefined ? {} : { requestRate: report.requestRate }),
    };
  }

  /** The time of the first publication that the agent lacks, or of its connection if that is later. */
  #behindSince(ackedVersion: string | undefined, connectedAtMs: number): number | undefined {
    const newest = this.#publications.at(-1);
    if (newest === undefined || ackedVersion === newest.version) return undefined;
    const acked = this.#publications.findIndex(({ version }) => version === ackedVersion);
    const lacking = this.#publications[acked + 1] ?? newest;
    return ackedVersion === undefined ? Math.max(connectedAtMs, lacking.atMs) : lacking.atMs;
  }

  #noteConvergence(): void {
    const newest = this.#publications.at(-1);
    if (newest === undefined || this.#convergenceMs !== undefined) return;
    const connected = [...this.#agents.values()].filter(({ state }) => state.connected);
    if (connected.length === 0 || connected.some(({ state }) => state.ackedVersion !== newest.version)) return;
    this.#convergenceMs = this.#clock.monotonicMs() - newest.monotonicMs;
  }
}

function certificateView({
  identity,
  issuer,
  notBeforeMs,
  notAfterMs,
  nextAttemptMs,
  serial,
  error,
}: CertificateReport): CertificateFact {
  return {
    identity,
    ...(issuer === undefined ? {} : { issuer }),
    ...(notBeforeMs === undefined ? {} : { notBefore: new Date(notBeforeMs).toISOString() }),
    ...(notAfterMs === undefined ? {} : { notAfter: new Date(notAfterMs).toISOString() }),
    ...(serial === undefined ? {} : { serialNumber: serial.toLowerCase() }),
    ...(nextAttemptMs === undefined ? {} : { nextRenewal: new Date(nextAttemptMs).toISOString() }),
    ...(error === undefined ? {} : { lastError: error }),
  };
}
