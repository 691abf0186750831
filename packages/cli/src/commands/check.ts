import type { Command } from 'commander';
import { errorMessage } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { CliContext } from '../cli-context.ts';
import { exitStatus } from '../cli-error.ts';
import { cliVersion } from '../cli-version.ts';
import { addExamples } from '../command-support.ts';
import { addClusterOptions, withCluster } from '../kubernetes/cluster-options.ts';
import { systemNamespace } from '../kubernetes/installation.ts';
import { addOutputOption, printDocument, type OutputFormat } from '../output.ts';

interface CheckOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: OutputFormat;
}

/** One thing that was looked at. */
interface CheckItem {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
}

/** Adds `tulle check`. */
export function registerCheck(program: Command, context: CliContext): void {
  const command = program
    .command('check')
    .summary('whether the mesh in a cluster is whole: API server, CRDs, controller, agents, versions')
    .description('Looks whether the mesh in a cluster is whole. Ends with status 1 when something failed.')
    .action((options: CheckOptions) => check(context, options));
  addExamples(addClusterOptions(addOutputOption(command)), [
    'tulle check',
    'tulle check -o json',
    'tulle check --context prod',
  ]);
}

async function check(context: CliContext, options: CheckOptions): Promise<void> {
  const items = await withCluster(options, lookAt);
  const document = { apiVersion: 'cli.tulle.dev/v1', kind: 'Check', items };
  await printDocument(context, options.output, document, () => items.map((item) => line(item, context)));
  if (items.some(({ status }) => status === 'failed')) process.exitCode = exitStatus.failed;
}

async function lookAt(client: KubernetesClient): Promise<CheckItem[]> {
  const { agentsState, controllerState } = await import('../kubernetes/readiness.ts');
  const apiServer = await item('API server', () => apiServerVersion(client));
  if (apiServer.status === 'failed') return [apiServer];
  return [
    apiServer,
    await item('Gateway API', () => gatewayApi(client)),
    await item('namespace', () => namespace(client)),
    await item('mesh controller', async () => workload(await controllerState(client))),
    await item('agents', async () => workload(await agentsState(client))),
    await item('trust bundle', () => trustBundle(client)),
  ];
}

type Verdict = Omit<CheckItem, 'name'>;

async function item(name: string, look: () => Promise<Verdict>): Promise<CheckItem> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    return { name, status: 'failed', message: errorMessage(thrown) };
  }
}

async function apiServerVersion(client: KubernetesClient): Promise<Verdict> {
  const { gitVersion } = (await client.get('/version')) as { readonly gitVersion?: string };
  return { status: 'ok', message: `Kubernetes ${gitVersion ?? 'of an unknown version'}` };
}

async function gatewayApi(client: KubernetesClient): Promise<Verdict> {
  const { resourcesOf } = await import('@tulle/kubernetes');
  const kinds = (await resourcesOf(client, 'gateway.networking.k8s.io', 'v1')).map(({ kind }) => kind);
  const needed = ['HTTPRoute', 'GRPCRoute'];
  const lacking = needed.filter((kind) => !kinds.includes(kind));
  if (lacking.length === needed.length) return { status: 'failed', message: 'its CRDs are not installed' };
  if (lacking.length > 0) return { status: 'warning', message: `${lacking.join(', ')} is not served in version v1` };
  const more = await resourcesOf(client, 'gateway.networking.x-k8s.io', 'v1alpha1');
  const channel = more.some(({ kind }) => kind === 'XMesh') ? 'experimental channel' : 'standard channel';
  return { status: 'ok', message: `${channel}; ${kinds.filter((kind) => kind.endsWith('Route')).join(', ')}` };
}

async function namespace(client: KubernetesClient): Promise<Verdict> {
  const { isApiStatus } = await import('@tulle/kubernetes');
  try {
    const found = (await client.get(`/api/v1/namespaces/${systemNamespace}`)) as {
      readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
    };
    if (found.metadata.annotations?.['tulle.dev/withdraw'] === 'true') {
      return { status: 'failed', message: 'an uninstall was begun, no pod is captured; tulle install takes it back' };
    }
    return { status: 'ok', message: systemNamespace };
  } catch (thrown) {
    if (!isApiStatus(thrown, 404)) throw thrown;
    return { status: 'failed', message: `${systemNamespace} is not there; tulle install makes it` };
  }
}

function workload(state: {
  readonly found: boolean;
  readonly ready: number;
  readonly wanted: number;
  readonly settled: boolean;
  readonly images: readonly string[];
}): Verdict {
  if (!state.found) return { status: 'failed', message: 'not installed' };
  const { images, ready, settled, wanted } = state;
  const text = `${ready} of ${wanted} ready, ${images.join(', ')}`;
  if (!settled) return { status: ready > 0 ? 'warning' : 'failed', message: text };
  const version = cliVersion();
  const isOther = images.some((image) => !image.endsWith(`:${version}`));
  return isOther
    ? { status: 'warning', message: `${text}; this command is ${version}` }
    : { status: 'ok', message: text };
}

async function trustBundle(client: KubernetesClient): Promise<Verdict> {
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/tulle-trust-bundle`;
  const { data = {} } = (await client.get(path)) as { readonly data?: Readonly<Record<string, string>> };
  const roots = (data['bundle.pem'] ?? '').match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  return roots > 0
    ? { status: 'ok', message: roots === 1 ? '1 root' : `${roots} roots` }
    : { status: 'failed', message: 'it holds no root' };
}

function line({ message, name, status }: CheckItem, { colors }: CliContext): string {
  const marks = { ok: colors.green('ok     '), warning: colors.yellow('warning'), failed: colors.red('failed ') };
  return `${marks[status]}  ${name.padEnd(16)} ${message}`;
}
