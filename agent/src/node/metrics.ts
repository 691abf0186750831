import type { RequestSeries, WorkerMeasures } from '../ipc.ts';
import { durationBucketsSeconds, requestLabels } from '../ipc.ts';
import type { Agent } from './agent.ts';

const requestMetric = 'http_client_request_duration_seconds';

/** The agent's metrics in Prometheus' text format: the workers' counts summed, and what the main process knows. */
export async function renderMetrics(agent: Agent): Promise<string> {
  const measures = await agent.workers.measure();
  const lines: string[] = [
    `# HELP ${requestMetric} Duration of HTTP requests of the node's pods, measured at the client's agent.`,
    `# TYPE ${requestMetric} histogram`,
  ];
  for (const series of sumSeries(measures)) lines.push(...histogram(series));
  lines.push('# HELP tulle_events_total What the data path did, by event.', '# TYPE tulle_events_total counter');
  for (const [event, count] of sumCounters(measures)) lines.push(`tulle_events_total{event="${event}"} ${count}`);
  const reports = agent.enrolment.report();
  lines.push(
    '# HELP tulle_pods Pods of the node, by whether they are captured.',
    '# TYPE tulle_pods gauge',
    `tulle_pods{captured="true"} ${reports.filter((pod) => pod.captured !== null).length}`,
    `tulle_pods{captured="false"} ${reports.filter((pod) => pod.captured === null).length}`,
    '# HELP tulle_workers Data-plane processes that live.',
    '# TYPE tulle_workers gauge',
    `tulle_workers ${measures.length}`,
    '# HELP tulle_worker_resident_memory_bytes Memory of the data-plane processes.',
    '# TYPE tulle_worker_resident_memory_bytes gauge',
    `tulle_worker_resident_memory_bytes ${measures.reduce((sum, worker) => sum + worker.rssBytes, 0)}`,
    '# HELP tulle_controller_connected Whether the agent is connected to the controller.',
    '# TYPE tulle_controller_connected gauge',
    `tulle_controller_connected ${agent.feed.connected ? 1 : 0}`,
  );
  lines.push(
    '# HELP tulle_certificate_expiry_timestamp_seconds When a workload certificate ends.',
    '# TYPE tulle_certificate_expiry_timestamp_seconds gauge',
  );
  for (const state of agent.certificates.states()) {
    if (state.notAfterMs === undefined) continue;
    const identity = escapeLabel(state.identity);
    lines.push(`tulle_certificate_expiry_timestamp_seconds{identity="${identity}"} ${state.notAfterMs / 1_000}`);
  }
  return `${lines.join('\n')}\n`;
}

function sumSeries(measures: readonly WorkerMeasures[]): RequestSeries[] {
  const sums = new Map<
    string,
    { labels: readonly string[]; count: number; durationSecondsSum: number; buckets: number[] }
  >();
  for (const series of measures.flatMap((worker) => worker.requests)) {
    const key = series.labels.join('\n');
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { ...series, buckets: [...series.buckets] });
      continue;
    }
    sum.count += series.count;
    sum.durationSecondsSum += series.durationSecondsSum;
    series.buckets.forEach((count, index) => {
      sum.buckets[index] = (sum.buckets[index] ?? 0) + count;
    });
  }
  return [...sums.values()];
}

function sumCounters(measures: readonly WorkerMeasures[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const { counters } of measures) {
    for (const [name, count] of Object.entries(counters)) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}

function histogram(series: RequestSeries): string[] {
  const labels = requestLabels.map((label, index) => `${label}="${escapeLabel(series.labels[index] ?? '')}"`).join(',');
  let cumulative = 0;
  const lines = durationBucketsSeconds.map((bound, index) => {
    cumulative += series.buckets[index] ?? 0;
    return `${requestMetric}_bucket{${labels},le="${bound}"} ${cumulative}`;
  });
  lines.push(
    `${requestMetric}_bucket{${labels},le="+Inf"} ${series.count}`,
    `${requestMetric}_sum{${labels}} ${series.durationSecondsSum}`,
    `${requestMetric}_count{${labels}} ${series.count}`,
  );
  return lines;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
