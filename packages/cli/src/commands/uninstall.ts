import type { Command } from 'commander';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { CliContext } from '../cli-context.ts';
import { addExamples } from '../command-support.ts';
import { addClusterOptions, withCluster } from '../kubernetes/cluster-options.ts';
import {
  defaultKustomization,
  nameOf,
  renderKustomization,
  systemNamespace,
  type Manifest,
} from '../kubernetes/installation.ts';
import { waitUntilNothingIsMissing } from '../kubernetes/progress.ts';
import { timeoutOption } from './install.ts';

interface UninstallOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly kustomization: string;
  readonly force?: boolean;
  readonly timeout: number;
}

const controllerName = 'tulle.dev/mesh-controller';
const namespacePath = `/api/v1/namespaces/${systemNamespace}`;
const workloadsPath = `/apis/apps/v1/namespaces/${systemNamespace}`;
const xMeshesPath = '/apis/gateway.networking.x-k8s.io/v1alpha1/xmeshes';
const routePaths = ['httproutes', 'grpcroutes', 'tlsroutes', 'tcproutes'].map(
  (plural) => `/apis/gateway.networking.k8s.io/v1/${plural}`,
);

/** Adds `tulle uninstall`. */
export function registerUninstall(program: Command, context: CliContext): void {
  const command = program
    .command('uninstall')
    .summary('takes every pod out of the mesh, then removes all of it from the cluster')
    .description(
      'Releases all pods first: their agents take the redirects away, traffic goes on without the mesh. Then removes ' +
        'everything that was installed and made. Routes and labels are yours and stay.',
    )
    .option('--force', 'remove the mesh even if not every pod was released in time: those lose their network')
    .addOption(timeoutOption(180))
    .option('--kustomization <dir>', 'what was applied', defaultKustomization)
    .action((options: UninstallOptions) => uninstall(context, options));
  addExamples(addClusterOptions(command), ['tulle uninstall', 'tulle uninstall --context staging']);
}

async function uninstall(context: CliContext, options: UninstallOptions): Promise<void> {
  const objects = await renderKustomization(options.kustomization);
  await withCluster(options, async (client) => {
    if (await exists(client, namespacePath)) {
      await withdraw(client, options, context);
      // The agents take away what is left of pods that leave when they are told to end; both need their permissions.
      await removeWorkload(client, { path: 'daemonsets/agent', what: 'agents' }, options, context);
      await removeWorkload(client, { path: 'deployments/mesh-controller', what: 'mesh controllers' }, options, context);
    }
    await removeXMeshes(client, context);
    await removeAll(client, objects.toReversed(), context);
    await waitUntilNothingIsMissing(
      async () => ((await exists(client, namespacePath)) ? `namespace ${systemNamespace} is being deleted` : undefined),
      {
        context,
        timeoutMs: options.timeout,
        failure: 'not all is gone',
        hint: `kubectl get namespace ${systemNamespace}`,
      },
    );
  });
  context.print('Tulle is gone. Labels tulle.dev/mesh on your namespaces and pods mean nothing any more.\n');
}

/** Asks the controller to let all pods go and to take its statuses away, and waits until it is done. */
async function withdraw(client: KubernetesClient, options: UninstallOptions, context: CliContext): Promise<void> {
  const metadata = { annotations: { 'tulle.dev/withdraw': 'true' } };
  await client.patch(namespacePath, { metadata }, { type: 'merge' });
  const hint = 'tulle check   (agents that are not ready cannot release their pods; --force removes the mesh anyway)';
  const wait = { context, timeoutMs: options.timeout, failure: 'not every pod was released', hint };
  try {
    await waitUntilNothingIsMissing(async () => {
      const pods = await capturedPods(client);
      const routes = await routesWithOurStatus(client);
      if (pods.length === 0 && routes === 0) return undefined;
      const some = pods.slice(0, 3).join(', ');
      return `${pods.length} pods to be released${some === '' ? '' : ` (${some}${pods.length > 3 ? ', …' : ''})`}, ${routes} route statuses`;
    }, wait);
  } catch (thrown) {
    if (options.force !== true) throw thrown;
    context.printError('  not every pod was released; going on as asked\n');
  }
}

/** Deletes a workload and waits until its pods have ended. */
async function removeWorkload(
  client: KubernetesClient,
  { path, what }: { readonly path: string; readonly what: string },
  options: UninstallOptions,
  context: CliContext,
): Promise<void> {
  await remove(client, `${workloadsPath}/${path}`, { propagationPolicy: 'Foreground' });
  const labelSelector = `app.kubernetes.io/name=${path.slice(path.indexOf('/') + 1)}`;
  await waitUntilNothingIsMissing(
    async () => {
      const pods = await items(client, `${namespacePath}/pods`, { labelSelector });
      return pods.length === 0 ? undefined : `${pods.length} ${what} are ending`;
    },
    {
      context,
      timeoutMs: options.timeout,
      failure: `${what} still run`,
      hint: `kubectl -n ${systemNamespace} get pods`,
    },
  );
  context.printError(`  removed: ${what}\n`);
}

async function removeXMeshes(client: KubernetesClient, context: CliContext): Promise<void> {
  for (const mesh of await items(client, xMeshesPath)) {
    const { controllerName: owner } = (mesh.spec ?? {}) as { readonly controllerName?: string };
    if (owner !== controllerName) continue;
    await remove(client, `${xMeshesPath}/${mesh.metadata.name}`);
    context.printError(`  removed: XMesh ${mesh.metadata.name}\n`);
  }
}

async function removeAll(client: KubernetesClient, objects: readonly Manifest[], context: CliContext): Promise<void> {
  const { objectPath, ResourceCatalog } = await import('@tulle/kubernetes');
  const catalog = new ResourceCatalog(client);
  for (const object of objects) {
    const path = objectPath(await catalog.resource(object.apiVersion, object.kind), object.metadata);
    if (await remove(client, path)) context.printError(`  removed: ${nameOf(object)}\n`);
  }
}

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: { readonly parents?: readonly { readonly controllerName?: string }[] };
}

async function capturedPods(client: KubernetesClient): Promise<string[]> {
  const pods = await items(client, '/api/v1/pods');
  return pods
    .filter(({ metadata }) => metadata.annotations?.['tulle.dev/captured'] !== undefined)
    .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

async function routesWithOurStatus(client: KubernetesClient): Promise<number> {
  const lists = await Promise.all(routePaths.map((path) => items(client, path)));
  const isOurs = ({ status }: Item) =>
    status?.parents?.some((parent) => parent.controllerName === controllerName) === true;
  return lists.flat().filter(isOurs).length;
}

/** All objects below a path, page by page; none where it is not served. */
async function items(
  client: KubernetesClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Item[]> {
  const { isApiStatus } = await import('@tulle/kubernetes');
  const found: Item[] = [];
  let next: string | undefined;
  do {
    let page: { readonly items?: readonly Item[]; readonly metadata?: { readonly continue?: string } };
    try {
      page = (await client.get(path, { ...query, limit: 500, continue: next })) as typeof page;
    } catch (thrown) {
      if (isApiStatus(thrown, 404)) return [];
      throw thrown;
    }
    found.push(...(page.items ?? []));
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  } while (next !== undefined);
  return found;
}

async function exists(client: KubernetesClient, path: string): Promise<boolean> {
  const { isApiStatus } = await import('@tulle/kubernetes');
  try {
    await client.get(path);
    return true;
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return false;
    throw thrown;
  }
}

/** Deletes an object; false when it is not there. */
async function remove(client: KubernetesClient, path: string, body?: object): Promise<boolean> {
  const { isApiStatus } = await import('@tulle/kubernetes');
  try {
    await client.delete(path, body);
    return true;
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return false;
    throw thrown;
  }
}
