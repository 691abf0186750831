import type { DenialReport } from '@tulle/feed';
import type { WorkerMeasures } from '../ipc.ts';

/** Whom policy turned away from the node's pods, the workers' counts summed. */
export function sumDenials(measures: readonly WorkerMeasures[]): DenialReport[] {
  const sums = new Map<string, DenialReport>();
  for (const denial of measures.flatMap((worker) => worker.denials)) {
    const key = `${denial.pod} ${denial.identity} ${denial.port}`;
    const known = sums.get(key);
    const latest = known === undefined || known.lastMs < denial.lastMs ? denial : known;
    sums.set(key, { ...latest, count: denial.count + (known?.count ?? 0) });
  }
  return [...sums.values()];
}
