import type { Logger } from '@tulle/core';
import type { ByteWriter, HpackEncoder } from '@tulle/wire';
import type { AccessLog } from './access-log.ts';
import type { CertificateStore } from './certificates.ts';
import type { Sessions } from './http/sessions.ts';
import type { ConnectionMetrics, Counters, RequestMetrics } from './measures.ts';
import type { MeshView } from './mesh-view.ts';
import type { Originations } from './origination.ts';
import type { WorkerLoad } from './pod-share.ts';
import type { SameNode } from './same-node.ts';
import type { Ticker } from './tick.ts';
import type { TurnFlusher } from './turn-flusher.ts';

/** What everything in one worker shares. */
export interface WorkerContext {
  readonly log: Logger;
  readonly accessLog: AccessLog;
  readonly mesh: MeshView;
  readonly certificates: CertificateStore;
  readonly originations: Originations;
  readonly flusher: TurnFlusher;
  readonly ticker: Ticker;
  readonly sameNode: SameNode;
  readonly counters: Counters;
  readonly load: WorkerLoad;
  readonly requests: RequestMetrics;
  readonly sessions: Sessions;
  readonly connections: ConnectionMetrics;
  /** Heads are written here; whoever writes takes the bytes before anything else can write. */
  readonly writer: ByteWriter;
  /** Encodes header blocks without state: good for any connection. */
  readonly encoder: HpackEncoder;
}
