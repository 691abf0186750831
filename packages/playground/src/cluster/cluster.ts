import { randomInt, randomUUID } from 'node:crypto';
import { namespacedKey } from '@tulle/core';
import type { NamespacedName } from '@tulle/core';
import type { EndpointSlice, Service } from '@tulle/gateway-api';
import { allocateClusterIps, nodes, PodAddresses } from '../network/addresses.ts';
import type { NodeAddress } from '../network/addresses.ts';
import type { ServicePortRule } from '../network/service-rules.ts';
import type { ZoneService } from '../dns/zone.ts';
import { PodRuntime } from '../pods/pod-runtime.ts';
import type { PodHost } from '../pods/pod-runtime.ts';
import { podState, podView, servedPod } from '../pods/pod-views.ts';
import { Semaphore } from '../semaphore.ts';
import type { PlaygroundProblem, PodState, ServiceState } from '../state.ts';
import { deploymentPodName, planDeployment } from './deployments.ts';
import { portRules, serviceOfSlice, slicesOf } from './endpoints.ts';
import { wantsMesh } from './labels.ts';
import { namespaceObject, nodeObjects, objectFiles, podObject, serviceObject } from './objects.ts';
import { noWishes, readWishes } from './wishes.ts';
import type { DeploymentWish, ManifestObject, PodWish, Wishes } from './wishes.ts';

/** More at a time take no less time, and each of them longer. */
const startsAtATime = 8;

/** What follows from the present state of a cluster for everything around it. */
export interface ClusterView {
  readonly pods: readonly PodRuntime[];
  readonly podStates: readonly PodState[];
  readonly services: readonly ServiceState[];
  readonly rules: readonly ServicePortRule[];
  readonly zone: readonly ZoneService[];
  /** The files that the controller reads, by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly PlaygroundProblem[];
}

/** What a cluster needs of its surroundings. */
export interface ClusterHost extends Omit<PodHost, 'configMaps' | 'starts'> {
  /** Lets everything around know the present state; resolves when all of it does. */
  readonly publish: () => Promise<void>;
  /** Called when a pod's programs have ended, before its namespace goes; resolves when its agent has let go. */
  readonly letGo: (pod: PodRuntime) => Promise<void>;
  /** How long traffic may still come to a pod after everybody was told that it goes, in milliseconds. */
  readonly settleMs: number;
}

/** The pods and Services that a directory of manifests asks for, brought into being and kept so. */
export class Cluster {
  readonly #host: ClusterHost;
  readonly #podHost: PodHost;
  readonly #addresses = new PodAddresses();
  readonly #pods = new Map<string, PodRuntime>();
  readonly #leaving = new Set<Promise<void>>();
  #wishes: Wishes = noWishes;
  #clusterIps: ReadonlyMap<string, string> = new Map();
  #ipProblems: readonly PlaygroundProblem[] = [];
  #closed = false;
  #poked = false;

  constructor(host: ClusterHost) {
    this.#host = host;
    this.#podHost = {
      ...host,
      starts: new Semaphore(startsAtATime),
      // A pod outside the mesh has nobody to wait for.
      admit: (pod) => (this.#wanted(pod) ? host.admit(pod) : Promise.resolve()),
      configMaps: (namespace) => (name) => this.#wishes.configMaps.get(`${namespace}/${name}`)?.data,
      onChange: () => {
        this.#poke();
        host.onChange();
      },
    };
  }

  /** Takes over what the manifests say now. */
  apply(objects: readonly ManifestObject[]): void {
    const before = this.#wishes;
    this.#wishes = readWishes(objects, before);
    this.#allocate();
    this.#reconcile();
    if (JSON.stringify([...before.configMaps]) !== JSON.stringify([...this.#wishes.configMaps])) {
      for (const pod of this.#pods.values()) pod.configMapsChanged();
    }
    this.#host.onChange();
  }

  /** Reconciles soon, once for any number of changes: a pod that changes is often in the middle of being looked at. */
  #poke(): void {
    if (this.#poked) return;
    this.#poked = true;
    setImmediate(() => {
      this.#poked = false;
      this.#reconcile();
    });
  }

  /** Makes, relabels and removes pods, so that they are closer to what is asked for. */
  #reconcile(): void {
    if (this.#closed) return;
    for (const pod of this.#pods.values()) if (!pod.stopping && !this.#isWanted(pod)) this.#remove(pod);
    for (const wish of this.#wishes.pods.values()) {
      // A pod of the same name that is still leaving has to be gone first.
      if (this.#find(wish) === undefined) this.#create(wish, wish.name, undefined);
    }
    for (const wish of this.#wishes.deployments.values()) this.#reconcileDeployment(wish);
  }

  /** Nothing is made or removed from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#leaving);
  }

  /** The present state. */
  view(): ClusterView {
    const pods = [...this.#pods.values()];
    const wishes = this.#wishes;
    const served = pods.map(servedPod);
    const made: EndpointSlice[] = [];
    const rules: ServicePortRule[] = [];
    const zone: ZoneService[] = [];
    for (const [key, service] of wishes.services) {
      const own = slicesOf(service, served);
      made.push(...own);
      const { namespace, name } = service.metadata;
      const declared = wishes.slices.filter(
        (each) => each.metadata.namespace === namespace && serviceOfSlice(each) === name,
      );
      const slices = [...own, ...declared];
      const clusterIP = this.#clusterIps.get(key);
      if (clusterIP !== undefined) rules.push(...portRules(service, clusterIP, slices));
      zone.push({ service, clusterIP, slices });
    }
    const objects = [
      ...nodeObjects(),
      ...[...wishes.namespaces].map(([name, labels]) => namespaceObject(name, labels)),
      ...pods.filter((pod) => pod.connected).map((pod) => podObject(podView(pod))),
      ...[...wishes.services].flatMap(([key, service]) =>
        this.#isRefused(key) ? [] : [serviceObject(service, this.#clusterIps.get(key))],
      ),
      ...made,
      ...wishes.slices,
      ...wishes.others,
    ];
    return {
      pods,
      podStates: pods.map((pod) => podState(pod, this.#wanted(pod))).sort(byNamespaceAndName),
      services: [...wishes.services].map(([key, service]) => this.#serviceState(key, service)).sort(byNamespaceAndName),
      rules,
      zone,
      files: objectFiles(objects),
      problems: [...wishes.problems, ...this.#ipProblems],
    };
  }

  #serviceState(key: string, { metadata: { namespace, name }, spec }: Service): ServiceState {
    const headless = spec.clusterIP === 'None' ? 'None' : '';
    return { namespace, name, clusterIP: this.#clusterIps.get(key) ?? headless };
  }

  #wanted(pod: PodRuntime): boolean {
    const labels = this.#wishes.namespaces.get(pod.identity.namespace) ?? {};
    return wantsMesh(pod.metadata.labels, labels) && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
  }

  #isRefused(key: string): boolean {
    const spec = this.#wishes.services.get(key)?.spec;
    return spec?.type !== 'ExternalName' && spec?.clusterIP !== 'None' && !this.#clusterIps.has(key);
  }

  #allocate(): void {
    const requests = [...this.#wishes.services]
      .filter(([, { spec }]) => spec.type !== 'ExternalName' && spec.clusterIP !== 'None')
      .map(([key, { spec }]) => ({ key, asked: spec.clusterIP === '' ? undefined : spec.clusterIP }));
    const { addresses, refused } = allocateClusterIps(requests, this.#clusterIps);
    this.#clusterIps = addresses;
    this.#ipProblems = [...refused].map(([key, message]) => ({
      severity: 'error',
      ...this.#wishes.places.get(key),
      object: `Service ${key}`,
      message,
    }));
  }

  /** Whether a pod is still asked for; if so, its labels are brought up to date. */
  #isWanted(pod: PodRuntime): boolean {
    const { namespace, name, owner } = pod.identity;
    const wish =
      owner === undefined
        ? this.#wishes.pods.get(`${namespace}/${name}`)
        : this.#wishes.deployments.get(`${namespace}/${owner.name}`);
    if (wish === undefined) return false;
    if (owner === undefined && wish.hash !== pod.identity.specHash) return false;
    pod.metadata = { labels: wish.labels, annotations: wish.annotations };
    return true;
  }

  #find({ namespace, name }: NamespacedName): PodRuntime | undefined {
    for (const pod of this.#pods.values()) {
      if (pod.identity.namespace === namespace && pod.identity.name === name) return pod;
    }
    return undefined;
  }

  #reconcileDeployment(wish: DeploymentWish): void {
    const pods = [...this.#pods.values()].filter((pod) => pod.identity.owner?.uid === wish.uid && !pod.stopping);
    const step = planDeployment(
      wish.replicas,
      wish.hash,
      pods.map((pod) => ({
        name: pod.identity.name,
        hash: pod.identity.owner?.hash ?? '',
        ready: pod.ready,
        createdAt: pod.identity.createdAt,
      })),
    );
    for (const pod of pods) if (step.remove.includes(pod.identity.name)) this.#remove(pod);
    for (let i = 0; i < step.create; i++) {
      const name = deploymentPodName(wish.name, wish.hash, (below) => randomInt(below));
      this.#create(wish, name, { name: wish.name, uid: wish.uid, hash: wish.hash });
    }
  }

  #create(wish: PodWish, name: string, owner: { name: string; uid: string; hash: string } | undefined): void {
    const node = this.#place(wish, owner?.uid);
    const ip = this.#addresses.take(node);
    if (ip === undefined) {
      this.#host.logger.error('every address of the node is taken', {
        node: node.name,
        pod: `${wish.namespace}/${name}`,
      });
      return;
    }
    const createdAt = new Date(this.#host.clock.nowMs()).toISOString();
    const { namespace, spec, labels, annotations } = wish;
    const identity = { namespace, name, uid: randomUUID(), spec, specHash: wish.hash, owner, createdAt };
    const pod = new PodRuntime(this.#podHost, identity, { labels, annotations }, { node, ip });
    this.#pods.set(identity.uid, pod);
    pod.start();
  }

  /** The node that was asked for, else the one with the fewest pods of the same owner, else with the fewest pods. */
  #place(wish: PodWish, owner: string | undefined): NodeAddress {
    const load = (node: NodeAddress) => {
      const there = [...this.#pods.values()].filter((pod) => pod.node.name === node.name && !pod.stopping);
      const siblings = there.filter((pod) => owner !== undefined && pod.identity.owner?.uid === owner);
      return siblings.length * 1000 + there.length;
    };
    const candidates = nodes.filter((node) => wish.spec.nodeName === undefined || node.name === wish.spec.nodeName);
    return candidates.reduce((best, node) => (load(node) < load(best) ? node : best), candidates[0] ?? nodes[0]);
  }

  #remove(pod: PodRuntime): void {
    pod.beginToStop();
    const leaving = this.#takeDown(pod).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #takeDown(pod: PodRuntime): Promise<void> {
    const { logger, clock, settleMs } = this.#host;
    try {
      // Nobody is led to it any more before its programs are asked to end.
      await this.#host.publish();
      if (pod.wasReady) await new Promise<void>((resolve) => clock.after(settleMs, resolve));
      await pod.endProcesses();
      await this.#host.letGo(pod);
      await pod.remove();
    } catch (error) {
      logger.error('a pod could not be removed', { pod: namespacedKey(pod.identity), error: String(error) });
    }
    this.#pods.delete(pod.identity.uid);
    this.#addresses.release(pod.ip);
    this.#reconcile();
    this.#host.onChange();
  }
}

function byNamespaceAndName(a: NamespacedName, b: NamespacedName): number {
  return namespacedKey(a) < namespacedKey(b) ? -1 : 1;
}
