import type { WorkerMeasures } from '../ipc.ts';
import { countsOf } from './request-rate.ts';

/** The sums that the controller is told: requests by how they ended, and what the data path counted. */
export function reportedCounters(measures: readonly WorkerMeasures[]): Record<string, number> {
  const sums: Record<string, number> = { requests: 0, requests_failed: 0 };
  const add = (name: string, by: number) => {
    sums[name] = (sums[name] ?? 0) + by;
  };
  for (const worker of measures) {
    for (const [name, count] of Object.entries(worker.counters)) add(name, count);
    const { requests, failed } = countsOf(worker.requests);
    add('requests', requests);
    add('requests_failed', failed);
  }
  return sums;
}
