import type { CompiledRule } from '@tulle/routing';
import { routeLabel } from '../connection-record.ts';
import type { SeriesCounter } from '../measures.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';

/** The series of one pod, Service port and rule: status classes without a reason are found by index. */
export class PathSeries {
  readonly #make: (statusClass: string, reason: string, grpcStatus: string) => SeriesCounter;
  /** By status class, and behind those by gRPC status. */
  readonly #byOutcome: (SeriesCounter | undefined)[] = [];

  constructor(make: (statusClass: string, reason: string, grpcStatus: string) => SeriesCounter) {
    this.#make = make;
  }

  /**
   * Counts a request; `status` 0 stands for a request whose client left before there was one, `grpcStatus` is negative
   * for what is not gRPC or did not get so far.
   */
  record(status: number, reason: string, durationMs: number, grpcStatus: number): void {
    if (reason !== '') {
      this.#make(statusClass(status), reason, grpcLabel(grpcStatus)).record(durationMs);
      return;
    }
    const index = grpcStatus < 0 ? Math.floor(status / 100) : statusClasses + grpcStatus;
    let series = this.#byOutcome[index];
    if (series === undefined) {
      series = this.#make(statusClass(status), '', grpcLabel(grpcStatus));
      this.#byOutcome[index] = series;
    }
    series.record(durationMs);
  }
}

const statusClasses = 10;

function grpcLabel(grpcStatus: number): string {
  return grpcStatus < 0 ? '' : `${grpcStatus}`;
}

function statusClass(status: number): string {
  return status === 0 ? 'none' : `${Math.floor(status / 100)}xx`;
}

const byPod = new WeakMap<Pod, Map<string, WeakMap<object, PathSeries>>>();

/** The series for requests of `pod` to a Service port over a protocol, by the rule that matched. */
export function pathSeriesOf(
  pod: Pod,
  frontend: ServicePortView,
  rule: CompiledRule | undefined,
  protocol: string,
): PathSeries {
  let ofPod = byPod.get(pod)?.get(protocol);
  if (ofPod === undefined) {
    const byProtocol = byPod.get(pod) ?? new Map<string, WeakMap<object, PathSeries>>();
    ofPod = new WeakMap();
    byProtocol.set(protocol, ofPod);
    byPod.set(pod, byProtocol);
  }
  const key = rule ?? frontend;
  let series = ofPod.get(key);
  if (series === undefined) {
    const { spec, context } = pod;
    const { service } = frontend;
    const route = rule === undefined ? '' : routeLabel(rule.rule);
    series = new PathSeries((statusClass, reason, grpcStatus) =>
      context.requests.series([
        spec.workloadName,
        spec.namespace,
        service.name,
        service.namespace,
        route,
        protocol,
        statusClass,
        reason,
        grpcStatus,
      ]),
    );
    ofPod.set(key, series);
  }
  return series;
}
