import { requestLabels } from '../ipc.ts';
import type { WorkerMeasures } from '../ipc.ts';

const statusClass = requestLabels.indexOf('status_class');

/** The sums that the controller shows people: requests by how they ended, and what the data path counted. */
export function reportedCounters(measures: readonly WorkerMeasures[]): Record<string, number> {
  const sums: Record<string, number> = { requests: 0, requests_failed: 0 };
  const add = (name: string, by: number) => {
    sums[name] = (sums[name] ?? 0) + by;
  };
  for (const worker of measures) {
    for (const [name, count] of Object.entries(worker.counters)) add(name, count);
    for (const series of worker.requests) {
      add('requests', series.count);
      if (series.labels[statusClass] === '5xx') add('requests_failed', series.count);
    }
  }
  return sums;
}
