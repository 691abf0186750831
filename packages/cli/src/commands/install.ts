import { InvalidArgumentError, Option, type Command } from 'commander';
import { CodedError, errorMessage } from '@tulle/core';
import type { KubernetesClient } from '@tulle/kubernetes';
import type { CliContext } from '../cli-context.ts';
import { addExamples } from '../command-support.ts';
import { addClusterOptions, withCluster } from '../kubernetes/cluster-options.ts';
import { defaultKustomization, nameOf, renderKustomization, type Manifest } from '../kubernetes/installation.ts';
import { waitUntilNothingIsMissing } from '../kubernetes/progress.ts';

interface InstallOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly kustomization: string;
  readonly print?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

/** Adds `tulle install`. */
export function registerInstall(program: Command, context: CliContext): void {
  const command = program
    .command('install')
    .summary('installs the mesh into a cluster, or prints what it would apply')
    .description(
      'Applies the mesh to a cluster (server-side apply; repeating it upgrades) and waits until the controller and the ' +
        'agent of every node are ready. No pod is in the mesh until its namespace has the label tulle.dev/mesh=enabled.',
    )
    .option('--print', 'print the manifests, apply nothing')
    .option('--no-wait', 'apply and end')
    .addOption(timeoutOption(300))
    .option('--kustomization <dir>', 'what to apply', defaultKustomization)
    .action((options: InstallOptions) => install(context, options));
  addExamples(addClusterOptions(command), [
    'tulle install',
    'tulle install --print | less',
    'tulle install --context prod',
  ]);
}

/** `--timeout SECONDS`, read as milliseconds. */
export function timeoutOption(seconds: number): Option {
  return new Option('--timeout <seconds>', 'how long to wait')
    .default(seconds * 1000, `${seconds}`)
    .argParser((text) => {
      const value = Number(text);
      if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('expected a number of seconds');
      return value * 1000;
    });
}

async function install(context: CliContext, options: InstallOptions): Promise<void> {
  const objects = await renderKustomization(options.kustomization);
  if (options.print === true) {
    const { stringify } = await import('yaml');
    context.print(objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n'));
    return;
  }
  await withCluster(options, async (client) => {
    await applyAll(client, objects, context);
    if (options.wait) await waitForMesh(client, options.timeout, context);
  });
  context.print(
    options.wait
      ? 'Tulle is ready. Next: kubectl label namespace NAMESPACE tulle.dev/mesh=enabled\n'
      : 'Tulle is applied. Next: tulle check\n',
  );
}

async function applyAll(client: KubernetesClient, objects: readonly Manifest[], context: CliContext): Promise<void> {
  const { objectPath, ResourceCatalog } = await import('@tulle/kubernetes');
  const catalog = new ResourceCatalog(client);
  for (const object of objects) {
    const path = objectPath(await catalog.resource(object.apiVersion, object.kind), object.metadata);
    // We own what we install: whoever changed it by hand did so for a while.
    await client.patch(path, object, { type: 'apply', query: { fieldManager: 'tulle', force: true } });
    context.printError(`  applied: ${nameOf(object)}\n`);
  }
  await endWithdrawal(client);
}

/** Takes back what an uninstall that was broken off left: as long as it stands no pod is captured. */
async function endWithdrawal(client: KubernetesClient): Promise<void> {
  const { systemNamespace } = await import('../kubernetes/installation.ts');
  const metadata = { annotations: { 'tulle.dev/withdraw': null } };
  await client.patch(`/api/v1/namespaces/${systemNamespace}`, { metadata }, { type: 'merge' });
}

async function waitForMesh(client: KubernetesClient, timeoutMs: number, context: CliContext): Promise<void> {
  const { agentsState, controllerState, describeState, podTroubles } = await import('../kubernetes/readiness.ts');
  try {
    await waitUntilNothingIsMissing(
      async () => {
        const states = [await controllerState(client), await agentsState(client)];
        return states.every(({ settled }) => settled) ? undefined : states.map(describeState).join(', ');
      },
      { context, timeoutMs, failure: 'the mesh is not ready', hint: 'kubectl -n tulle-system get pods' },
    );
  } catch (thrown) {
    if (!(thrown instanceof CodedError) || thrown.code !== 'TimedOut') throw thrown;
    const troubles = await podTroubles(client);
    const text = [errorMessage(thrown), ...troubles].join('\n  ');
    throw new CodedError(thrown.code, text, thrown.hint === undefined ? {} : { hint: thrown.hint });
  }
}
