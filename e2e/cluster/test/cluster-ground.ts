import { setTimeout as delay } from 'node:timers/promises';
import type { StatusView } from '@tulle/admin-api';
import type { SuiteGround, SuiteObjects } from '../../routes/ground.ts';
import type { Manifest } from '../../routes/model.ts';
import { waitFor } from '../src/wait.ts';
import { type ClusterUnderTest, tulle } from './cluster-under-test.ts';
import { asOnKubernetes, byAge, mark, marked, programsOf } from './suite-on-kubernetes.ts';

const namespaces = ['routes', 'guests'] as const;

const applyTimeoutMs = 60_000;
const readyTimeoutMs = 120_000;
const forceTimeoutMs = 120_000;
const execTimeoutMs = 180_000;
const deleteTimeoutMs = 120_000;
/** How often objects are made anew when they were not made within one second. */
const mostTries = 10;
/** Pause in which nothing new may be published for the suite's objects to be in force. */
const quietMs = 1000;

/** The kinds of the suite that get a status, by their resource, and what of a status names our controller. */
const withStatus = ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes', 'backendtlspolicies']
  .map((resource) => `${resource}.gateway.networking.k8s.io`)
  .join(',');
const controllerName = 'tulle.dev/mesh-controller';

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

interface StatusEntry {
  readonly controllerName: string;
  readonly conditions: readonly { readonly observedGeneration?: number }[];
}

interface Read {
  readonly kind: string;
  readonly metadata: Metadata;
  readonly status?: { readonly parents?: readonly StatusEntry[]; readonly ancestors?: readonly StatusEntry[] };
}

/** A Kubernetes cluster with the mesh in it as the ground of the route suite. Disposed, it is as it was. */
export class ClusterGround implements SuiteGround, AsyncDisposable {
  readonly source = 'kubernetes';
  readonly absentKinds: ReadonlyMap<string, string>;
  readonly #cluster: ClusterUnderTest;

  private constructor(cluster: ClusterUnderTest, absentKinds: ReadonlyMap<string, string>) {
    this.#cluster = cluster;
    this.absentKinds = absentKinds;
  }

  /** The cluster, without what an earlier run that was killed left of the suite. */
  static async take(cluster: ClusterUnderTest): Promise<ClusterGround> {
    const resources = await cluster.kubectl(['api-resources', '--verbs=create', '--no-headers']);
    const absent = new Map<string, string>();
    if (!/ ClusterTrustBundle\n/.test(resources)) {
      absent.set('ClusterTrustBundle', "this cluster's API server does not serve ClusterTrustBundles");
    }
    const ground = new ClusterGround(cluster, absent);
    await ground.#clear();
    return ground;
  }

  async apply({ shared, cases }: SuiteObjects): Promise<void> {
    const image = await this.#imageWithNode();
    const isNamespace = ({ kind }: Manifest): boolean => kind === 'Namespace';
    await this.#apply(shared.filter(isNamespace).map(marked));
    await this.#apply([
      ...namespaces.map(programsOf),
      ...shared.filter((one) => !isNamespace(one)).map((one) => asOnKubernetes(one, image)),
    ]);
    const [ofAnyAge = [], ...ofOneAge] = byAge(cases);
    await this.#apply(ofAnyAge);
    for (const objects of ofOneAge) await this.#applyInOneSecond(objects);
    for (const namespace of namespaces) {
      await this.#kubectl(['wait', 'pod', '--all', `-n=${namespace}`, '--for=condition=Ready', '--timeout=110s'], {
        timeoutMs: readyTimeoutMs,
      });
    }
    await this.#untilInForce();
  }

  async exec(pod: string, command: readonly string[], input: string): Promise<string> {
    const [namespace = '', name = ''] = pod.split('/');
    return await this.#kubectl(['exec', '--stdin', `-n=${namespace}`, name, '--', ...command], {
      input,
      timeoutMs: execTimeoutMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clear();
  }

  get #kubectl(): ClusterUnderTest['kubectl'] {
    return this.#cluster.kubectl;
  }

  async #apply(objects: readonly Manifest[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.#kubectl(['apply', '--server-side', '--filename', '-'], {
      input: JSON.stringify(list),
      timeoutMs: applyTimeoutMs,
    });
  }

  /** Makes objects that are of one age, and younger than those before: an API server says it to the second. */
  async #applyInOneSecond(objects: readonly Manifest[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const times = ['get', '--filename', '-', '--no-headers', '-o=custom-columns=:.metadata.creationTimestamp'];
    for (let tries = 0; tries < mostTries; tries += 1) {
      await delay(1000 - (Date.now() % 1000));
      await this.#apply(objects);
      const made = (await this.#kubectl(times, { input })).trim().split(/\s+/);
      if (new Set(made).size === 1) return;
      await this.#kubectl(['delete', '--filename', '-'], { input, timeoutMs: applyTimeoutMs });
    }
    throw new Error(`${objects.length} objects were not made within one second, ${mostTries} times`);
  }

  /** An image that every node has and that has Node in it: the mesh's own. Nothing is ever pulled. */
  async #imageWithNode(): Promise<string> {
    const path = '-o=jsonpath={.spec.template.spec.containers[0].image}';
    return await this.#kubectl(['get', 'deployment', 'mesh-controller', '-n=tulle-system', path]);
  }

  /** Waits until pods are in the mesh, endpoints are known, statuses are written and every agent has all of it. */
  async #untilInForce(): Promise<void> {
    const wait = { timeoutMs: forceTimeoutMs };
    await waitFor('the pods of the suite are captured', async () => nothing(await this.#uncaptured()), wait);
    await waitFor('Services have their endpoints', async () => nothing(await this.#withoutEndpoints()), wait);
    await waitFor('routes and policies have a status', async () => nothing(await this.#withoutStatus()), wait);
    await waitFor('every agent has the configuration', async () => nothing(await this.#behind()), wait);
  }

  async #read(resources: string): Promise<Read[]> {
    const lists = await Promise.all(
      namespaces.map(async (namespace) => (await this.#kubectl.json(['get', resources, `-n=${namespace}`])) as Items),
    );
    return lists.flatMap(({ items }) => items);
  }

  async #uncaptured(): Promise<string[]> {
    const pods = await this.#read('pods');
    return pods.filter(({ metadata }) => metadata.annotations?.['tulle.dev/captured'] === undefined).map(nameOf);
  }

  /** The Services with pods that the cluster does not know the endpoints of yet. */
  async #withoutEndpoints(): Promise<string[]> {
    const objects = (await this.#read('pods,services,endpointslices')) as (Read & Endpoints)[];
    const apps = new Set(
      objects.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => appOf(metadata.namespace, metadata.labels)),
    );
    const served = new Set(
      objects
        .filter(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready === true))
        .map(({ metadata }) => `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`),
    );
    return objects
      .filter(({ kind, metadata, spec }) => kind === 'Service' && apps.has(appOf(metadata.namespace, spec?.selector)))
      .map(nameOf)
      .filter((name) => !served.has(name));
  }

  /** The routes and policies that our controller has not judged as they are now. */
  async #withoutStatus(): Promise<string[]> {
    const objects = await this.#read(withStatus);
    const isJudged = ({ metadata, status }: Read): boolean => {
      const entries = [...(status?.parents ?? []), ...(status?.ancestors ?? [])];
      const ours = entries.filter((entry) => entry.controllerName === controllerName);
      const conditions = ours.flatMap((entry) => entry.conditions);
      return (
        conditions.length > 0 &&
        conditions.every(({ observedGeneration }) => observedGeneration === metadata.generation)
      );
    };
    return objects.filter((object) => !isJudged(object)).map(nameOf);
  }

  /** The kinds that the controller has not read all of, and the nodes whose agent lacks something, for a while. */
  async #behind(): Promise<string[]> {
    const objects = await this.#read(`services,endpointslices,${withStatus}`);
    const first = await this.#status();
    const kinds = new Set(objects.map(({ kind }) => kind));
    const unread = [...kinds].filter(
      (kind) => (first.controller.objects[kind] ?? 0) < objects.filter((object) => object.kind === kind).length,
    );
    if (unread.length > 0) return unread;
    await delay(quietMs);
    const { controller, nodes } = await this.#status();
    if (controller.configVersion !== first.controller.configVersion) return ['the controller'];
    const lacks = ({ agent, configVersion, podsCaptured, podsWanted }: StatusView['nodes'][number]): boolean =>
      agent !== 'ready' || configVersion !== controller.configVersion || podsCaptured !== podsWanted;
    return nodes.filter(lacks).map(({ name }) => name);
  }

  async #status(): Promise<StatusView> {
    return JSON.parse(await tulle(this.#cluster, ['status', '-o', 'json'])) as StatusView;
  }

  /** Deletes everything of the suite, and nothing that is not the suite's. */
  async #clear(): Promise<void> {
    for (const namespace of namespaces) {
      const column = `-o=jsonpath={.metadata.name} {.metadata.labels['${mark.replaceAll('.', '\\.')}']}`;
      const found = await this.#kubectl(['get', 'namespace', namespace, '--ignore-not-found', column]);
      if (found !== '' && found !== `${namespace} routes`) {
        throw new Error(`the cluster has a namespace "${namespace}" that is not the suite's: it must go first`);
      }
    }
    await this.#kubectl(['delete', 'namespace', `--selector=${mark}=routes`, '--ignore-not-found'], {
      timeoutMs: deleteTimeoutMs,
    });
    if (this.absentKinds.has('ClusterTrustBundle')) return;
    await this.#kubectl(['delete', 'clustertrustbundle', 'suite-ca', '--ignore-not-found']);
  }
}

interface Items {
  readonly items: Read[];
}

interface Endpoints {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

/** True when the list is empty; else throws, so that a wait that ends in vain says what was missing. */
function nothing(missing: readonly string[]): true {
  if (missing.length === 0) return true;
  throw new Error(`${missing.length} not yet: ${missing.slice(0, 5).join(', ')}`);
}

function nameOf({ metadata }: Read): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function appOf(namespace: string, labels: Readonly<Record<string, string>> | undefined): string {
  return `${namespace}/${labels?.['app']}`;
}
