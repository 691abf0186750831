import { describe, expect, it } from '@jest/globals';
import type { WorkerMeasures } from '../ipc.ts';
import { ConnectionMetrics, RequestMetrics } from '../worker/measures.ts';
import { renderMetrics } from './metrics.ts';

const path = ['web', 'shop', 'cart', 'shop', 'HTTPRoute/shop/canary#testers', 'http/1.1'] as const;

function measured(parts: Partial<WorkerMeasures> = {}): WorkerMeasures {
  return {
    pid: 1,
    requests: [],
    connections: [],
    counters: {},
    eventLoopDelayP99Ms: 4,
    rssBytes: 1_000,
    tunings: {},
    tunnels: [],
    denials: [],
    ...parts,
  };
}

async function render(...workers: readonly WorkerMeasures[]): Promise<string[]> {
  const text = await renderMetrics({
    workers: { measure: () => Promise.resolve(workers) },
    enrolment: { report: () => [{ captured: 'iptables' }, { captured: null }, { captured: null }] },
    feed: { connected: true },
    certificates: { states: () => [{ identity: 'spiffe://a/"b"\\', failures: 3, notAfterMs: 2_000 }] },
  });
  return text.split('\n');
}

describe('the metrics of an agent', () => {
  it('sum the requests of its workers', async () => {
    const one = new RequestMetrics();
    one.series([...path, '2xx', '']).record(3);
    one.series([...path, '2xx', '']).record(700);
    const other = new RequestMetrics();
    other.series([...path, '2xx', '']).record(3);
    other.series([...path, '5xx', 'overload']).record(20_000);
    const lines = await render(measured({ requests: one.snapshot() }), measured({ requests: other.snapshot() }));
    const of = (part: string, more: string) =>
      lines.find((line) => line.startsWith(`http_client_request_duration_seconds_${part}{`) && line.includes(more));
    expect(of('bucket', 'le="0.0025",source_workload="web"')?.split(' ').at(-1)).toBe('0');
    expect(of('bucket', 'le="0.005",source_workload="web"')?.split(' ').at(-1)).toBe('2');
    expect(of('bucket', 'le="+Inf",source_workload="web"')?.split(' ').at(-1)).toBe('3');
    expect(of('count', 'status_class="2xx"')).toMatch(/route="HTTPRoute\/shop\/canary#testers".* 3$/);
    expect(of('sum', 'status_class="2xx"')).toMatch(/ 0\.706$/);
    expect(of('count', 'reason="overload"')).toMatch(/ 1$/);
    expect(lines).toContain('# TYPE http_client_request_duration_seconds histogram');
  });

  it('sum connections, bytes, events and memory; the slowest worker counts', async () => {
    const connections = new ConnectionMetrics();
    connections.series(['web', 'shop', 'db', 'shop', '', 'tcp', '']).record(10, 2_000);
    const worker = measured({
      connections: connections.snapshot(),
      counters: { retries: 2 },
      tunings: { a: true, b: false },
    });
    const lines = await render(worker, { ...worker, eventLoopDelayP99Ms: 9, tunings: { a: true, b: true } });
    const labels = '{source_workload="web",source_namespace="shop",destination_service="db"';
    expect(lines.find((line) => line.startsWith(`tulle_connections_total${labels}`))).toMatch(/ 2$/);
    expect(lines.find((line) => line.startsWith(`tulle_connection_sent_bytes_total${labels}`))).toMatch(/ 20$/);
    expect(lines.find((line) => line.startsWith(`tulle_connection_received_bytes_total${labels}`))).toMatch(/ 4000$/);
    expect(lines).toContain('tulle_events_total{event="retries"} 4');
    expect(lines).toContain('tulle_worker_resident_memory_bytes 2000');
    expect(lines).toContain('tulle_worker_tunings{tuning="a"} 2');
    expect(lines).toContain('tulle_worker_tunings{tuning="b"} 1');
    expect(await render({ ...worker, tunings: { a: false } })).toContain('tulle_worker_tunings{tuning="a"} 0');
    expect(lines).toContain('tulle_worker_event_loop_delay_p99_seconds 0.009');
  });

  it('say how many pods, workers and certificates there are', async () => {
    const lines = await render(measured());
    expect(lines).toContain('tulle_pods{captured="true"} 1');
    expect(lines).toContain('tulle_pods{captured="false"} 2');
    expect(lines).toContain('tulle_workers 1');
    expect(lines).toContain('tulle_controller_connected 1');
    expect(lines).toContain('tulle_certificate_expiry_timestamp_seconds{identity="spiffe://a/\\"b\\"\\\\"} 2');
    expect(lines).toContain('tulle_certificate_renewal_failures{identity="spiffe://a/\\"b\\"\\\\"} 3');
  });

  it('are there without any worker', async () => {
    expect(await render()).toContain('tulle_workers 0');
  });
});

describe('series past their bound', () => {
  it('count into one of other, of which protocol, status and reason stay known', () => {
    const metrics = new RequestMetrics(3);
    for (let i = 0; i < 100; i++) metrics.series([`w${i}`, ...path.slice(1), '2xx', '']).record(1);
    metrics.series(['late', ...path.slice(1), '5xx', 'overload']).record(1);
    const series = metrics.snapshot();
    expect(series).toHaveLength(5);
    const others = series.filter(({ labels }) => labels[0] === 'other');
    expect(others.map(({ labels, count }) => [labels.slice(4), count])).toEqual([
      [['other', 'http/1.1', '2xx', ''], 97],
      [['other', 'http/1.1', '5xx', 'overload'], 1],
    ]);
    expect(series.reduce((sum, { count }) => sum + count, 0)).toBe(101);
  });

  it('stay few for connections, too', () => {
    const metrics = new ConnectionMetrics(2);
    for (let i = 0; i < 50; i++) metrics.series(['web', 'shop', `s${i}`, 'shop', '', 'tcp', 'reset']).record(1, 1);
    expect(metrics.snapshot().map(({ labels, count }) => [labels[2], labels[6], count])).toEqual([
      ['s0', 'reset', 1],
      ['s1', 'reset', 1],
      ['other', 'reset', 48],
    ]);
  });
});
