import type {
  BackendTLSPolicy,
  ClusterTrustBundle,
  ConfigMap,
  KubernetesObject,
  MeshStatus,
  ObjectReference,
  PolicyAncestorStatus,
  RouteParentStatus,
  Secret,
  XBackendTrafficPolicy,
  XMesh,
} from '@tulle/gateway-api';
import { apiVersionOf, groupOf } from '@tulle/gateway-api';
import type { BackendTls, ChangeSet, MeshDelta, MeshSettings } from '@tulle/ir';
import type { PolicyLookup, ServiceLookup } from '../lookup.ts';
import { translateTlsPolicy } from '../policies/tls-policy.ts';
import { translateTrafficPolicy } from '../policies/traffic-policy.ts';
import { meshProblems, meshStatus } from '../status/mesh-status.ts';
import type { BackendTraffic } from '../policies/backend-traffic.ts';
import type { Translation } from '../translation.ts';
import { AuthorizationPart } from './authorization-part.ts';
import { ClusterPart } from './cluster-part.ts';
import { WorkBoard } from './dependencies.ts';
import type { Record } from './dependencies.ts';
import { PolicyPart } from './policy-part.ts';
import { ProblemBook } from './problem-book.ts';
import { ResultMap } from './result-map.ts';
import { RoutePart } from './route-part.ts';

/** A change of one object. */
export type TranslationChange =
  | { readonly type: 'set'; readonly object: KubernetesObject }
  | { readonly type: 'delete'; readonly reference: ObjectReference };

/** What a translation knows of where its objects are from. */
export interface TranslatorOptions {
  /** False where Secrets are kept from the mesh: references to them are then refused with advice. True unless said. */
  readonly readsSecrets?: boolean;
}

/** What changes came to. */
export interface TranslationUpdate {
  readonly delta: MeshDelta;
  /** The statuses of routes that changed, by `Kind/namespace/name`. */
  readonly routeStatuses: ChangeSet<readonly RouteParentStatus[]>;
  /** The statuses of policies that changed, by `Kind/namespace/name`. */
  readonly policyStatuses: ChangeSet<readonly PolicyAncestorStatus[]>;
  /** The statuses of XMeshes that changed, by `XMesh/name`. */
  readonly meshStatuses: ChangeSet<MeshStatus>;
}

/**
 * Translates objects and keeps what it made, so that a change makes only that anew which depends on it. What is made
 * notes what it looked up; the result is that of a full translation of the objects as they are.
 */
export class IncrementalTranslator {
  readonly #settings: MeshSettings;
  readonly #readsSecrets: boolean;
  readonly #board = new WorkBoard();
  readonly #problems = new ProblemBook();
  readonly #cluster: ClusterPart;
  readonly #routes: RoutePart;
  readonly #tlsPolicies: PolicyPart<BackendTLSPolicy, BackendTls>;
  readonly #trafficPolicies: PolicyPart<XBackendTrafficPolicy, BackendTraffic>;
  readonly #authorization: AuthorizationPart;
  readonly #policyStatuses = new ResultMap<readonly PolicyAncestorStatus[]>();
  readonly #meshStatuses = new ResultMap<MeshStatus>();
  /** Those that were set or removed since the last time. */
  readonly #meshes = new Map<string, XMesh | undefined>();
  readonly #configMaps = new Map<string, ConfigMap>();
  readonly #secrets = new Map<string, Secret>();
  readonly #trustBundles = new Map<string, ClusterTrustBundle>();

  constructor(settings: MeshSettings, { readsSecrets = true }: TranslatorOptions = {}) {
    this.#settings = settings;
    this.#readsSecrets = readsSecrets;
    const [board, problems] = [this.#board, this.#problems];
    this.#cluster = new ClusterPart(settings, board, problems);
    const lookup = (record: Record) => this.#policyLookup(record);
    const common = { lookup, board, problems, statuses: this.#policyStatuses };
    this.#tlsPolicies = new PolicyPart<BackendTLSPolicy, BackendTls>({
      ...common,
      kind: 'BackendTLSPolicy',
      fact: 'tls',
      translate: translateTlsPolicy,
    });
    this.#trafficPolicies = new PolicyPart<XBackendTrafficPolicy, BackendTraffic>({
      ...common,
      kind: 'XBackendTrafficPolicy',
      fact: 'traffic',
      translate: translateTrafficPolicy,
    });
    this.#authorization = new AuthorizationPart({
      trustDomain: settings.trustDomain,
      podsIn: (namespace) => this.#cluster.podsIn(namespace),
      workloadOf: (key) => this.#cluster.bareWorkload(key),
      statuses: this.#policyStatuses,
      board,
      problems,
    });
    this.#routes = new RoutePart({ lookup: (record) => this.#serviceLookup(record), board, problems });
  }

  /**
   * Takes changes that belong together. `now`, RFC 3339, is when conditions whose status changes are said to have
   * changed. Never throws on decoded objects.
   */
  apply(changes: Iterable<TranslationChange>, now: string): TranslationUpdate {
    for (const change of changes) {
      if (change.type === 'set') this.#put(change.object.kind, change.object.metadata, change.object);
      else this.#delete(change.reference);
    }
    this.#cluster.updateWorkloads();
    const touched = this.#authorization.update(now);
    this.#cluster.publishWorkloads(touched, (key) => this.#authorization.policiesOf(key));
    this.#tlsPolicies.update(now);
    this.#trafficPolicies.update(now);
    this.#routes.update(now);
    this.#cluster.updateServices({
      routeKindOf: this.#routes.routeKindOf,
      tlsOf: (service, portName) => this.#tlsOf(service, portName),
      trafficOf: (service) => this.#trafficPolicies.claimsOf(service)?.bySection.get(''),
    });
    this.#cluster.updateEndpoints();
    this.#updateMeshes(now);
    return {
      delta: {
        policies: this.#authorization.policies.takeChanges(),
        workloads: this.#cluster.workloads.takeChanges(),
        services: this.#cluster.services.takeChanges(),
        endpoints: this.#cluster.endpoints.takeChanges(),
        routes: this.#routes.tables.takeChanges(),
      },
      routeStatuses: this.#routes.statuses.takeChanges(),
      policyStatuses: this.#policyStatuses.takeChanges(),
      meshStatuses: this.#meshStatuses.takeChanges(),
    };
  }

  /** The whole translation as it is now. It never changes; parts that stay the same are the same objects in the next. */
  get translation(): Translation {
    return {
      state: {
        settings: this.#settings,
        policies: this.#authorization.policies.snapshot(),
        workloads: this.#cluster.workloads.snapshot(),
        services: this.#cluster.services.snapshot(),
        endpoints: this.#cluster.endpoints.snapshot(),
        routes: this.#routes.tables.snapshot(),
      },
      routeStatuses: this.#routes.statuses.snapshot(),
      policyStatuses: this.#policyStatuses.snapshot(),
      meshStatuses: this.#meshStatuses.snapshot(),
      problems: this.#problems.all(),
    };
  }

  /** XMeshes depend on nothing else: those that were set or removed are made anew. */
  #updateMeshes(now: string): void {
    for (const [key, mesh] of this.#meshes) {
      const previous = this.#meshStatuses.get(key);
      this.#meshStatuses.set(key, mesh === undefined ? undefined : meshStatus(mesh, { previous, now }));
      this.#problems.replace('mesh', key, mesh === undefined ? [] : meshProblems(mesh));
    }
    this.#meshes.clear();
  }

  #delete({ group, kind, namespace = '', name }: ObjectReference): void {
    // A kind of another group may have the same name.
    if (groupOfKind(kind) === group) this.#put(kind, { namespace, name }, undefined);
  }

  #put(
    kind: string,
    { namespace = '', name }: { readonly namespace?: string; readonly name: string },
    object: KubernetesObject | undefined,
  ): void {
    const key = `${namespace}/${name}`;
    const names = { namespace, name };
    const as = <K extends KubernetesObject['kind']>(one: K) =>
      object?.kind === one ? (object as Extract<KubernetesObject, { kind: K }>) : undefined;
    switch (kind) {
      case 'Namespace':
      case 'Node':
      case 'Pod':
      case 'Service':
      case 'ServiceImport':
      case 'EndpointSlice':
        return this.#cluster.put(kind, names, as(kind));
      case 'HTTPRoute':
      case 'GRPCRoute':
      case 'TLSRoute':
      case 'TCPRoute':
      case 'UDPRoute':
        return this.#routes.put(`${kind}/${key}`, as(kind));
      case 'AuthorizationPolicy':
        return this.#authorization.put(key, as(kind));
      case 'BackendTLSPolicy':
        return this.#tlsPolicies.put(key, as(kind));
      case 'XBackendTrafficPolicy':
        return this.#trafficPolicies.put(key, as(kind));
      case 'XMesh':
        this.#meshes.set(`XMesh/${name}`, as(kind));
        return;
      case 'ConfigMap':
        return this.#putSource(this.#configMaps, `ConfigMap ${key}`, { key, object: as(kind) });
      case 'Secret':
        return this.#putSource(this.#secrets, `Secret ${key}`, { key, object: as(kind) });
      case 'ClusterTrustBundle':
        return this.#putSource(this.#trustBundles, `ClusterTrustBundle ${name}`, { key: name, object: as(kind) });
      default:
        return;
    }
  }

  #putSource<T>(
    sources: Map<string, T>,
    fact: string,
    { key, object }: { readonly key: string; readonly object: T | undefined },
  ): void {
    if (object === undefined) sources.delete(key);
    else sources.set(key, object);
    this.#board.changed(fact);
  }

  #tlsOf(service: string, portName: string): BackendTls | undefined {
    const claims = this.#tlsPolicies.claimsOf(service)?.bySection;
    return claims?.get(portName) ?? claims?.get('');
  }

  #serviceLookup(record: Record): ServiceLookup {
    const { catalog } = this.#cluster;
    return {
      get: (key) => {
        record(`Service ${key}`);
        return catalog.get(key);
      },
      namesNear: (named) => {
        record(`names ${named.kind} ${named.namespace}`);
        return catalog.namesNear(named);
      },
      namespaceOf: (name, kind) => {
        record(`named ${kind} ${name}`);
        return catalog.namespaceOf(name, kind);
      },
      tlsOf: (key, portName) => {
        record(`tls ${key}`);
        return this.#tlsOf(key, portName);
      },
    };
  }

  #policyLookup(record: Record): PolicyLookup {
    const read = <T>(fact: string, value: T) => {
      record(fact);
      return value;
    };
    return {
      ...this.#serviceLookup(record),
      configMap: (key) => read(`ConfigMap ${key}`, this.#configMaps.get(key)),
      readsSecrets: this.#readsSecrets,
      secret: (key) => read(`Secret ${key}`, this.#secrets.get(key)),
      clusterTrustBundle: (name) => read(`ClusterTrustBundle ${name}`, this.#trustBundles.get(name)),
    };
  }
}

/** The API group of a kind that a translation reads; undefined for others. */
function groupOfKind(kind: string): string | undefined {
  const version = apiVersionOf(kind as KubernetesObject['kind']);
  return version === '' ? undefined : groupOf(version);
}
