import type { Command } from 'commander';
import { CodedError } from '@tulle/core';
import type { ClusterChoice, KubernetesClient } from '@tulle/kubernetes';

/** Adds `--kubeconfig` and `--context` to a command. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'the kubeconfig of the cluster (KUBECONFIG, ~/.kube/config)')
    .option('--context <name>', 'the context of the kubeconfig; its current one if none is named');
}

/** Runs `action` with a client of the cluster that is meant. The client's modules are loaded only now. */
export async function withCluster<T>(
  { kubeconfig, context }: ClusterChoice,
  action: (client: KubernetesClient) => Promise<T>,
): Promise<T> {
  const { ApiError, KubernetesClient: Client } = await import('@tulle/kubernetes');
  await using client = Client.load({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  try {
    return await action(client);
  } catch (thrown) {
    if (!(thrown instanceof ApiError) || thrown.code !== 'Unreachable') throw thrown;
    throw new CodedError(thrown.code, thrown.message, {
      hint: 'kubectl version   (--kubeconfig and --context say which cluster is meant)',
    });
  }
}
