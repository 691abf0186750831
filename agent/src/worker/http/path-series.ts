import type { CompiledRule } from '@tulle/routing';
import type { SeriesCounter } from '../measures.ts';
import type { ServicePortView } from '../mesh-view.ts';
import type { Pod } from '../pod.ts';

/** The series of one pod, Service port and rule: status classes without a reason are found by index. */
export class PathSeries {
  readonly #make: (statusClass: string, reason: string) => SeriesCounter;
  readonly #byClass: (SeriesCounter | undefined)[] = [];

  constructor(make: (statusClass: string, reason: string) => SeriesCounter) {
    this.#make = make;
  }

  /** Counts a request; `status` 0 stands for a request whose client left before there was one. */
  record(status: number, reason: string, durationMs: number): void {
    if (reason !== '') {
      this.#make(statusClass(status), reason).record(durationMs);
      return;
    }
    const index = Math.floor(status / 100);
    let series = this.#byClass[index];
    if (series === undefined) {
      series = this.#make(statusClass(status), '');
      this.#byClass[index] = series;
    }
    series.record(durationMs);
  }
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
    const route = rule === undefined ? '' : `${rule.rule.route}#${rule.rule.name ?? rule.rule.index}`;
    series = new PathSeries((statusClass, reason) =>
      context.requests.series([
        spec.workloadName,
        spec.namespace,
        service.name,
        service.namespace,
        route,
        protocol,
        statusClass,
        reason,
      ]),
    );
    ofPod.set(key, series);
  }
  return series;
}
