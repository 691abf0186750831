import { Sampler } from '@tulle/routing';
import type { AccessLogSettings } from './access-settings.ts';
import type { Counters } from './measures.ts';
import type { Deadline, Ticker } from './tick.ts';

/** A line. What is not known is left out; of what clients send there is the method, the path and the server name. */
export interface AccessEntry {
  /** Milliseconds since the epoch, at the end. */
  readonly time: number;
  readonly access: 'request' | 'connection';
  /** `namespace/name` of the client's pod. */
  readonly source: string;
  readonly sourceWorkload: string;
  /** `namespace/name:port` of the Service that the client connected to. */
  readonly destination: string;
  /** The route and its rule. */
  readonly route?: string;
  readonly protocol: string;
  readonly durationMs: number;
  /** `address:port` of the endpoint that was chosen last. */
  readonly endpoint?: string;
  /** Why it failed, where the mesh knows. */
  readonly reason?: string;
  readonly method?: string;
  /** Without the query, which may hold secrets. */
  readonly path?: string;
  readonly status?: number;
  readonly grpcStatus?: number;
  readonly retries?: number;
  readonly serverName?: string;
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
}

const flushIntervalMs = 200;
/** Lines that wait for the next flush; what is more is dropped and counted. */
const maxWaiting = 5_000;

/** Lines about requests and connections: gathered while they are carried, formatted and written between. */
export class AccessLog implements Deadline {
  deadlineMs = 0;
  readonly mayWait = true;
  readonly #settings: AccessLogSettings;
  readonly #sampler: Sampler;
  readonly #ticker: Ticker;
  readonly #counters: Counters;
  readonly #write: (entries: readonly AccessEntry[]) => void;
  #waiting: AccessEntry[] = [];

  constructor(
    settings: AccessLogSettings,
    tools: {
      readonly ticker: Ticker;
      readonly counters: Counters;
      readonly write: (entries: readonly AccessEntry[]) => void;
    },
  ) {
    this.#settings = settings;
    this.#sampler = new Sampler(settings.percent, 100, Math.random());
    this.#ticker = tools.ticker;
    this.#counters = tools.counters;
    this.#write = tools.write;
    tools.ticker.add(this);
  }

  /** Whether what has just ended gets a line. */
  wants(failed: boolean): boolean {
    const { errors, percent } = this.#settings;
    if (failed) return errors || percent > 0;
    return percent > 0 && this.#sampler.sample();
  }

  add(entry: AccessEntry): void {
    if (this.#waiting.length < maxWaiting) this.#waiting.push(entry);
    else this.#counters.add('access_log_dropped');
  }

  onDeadline(): void {
    this.deadlineMs = this.#ticker.nowMs + flushIntervalMs;
    const entries = this.#waiting;
    if (entries.length === 0) return;
    this.#waiting = [];
    this.#write(entries);
  }
}
