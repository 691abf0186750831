import type { RequestSeries } from '../ipc.ts';
import { durationBucketsSeconds } from '../ipc.ts';

/** Plain counters by name; the names are a closed list in the code, never anything from traffic. */
export class Counters {
  readonly #values = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#values);
  }
}

/** One series, held by whoever counts into it, so that counting is a few additions. */
export class SeriesCounter {
  readonly labels: readonly string[];
  count = 0;
  durationSecondsSum = 0;
  readonly buckets = new Uint32Array(durationBucketsSeconds.length + 1);

  constructor(labels: readonly string[]) {
    this.labels = labels;
  }

  record(durationMs: number): void {
    const seconds = durationMs / 1_000;
    this.count += 1;
    this.durationSecondsSum += seconds;
    let bucket = 0;
    while (bucket < durationBucketsSeconds.length && seconds > (durationBucketsSeconds[bucket] as number)) bucket++;
    (this.buckets[bucket] as number) += 1;
  }
}

const maxSeries = 5_000;
const overflowLabel = 'other';

/** The request series of one worker, bounded: past the bound everything new counts into one series of `other`. */
export class RequestMetrics {
  readonly #series = new Map<string, SeriesCounter>();

  /** The series of these labels, made where it is new; hold it rather than ask for each request. */
  series(labels: readonly string[]): SeriesCounter {
    const key = labels.join('\n');
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= maxSeries) return this.series(labels.map(() => overflowLabel));
      series = new SeriesCounter(labels);
      this.#series.set(key, series);
    }
    return series;
  }

  snapshot(): RequestSeries[] {
    return [...this.#series.values()].map((series) => ({
      labels: series.labels,
      count: series.count,
      durationSecondsSum: series.durationSecondsSum,
      buckets: [...series.buckets],
    }));
  }
}
