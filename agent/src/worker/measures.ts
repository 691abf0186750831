import type { ConnectionSeries, RequestSeries } from '../ipc.ts';
import { connectionLabels, durationBucketsSeconds, requestLabels } from '../ipc.ts';

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

/**
 * Series by their labels, bounded. Past the bound, what is new counts into series whose first labels, the names of
 * configuration, are all `other`; the last ones are of closed lists and stay.
 */
class BoundedSeries<T> {
  readonly #series = new Map<string, T>();
  readonly #make: (labels: readonly string[]) => T;
  readonly #names: number;
  readonly #max: number;

  /** `names`: how many labels, from the first, are names of configuration. */
  constructor(make: (labels: readonly string[]) => T, names: number, max: number) {
    this.#make = make;
    this.#names = names;
    this.#max = max;
  }

  of(labels: readonly string[], isOverflow = false): T {
    const key = labels.join('\n');
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= this.#max && !isOverflow) {
        const overflow = labels.map((label, index) => (index < this.#names ? overflowLabel : label));
        return this.of(overflow, true);
      }
      series = this.#make(labels);
      this.#series.set(key, series);
    }
    return series;
  }

  get values(): Iterable<T> {
    return this.#series.values();
  }
}

/** The request series of one worker, bounded. */
export class RequestMetrics {
  readonly #series: BoundedSeries<SeriesCounter>;

  constructor(max = maxSeries) {
    this.#series = new BoundedSeries((labels) => new SeriesCounter(labels), requestLabels.indexOf('protocol'), max);
  }

  /** The series of these labels, made where it is new; hold it rather than ask for each request. */
  series(labels: readonly string[]): SeriesCounter {
    return this.#series.of(labels);
  }

  snapshot(): RequestSeries[] {
    return [...this.#series.values].map((series) => ({
      labels: series.labels,
      count: series.count,
      durationSecondsSum: series.durationSecondsSum,
      buckets: [...series.buckets],
    }));
  }
}

/** One series of connections that are carried as bytes. */
export class ConnectionCounter {
  readonly labels: readonly string[];
  count = 0;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(labels: readonly string[]) {
    this.labels = labels;
  }

  /** Counts a connection at its end, with the bytes that its client sent and got. */
  record(sentBytes: number, receivedBytes: number): void {
    this.count += 1;
    this.sentBytes += sentBytes;
    this.receivedBytes += receivedBytes;
  }
}

/** The connection series of one worker, bounded. */
export class ConnectionMetrics {
  readonly #series: BoundedSeries<ConnectionCounter>;

  constructor(max = maxSeries) {
    const names = connectionLabels.indexOf('protocol');
    this.#series = new BoundedSeries((labels) => new ConnectionCounter(labels), names, max);
  }

  series(labels: readonly string[]): ConnectionCounter {
    return this.#series.of(labels);
  }

  snapshot(): ConnectionSeries[] {
    return [...this.#series.values].map(({ labels, count, sentBytes, receivedBytes }) => ({
      labels,
      count,
      sentBytes,
      receivedBytes,
    }));
  }
}
