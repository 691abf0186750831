import { errorMessage, type Clock, type Logger } from '@tulle/core';
import { isApiStatus, resourcesOf, type KubernetesClient } from '@tulle/kubernetes';
import type { ObjectStore } from '../objects/object-store.ts';
import type { MeshSnapshot } from '../pipeline/mesh-snapshot.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { isWithdrawn } from './withdrawal.ts';

/** The ConfigMap that holds the roots that workloads trust, under `bundle.pem`. */
export const trustBundleName = 'tulle-trust-bundle';
/** Who vouches for the roots of our ClusterTrustBundle. */
export const trustBundleSigner = 'tulle.dev/mesh-ca';

/** What {@link TrustBundles} are made from. */
export interface TrustBundlesOptions {
  readonly client: KubernetesClient;
  readonly store: ObjectStore;
  /** The roots that workloads trust now, PEM. */
  readonly bundlePem: () => string;
  readonly systemNamespace: string;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const apply = { type: 'apply', query: { fieldManager: 'tulle-mesh-controller', force: true } } as const;
const labels = { 'app.kubernetes.io/part-of': 'tulle' };
/** The key of the ClusterTrustBundle: no namespace is called so. */
const clusterKey = '*';
const bundleGroup = 'certificates.k8s.io';
const bundleVersions = ['v1', 'v1beta1', 'v1alpha1'] as const;
const meshLabel = 'tulle.dev/mesh';

/**
 * Publishes the roots that workloads trust, while it leads: a ConfigMap in each namespace of the mesh and in the system
 * namespace, taken away where a namespace leaves the mesh; and a ClusterTrustBundle where the API server has them.
 */
export class TrustBundles implements Disposable {
  readonly #options: TrustBundlesOptions;
  readonly #queue: KeyedQueue;
  /** What was written, by namespace. */
  readonly #written = new Map<string, string>();
  #namespaces: ReadonlySet<string> = new Set();
  #leads = false;

  constructor(options: TrustBundlesOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#queue = new KeyedQueue({ what: 'a trust bundle', run: (key) => this.#write(key), clock, logger });
  }

  /** There is a new snapshot, or the roots changed. */
  update(snapshot: MeshSnapshot): void {
    this.#namespaces = this.#meshed(snapshot);
    if (!this.#leads) return;
    const bundle = this.#options.bundlePem();
    for (const namespace of this.#namespaces) {
      if (this.#written.get(namespace) !== bundle) this.#queue.add(namespace);
    }
    for (const namespace of this.#written.keys()) {
      if (!this.#namespaces.has(namespace)) this.#queue.add(namespace);
    }
  }

  /** Whether this process is the one that writes. */
  setLeading(leads: boolean, snapshot: MeshSnapshot): void {
    this.#leads = leads;
    this.#written.clear();
    if (leads) this.update(snapshot);
    else this.#queue.clear();
  }

  [Symbol.dispose](): void {
    this.#leads = false;
    this.#queue[Symbol.dispose]();
  }

  /** Namespaces that are labelled, or have a pod in the mesh; none of them while the mesh is being uninstalled. */
  #meshed({ state }: MeshSnapshot): Set<string> {
    const { store, systemNamespace } = this.#options;
    const namespaces = new Set([systemNamespace]);
    if (isWithdrawn(store, systemNamespace)) return namespaces;
    namespaces.add(clusterKey);
    for (const { metadata } of store.ofKind('Namespace')) {
      if (metadata.labels?.[meshLabel] === 'enabled') namespaces.add(metadata.name);
    }
    for (const { mesh, namespace } of state.workloads.values()) if (mesh.state === 'in') namespaces.add(namespace);
    return namespaces;
  }

  async #write(key: string): Promise<void> {
    if (!this.#leads) return;
    const bundle = this.#options.bundlePem();
    if (!this.#namespaces.has(key)) return await this.#remove(key);
    if (key === clusterKey) await this.#writeCluster(bundle);
    else await this.#writeNamespace(key, bundle);
    this.#written.set(key, bundle);
  }

  async #writeNamespace(namespace: string, bundle: string): Promise<void> {
    try {
      await publishTrustBundle(this.#options.client, { namespace, name: trustBundleName }, bundle);
    } catch (thrown) {
      // The namespace is going: nothing can be made in it any more.
      if (!isApiStatus(thrown, 404) && !isApiStatus(thrown, 403)) throw thrown;
      if (isApiStatus(thrown, 403) && namespace === this.#options.systemNamespace) throw thrown;
      const fields = { namespace, error: errorMessage(thrown) };
      this.#options.logger.warn('the trust bundle cannot be published in a namespace', fields);
    }
  }

  async #remove(key: string): Promise<void> {
    const configMap = `/api/v1/namespaces/${key}/configmaps/${trustBundleName}`;
    const path = key === clusterKey ? (await this.#clusterBundle())?.path : configMap;
    try {
      if (path !== undefined) await this.#options.client.delete(path);
    } catch (thrown) {
      if (!isApiStatus(thrown, 404)) throw thrown;
    }
    this.#written.delete(key);
  }

  async #writeCluster(trustBundle: string): Promise<void> {
    const { client, logger } = this.#options;
    const place = await this.#clusterBundle();
    if (place === undefined) return;
    const { apiVersion, name, path } = place;
    const spec = { signerName: trustBundleSigner, trustBundle };
    await client.patch(path, { apiVersion, kind: 'ClusterTrustBundle', metadata: { name, labels }, spec }, apply);
    logger.info('the ClusterTrustBundle is up to date', { name });
  }

  /** Where our ClusterTrustBundle is; undefined where the API server has none of them: they are not switched on everywhere. */
  async #clusterBundle(): Promise<
    { readonly apiVersion: string; readonly name: string; readonly path: string } | undefined
  > {
    const { client, trustDomain } = this.#options;
    const name = `${trustBundleSigner.replace('/', ':')}:${trustDomain}`;
    for (const version of bundleVersions) {
      const resources = await resourcesOf(client, bundleGroup, version);
      if (!resources.some(({ kind }) => kind === 'ClusterTrustBundle')) continue;
      const apiVersion = `${bundleGroup}/${version}`;
      return { apiVersion, name, path: `/apis/${apiVersion}/clustertrustbundles/${name}` };
    }
    return undefined;
  }
}

/** Makes a ConfigMap hold the roots that workloads are to trust, under `bundle.pem`. */
export async function publishTrustBundle(
  client: KubernetesClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  bundlePem: string,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  if ((await readTrustBundle(client, { namespace, name })) === bundlePem) return;
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels },
    data: { 'bundle.pem': bundlePem },
  };
  await client.patch(path, body, apply);
}

/** The roots as a ConfigMap has them; undefined where there is none. */
export async function readTrustBundle(
  client: KubernetesClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<string | undefined> {
  try {
    const present = (await client.get(`/api/v1/namespaces/${namespace}/configmaps/${name}`)) as {
      readonly data?: Readonly<Record<string, string | undefined>>;
    };
    return present.data?.['bundle.pem'];
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return undefined;
    throw thrown;
  }
}
