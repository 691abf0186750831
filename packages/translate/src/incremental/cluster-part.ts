import type { EndpointSlice, KubernetesObject, Pod } from '@tulle/gateway-api';
import type { BackendTls, MeshService, MeshSettings, RouteKind, ServiceEndpoints, Workload } from '@tulle/ir';
import { translateEndpoints } from '../cluster/endpoints.ts';
import { defaultsOf, noDefaults } from '../cluster/labels.ts';
import type { NamespaceDefaults } from '../cluster/labels.ts';
import { namesOfServiceKey, ServiceCatalog, serviceKeyOf, serviceOfImport } from '../cluster/service-catalog.ts';
import { translateService } from '../cluster/services.ts';
import { translatePod } from '../cluster/workloads.ts';
import { compareText, keyOf } from '../input.ts';
import type { BackendTraffic } from '../policies/backend-traffic.ts';
import type { Record, WorkBoard, WorkSet } from './dependencies.ts';
import type { ProblemBook } from './problem-book.ts';
import { ResultMap } from './result-map.ts';

/** What Services are made with that others say about them. */
export interface ServiceFacts {
  readonly routeKindOf: (service: string, port: number) => RouteKind;
  readonly tlsOf: (service: string, portName: string) => BackendTls | undefined;
  readonly trafficOf: (service: string) => BackendTraffic | undefined;
}

/** Which object an event is about, of the kinds that this part reads. */
type ClusterObject = Extract<
  KubernetesObject,
  { kind: 'Namespace' | 'Node' | 'Pod' | 'Service' | 'ServiceImport' | 'EndpointSlice' }
>;

/** Namespaces, Nodes, Pods, Services and EndpointSlices, and the workloads, services and endpoints made from them. */
export class ClusterPart {
  readonly catalog = new ServiceCatalog();
  readonly workloads = new ResultMap<Workload>();
  readonly services = new ResultMap<MeshService>();
  readonly endpoints = new ResultMap<ServiceEndpoints>();
  readonly #settings: MeshSettings;
  readonly #board: WorkBoard;
  readonly #problems: ProblemBook;
  readonly #defaults = new Map<string, NamespaceDefaults>();
  readonly #zones = new Map<string, string>();
  readonly #pods = new Map<string, Pod>();
  readonly #podsByNamespace = new Map<string, Set<string>>();
  /** The workloads before policies are attached to them. */
  readonly #bare = new Map<string, Workload>();
  readonly #unpublished = new Set<string>();
  /** The slices of each Service, by their own keys. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #ownersOfSlice = new Map<string, readonly string[]>();
  readonly #podWork: WorkSet;
  readonly #serviceWork: WorkSet;
  readonly #endpointWork: WorkSet;

  constructor(settings: MeshSettings, board: WorkBoard, problems: ProblemBook) {
    this.#settings = settings;
    this.#board = board;
    this.#problems = problems;
    this.#podWork = board.workSet();
    this.#serviceWork = board.workSet();
    this.#endpointWork = board.workSet();
  }

  /** Sets an object, or removes it. */
  put<K extends ClusterObject['kind']>(
    kind: K,
    names: { readonly namespace: string; readonly name: string },
    object: Extract<ClusterObject, { kind: K }> | undefined,
  ): void {
    const { namespace, name } = names;
    const key = `${namespace}/${name}`;
    const given: ClusterObject | undefined = object;
    switch (kind) {
      case 'Namespace':
        return this.#putNamespace(name, given?.kind === 'Namespace' ? given : undefined);
      case 'Node':
        return this.#putZone(name, given?.metadata.labels?.['topology.kubernetes.io/zone']);
      case 'Pod':
        return this.#putPod(key, namespace, given?.kind === 'Pod' ? given : undefined);
      case 'Service':
        return this.#putService(key, given?.kind === 'Service' ? given : undefined);
      case 'ServiceImport': {
        const service = given?.kind === 'ServiceImport' ? serviceOfImport(given) : undefined;
        return this.#putService(serviceKeyOf('ServiceImport', namespace, name), service);
      }
      case 'EndpointSlice':
        return this.#putSlice(key, given?.kind === 'EndpointSlice' ? given : undefined);
    }
  }

  /** The pods of a namespace. */
  *podsIn(namespace: string): Generator<Pod> {
    for (const key of this.#podsByNamespace.get(namespace) ?? []) {
      const pod = this.#pods.get(key);
      if (pod !== undefined) yield pod;
    }
  }

  /** The workload of a pod as it is now, but for its policies. */
  bareWorkload(key: string): Workload | undefined {
    return this.#bare.get(key);
  }

  /** Makes the workloads anew that something changed for, but for their policies. */
  updateWorkloads(): void {
    for (const key of this.#podWork.take()) {
      const pod = this.#pods.get(key);
      const existed = this.#bare.has(key);
      const workload = pod === undefined ? undefined : this.#makeWorkload(key, pod);
      if (pod === undefined) {
        this.#podWork.forget(key);
        this.#problems.replace('pod', key, []);
      }
      if (workload === undefined) this.#bare.delete(key);
      else this.#bare.set(key, workload);
      this.#unpublished.add(key);
      if (existed !== (workload !== undefined)) this.#board.changed(`workload ${key}`);
      this.#board.changed(`pods ${key.slice(0, key.indexOf('/'))}`);
    }
  }

  /** Attaches policies to the workloads that were made anew, and to those whose policies changed. */
  publishWorkloads(touched: ReadonlySet<string>, policiesOf: (key: string) => readonly string[] | undefined): void {
    for (const key of [...this.#unpublished, ...touched]) {
      const bare = this.#bare.get(key);
      const policies = policiesOf(key);
      this.workloads.set(key, bare === undefined || policies === undefined ? bare : { ...bare, policies });
    }
    this.#unpublished.clear();
  }

  /** Makes the services anew that something changed for. */
  updateServices(facts: ServiceFacts): void {
    for (const key of this.#serviceWork.take()) {
      const service = this.catalog.get(key);
      if (service === undefined) {
        this.#serviceWork.forget(key);
        this.#problems.replace('service', key, []);
        this.services.set(key, undefined);
        continue;
      }
      const translated = this.#serviceWork.make(key, (record) => {
        for (const fact of ['kinds', 'tls', 'traffic']) record(`${fact} ${key}`);
        return this.#problems.collect('service', key, (report) =>
          translateService(service, { ...facts, report, defaults: this.#recordedDefaults(record) }),
        );
      });
      this.services.set(key, translated);
    }
  }

  /** Makes the endpoints anew that something changed for. */
  updateEndpoints(): void {
    for (const key of this.#endpointWork.take()) {
      const service = this.catalog.get(key);
      const isCarried = service !== undefined && this.services.get(key) !== undefined;
      if (!isCarried) {
        this.#endpointWork.forget(key);
        this.endpoints.set(key, undefined);
        continue;
      }
      const slices = [...(this.#slices.get(key) ?? [])].sort(([a], [b]) => compareText(a, b));
      const translated = this.#endpointWork.make(key, (record) =>
        translateEndpoints(service, {
          slices: slices.map(([, slice]) => slice),
          hasWorkload: (workload) => {
            record(`workload ${workload}`);
            return this.#bare.has(workload);
          },
          zoneOf: this.#recordedZone(record),
        }),
      );
      this.endpoints.set(key, translated);
    }
  }

  #makeWorkload(key: string, pod: Pod): Workload | undefined {
    return this.#podWork.make(key, (record) =>
      this.#problems.collect('pod', key, (report) =>
        translatePod(pod, {
          settings: this.#settings,
          defaults: this.#recordedDefaults(record),
          zoneOf: this.#recordedZone(record),
          report,
        }),
      ),
    );
  }

  #recordedDefaults(record: Record): (namespace: string) => NamespaceDefaults {
    return (namespace) => {
      record(`Namespace ${namespace}`);
      return this.#defaults.get(namespace) ?? noDefaults;
    };
  }

  #recordedZone(record: Record): (node: string) => string | undefined {
    return (node) => {
      record(`zone ${node}`);
      return this.#zones.get(node);
    };
  }

  #putPod(key: string, namespace: string, pod: Pod | undefined): void {
    const keys = this.#podsByNamespace.get(namespace) ?? new Set();
    if (pod === undefined) {
      this.#pods.delete(key);
      keys.delete(key);
    } else {
      this.#pods.set(key, pod);
      keys.add(key);
    }
    if (keys.size === 0) this.#podsByNamespace.delete(namespace);
    else this.#podsByNamespace.set(namespace, keys);
    this.#podWork.mark(key);
  }

  #putNamespace(name: string, namespace: Extract<ClusterObject, { kind: 'Namespace' }> | undefined): void {
    if (namespace === undefined) {
      this.#defaults.delete(name);
      this.#problems.replace('namespace', name, []);
    } else {
      const defaults = this.#problems.collect('namespace', name, (report) => defaultsOf(namespace, report));
      this.#defaults.set(name, defaults);
    }
    this.#board.changed(`Namespace ${name}`);
  }

  #putZone(node: string, zone: string | undefined): void {
    if (this.#zones.get(node) === zone) return;
    if (zone === undefined) this.#zones.delete(node);
    else this.#zones.set(node, zone);
    this.#board.changed(`zone ${node}`);
  }

  #putService(key: string, service: Parameters<ServiceCatalog['set']>[1]): void {
    if (this.catalog.set(key, service)) {
      const { kind, namespace, name } = namesOfServiceKey(key);
      this.#board.changed(`names ${kind} ${namespace}`);
      this.#board.changed(`named ${kind} ${name}`);
    }
    this.#board.changed(`Service ${key}`);
    this.#serviceWork.mark(key);
    this.#endpointWork.mark(key);
  }

  #putSlice(key: string, slice: EndpointSlice | undefined): void {
    const owners = slice === undefined ? [] : ownersOf(slice);
    for (const owner of this.#ownersOfSlice.get(key) ?? []) {
      const slices = this.#slices.get(owner);
      slices?.delete(key);
      if (slices?.size === 0) this.#slices.delete(owner);
      this.#endpointWork.mark(owner);
    }
    if (slice === undefined) this.#ownersOfSlice.delete(key);
    else this.#ownersOfSlice.set(key, owners);
    for (const owner of owners) {
      const slices = this.#slices.get(owner) ?? new Map<string, EndpointSlice>();
      if (slice !== undefined) this.#slices.set(owner, slices.set(keyOf(slice), slice));
      this.#endpointWork.mark(owner);
    }
  }
}

/** The Service and the ServiceImport that a slice is of, by their labels. */
function ownersOf({ metadata }: EndpointSlice): string[] {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  const imported = metadata.labels?.['multicluster.kubernetes.io/service-name'];
  return [
    ...(service === undefined ? [] : [serviceKeyOf('Service', metadata.namespace, service)]),
    ...(imported === undefined ? [] : [serviceKeyOf('ServiceImport', metadata.namespace, imported)]),
  ];
}
