import { AggregatorRegistry, Registry } from 'prom-client';
import type { ConnectionSeries, RequestSeries, WorkerMeasures } from '../ipc.ts';
import { connectionLabels, durationBucketsSeconds, requestLabels } from '../ipc.ts';

/** What is scraped, besides what the workers counted. */
export interface MetricSource {
  readonly workers: { measure(): Promise<readonly WorkerMeasures[]> };
  readonly enrolment: { report(): readonly { readonly captured: unknown }[] };
  readonly feed: { readonly connected: boolean };
  readonly certificates: {
    states(): Iterable<{ readonly identity: string; readonly failures: number; readonly notAfterMs?: number }>;
  };
}

/** A metric as prom-client sums and prints it. */
interface MetricData {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum' | 'max';
  readonly values: readonly MetricValue[];
}

interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Where it is not the metric's own name: the parts of a histogram. */
  readonly metricName?: string;
}

const requestMetric = 'http_client_request_duration_seconds';

/** The agent's metrics in Prometheus' text format: the workers' counts summed, and what the main process knows. */
export async function renderMetrics(agent: MetricSource): Promise<string> {
  const measures = await agent.workers.measure();
  return await AggregatorRegistry.aggregate([...measures.map(workerMetrics), mainMetrics(agent, measures)]).metrics();
}

/** What a scraper is told that it gets. */
export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

function workerMetrics(measures: WorkerMeasures): MetricData[] {
  const { requests, connections, counters } = measures;
  const connectionValues = (of: 'count' | 'sentBytes' | 'receivedBytes') =>
    connections.map((series) => ({ labels: labelled(connectionLabels, series), value: series[of] }));
  return [
    {
      name: requestMetric,
      help: "Duration of HTTP requests of the node's pods, measured at the client's agent.",
      type: 'histogram',
      aggregator: 'sum',
      values: requests.flatMap(histogram),
    },
    {
      name: 'tulle_connections_total',
      help: 'Connections to Services that were carried as bytes (TCP, TLS), counted at their end.',
      type: 'counter',
      aggregator: 'sum',
      values: connectionValues('count'),
    },
    {
      name: 'tulle_connection_sent_bytes_total',
      help: 'Bytes that clients sent on connections carried as bytes.',
      type: 'counter',
      aggregator: 'sum',
      values: connectionValues('sentBytes'),
    },
    {
      name: 'tulle_connection_received_bytes_total',
      help: 'Bytes that clients got on connections carried as bytes.',
      type: 'counter',
      aggregator: 'sum',
      values: connectionValues('receivedBytes'),
    },
    {
      name: 'tulle_events_total',
      help: 'What the data path did, by event.',
      type: 'counter',
      aggregator: 'sum',
      values: Object.entries(counters)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([event, value]) => ({ labels: { event }, value })),
    },
    gauge('tulle_worker_resident_memory_bytes', 'Memory of the data-plane processes.', [
      { labels: {}, value: measures.rssBytes },
    ]),
    gauge(
      'tulle_worker_tunings',
      'Data-plane processes that run with a tuning because it makes their present load cheaper.',
      Object.entries(measures.tunings).map(([tuning, isOn]) => ({ labels: { tuning }, value: isOn ? 1 : 0 })),
    ),
    {
      ...gauge(
        'tulle_worker_event_loop_delay_p99_seconds',
        'How late the event loop of the slowest data-plane process was, at the 99th percentile.',
        [{ labels: {}, value: measures.eventLoopDelayP99Ms / 1_000 }],
      ),
      aggregator: 'max',
    },
  ];
}

function mainMetrics(agent: MetricSource, measures: readonly WorkerMeasures[]): MetricData[] {
  const reports = agent.enrolment.report();
  const captured = reports.filter((pod) => pod.captured !== null).length;
  const states = [...agent.certificates.states()];
  const certificates = states.flatMap(({ identity, notAfterMs }) =>
    notAfterMs === undefined ? [] : [{ labels: { identity }, value: notAfterMs / 1_000 }],
  );
  return [
    gauge('tulle_pods', 'Pods of the node, by whether they are captured.', [
      { labels: { captured: 'true' }, value: captured },
      { labels: { captured: 'false' }, value: reports.length - captured },
    ]),
    gauge('tulle_workers', 'Data-plane processes that live.', [{ labels: {}, value: measures.length }]),
    gauge('tulle_controller_connected', 'Whether the agent is connected to the controller.', [
      { labels: {}, value: agent.feed.connected ? 1 : 0 },
    ]),
    gauge('tulle_certificate_expiry_timestamp_seconds', 'When a workload certificate ends.', certificates),
    gauge(
      'tulle_certificate_renewal_failures',
      'Tries to get or renew a certificate that failed since the last success.',
      states.map(({ identity, failures }) => ({ labels: { identity }, value: failures })),
    ),
  ];
}

function gauge(name: string, help: string, values: readonly MetricValue[]): MetricData {
  return { name, help, type: 'gauge', aggregator: 'sum', values };
}

function labelled(
  names: readonly string[],
  { labels }: RequestSeries | ConnectionSeries,
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, index) => [name, labels[index] ?? '']));
}

function histogram(series: RequestSeries): MetricValue[] {
  const labels = labelled(requestLabels, series);
  let cumulative = 0;
  const values: MetricValue[] = durationBucketsSeconds.map((bound, index) => {
    cumulative += series.buckets[index] ?? 0;
    return { labels: { le: bound, ...labels }, value: cumulative, metricName: `${requestMetric}_bucket` };
  });
  return [
    ...values,
    { labels: { le: '+Inf', ...labels }, value: series.count, metricName: `${requestMetric}_bucket` },
    { labels, value: series.durationSecondsSum, metricName: `${requestMetric}_sum` },
    { labels, value: series.count, metricName: `${requestMetric}_count` },
  ];
}
