import type { RequestRate } from '@tulle/feed';
import { requestLabels } from '../ipc.ts';
import type { RequestSeries, WorkerMeasures } from '../ipc.ts';
import { isFailure } from '../request-failure.ts';

/** What one worker has counted, or all of them. */
interface Counts {
  readonly requests: number;
  readonly failed: number;
}

interface Sample extends Counts {
  readonly atMs: number;
}

/** A rate is that of about so long, or of the time since the agent began; of less than {@link leastMs} it is chance. */
const windowMs = 10_000;
const leastMs = 2_000;
/** Samples that come more often say nothing new. */
const spacingMs = 1_000;
const maxWorkers = 256;
const zero: Counts = { requests: 0, failed: 0 };

/** How many requests a second the pods of the node make, from what its workers count at different times. */
export class RequestRateMeter {
  /** What each worker, by its process id, had counted when it was heard last: one that is new begins at zero. */
  readonly #workers = new Map<number, Counts>();
  #requests = 0;
  #failed = 0;
  /** The oldest first: one that is older than the window, and what came after it. */
  readonly #samples: Sample[] = [];

  /** Takes what the workers have counted by now, on a monotonic clock; gives the rate, where it can be known. */
  note(measures: readonly WorkerMeasures[], nowMs: number): RequestRate | undefined {
    // Nobody answered: nothing is known of now, and the next sample has what was missed.
    if (measures.length === 0) return undefined;
    for (const { pid, requests } of measures) this.#add(pid, countsOf(requests));
    const samples = this.#samples;
    while (samples[1] !== undefined && nowMs - samples[1].atMs >= windowMs) samples.shift();
    // Nobody asked for a long time: what was then says nothing of now.
    if (samples[0] !== undefined && nowMs - samples[0].atMs > 2 * windowMs) samples.length = 0;
    const [first] = samples;
    const sample = { atMs: nowMs, requests: this.#requests, failed: this.#failed };
    if (nowMs - (samples.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) >= spacingMs) samples.push(sample);
    if (first === undefined || nowMs - first.atMs < leastMs) return undefined;
    const seconds = (nowMs - first.atMs) / 1_000;
    const requests = sample.requests - first.requests;
    // A process id that is used again may have counted more failures than requests since then.
    const failed = Math.min(requests, sample.failed - first.failed);
    return { perSecond: requests / seconds, failedPerSecond: failed / seconds };
  }

  #add(pid: number, now: Counts): void {
    const known = this.#workers.get(pid) ?? zero;
    // A process id that is used again: the worker has counted all of this itself.
    const before = now.requests < known.requests ? zero : known;
    this.#requests += now.requests - before.requests;
    this.#failed += Math.max(0, now.failed - before.failed);
    this.#workers.delete(pid);
    this.#workers.set(pid, now);
    if (this.#workers.size <= maxWorkers) return;
    const [oldest] = this.#workers.keys();
    if (oldest !== undefined) this.#workers.delete(oldest);
  }
}

const statusClass = requestLabels.indexOf('status_class');
const reason = requestLabels.indexOf('reason');
const grpcStatus = requestLabels.indexOf('grpc_status');

/** Requests, and those that failed by somebody else's fault than their client's. */
export function countsOf(series: readonly RequestSeries[]): { readonly requests: number; readonly failed: number } {
  let requests = 0;
  let failed = 0;
  for (const { labels, count } of series) {
    requests += count;
    const grpc = labels[grpcStatus] ?? '';
    const status = labels[statusClass] === '5xx' ? 500 : 0;
    if (isFailure(status, labels[reason] ?? '', grpc === '' ? -1 : Number(grpc))) failed += count;
  }
  return { requests, failed };
}
