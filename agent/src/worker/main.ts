import { errorMessage } from '@tulle/core';
import { hasUsualPolicy, threadTimes } from '@tulle/linux';
import { ByteWriter, HpackEncoder } from '@tulle/wire';
import type { FromWorker, ToWorker, WorkerMeasures } from '../ipc.ts';
import { accessWriter, processLogger } from '../log.ts';
import { AccessLog } from './access-log.ts';
import { defaultAccessLog } from './access-settings.ts';
import { BatchScheduling } from './batch-scheduling.ts';
import { MemoryTrimmer } from '../memory-trimmer.ts';
import { CertificateStore } from './certificates.ts';
import { Sessions } from './http/sessions.ts';
import { ConnectionMetrics, Counters, RequestMetrics } from './measures.ts';
import { MeshView } from './mesh-view.ts';
import { defaultLimits } from './limits.ts';
import { Originations } from './origination.ts';
import { PodSet } from './pod-set.ts';
import { WorkerLoad } from './pod-share.ts';
import { SameNode } from './same-node.ts';
import { gathering, moved } from './socket-channel.ts';
import { Ticker } from './tick.ts';
import { TurnFlusher } from './turn-flusher.ts';
import { TurnPauses } from './turn-pauses.ts';
import { WorkerTuner } from './worker-tuner.ts';
import type { WorkerContext } from './worker-context.ts';

/** How exactly deadlines of the data path are met. */
const tickMs = 25;

const log = processLogger({ part: 'agent-worker', pid: process.pid });
const writeAccess = accessWriter({ part: 'agent-access', pid: process.pid });
let pods: PodSet | undefined;
let context: WorkerContext | undefined;
let tuner: WorkerTuner | undefined;

/** Tells the main process. One that is just ending hears nothing, which is no failure: `disconnect` follows. */
function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, () => {});
}

function measures(of: WorkerContext, carried: PodSet): WorkerMeasures {
  return {
    pid: process.pid,
    requests: of.requests.snapshot(),
    connections: of.connections.snapshot(),
    counters: of.counters.snapshot(),
    eventLoopDelayP99Ms: of.ticker.latenessP99Ms,
    rssBytes: process.memoryUsage.rss(),
    tunings: tuner?.states ?? {},
    tunnels: carried.tunnels(),
    denials: carried.denials(),
  };
}

function receive(message: ToWorker): void {
  if (message.type === 'configure') {
    const ticker = new Ticker(tickMs);
    const counters = new Counters();
    const load = new WorkerLoad({ ...defaultLimits, ...message.settings.limits }, { ticker, counters });
    const flusher = new TurnFlusher({ hasMore: () => gathering.channels > 0 || load.hasBacklog });
    context = {
      log,
      accessLog: new AccessLog(message.settings.accessLog ?? defaultAccessLog, {
        ticker,
        counters,
        write: writeAccess,
      }),
      mesh: new MeshView(message.settings),
      certificates: new CertificateStore(),
      originations: new Originations(),
      flusher,
      ticker,
      counters,
      load,
      sameNode: new SameNode(message.settings.sameNode),
      requests: new RequestMetrics(),
      sessions: new Sessions(),
      connections: new ConnectionMetrics(),
      writer: new ByteWriter(),
      encoder: new HpackEncoder(),
    };
    pods = new PodSet(context, tell);
    // Whoever chose how the agent is scheduled knows better.
    if (hasUsualPolicy()) {
      const tunings = [new BatchScheduling(), new TurnPauses(flusher)];
      tuner = new WorkerTuner({ ticker, log }, tunings, {
        times: threadTimes,
        work: () => moved.bytes,
        turns: () => flusher.turns,
        pauses: () => ({ count: flusher.pauses, ms: flusher.pausedMs }),
      });
    }
    return;
  }
  if (context === undefined || pods === undefined) return;
  switch (message.type) {
    case 'mesh':
      context.mesh.apply(message.delta);
      context.certificates.trust(message.delta.settings?.trust);
      if (message.delta.settings !== undefined) context.sessions.setKey(message.delta.settings.sessionKey);
      pods.policiesChanged(message.delta);
      return;
    case 'certificate':
      context.certificates.put(message.certificate);
      return;
    case 'drop-certificate':
      context.certificates.drop(message.identity);
      return;
    case 'open-pod':
      void pods.open(message.pod);
      return;
    case 'release-pod':
      pods.release(message.uid, message.drainMs);
      return;
    case 'close-pod':
      pods.close(message.uid);
      return;
    case 'measure':
      tell({ type: 'measured', request: message.request, measures: measures(context, pods) });
      return;
    case 'drain':
      pods.drainAll(message.deadlineMs);
      return;
  }
}

new MemoryTrimmer();
process.on('message', (message) => {
  try {
    receive(message as ToWorker);
  } catch (error) {
    log.error('a message of the agent could not be carried out', { error: errorMessage(error) });
  }
});
// Without its main process nobody tells a worker what is true: it must not go on with old configuration.
process.on('disconnect', () => process.exit(0));
// The main process decides when to stop; a terminal's Ctrl-C reaches the whole group.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
tell({ type: 'started' });
