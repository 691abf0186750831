import { CodedError } from '@tulle/core';
import { forwardPort, KubernetesClient, type ClusterChoice } from '@tulle/kubernetes';
import type { ControllerAddress } from '../controller-address.ts';
import { systemNamespace } from './installation.ts';

/** The controller's admin port, on the loopback of its pod. */
const adminPort = 15_000;

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
}

/**
 * The controller of a cluster, reached through the API server. Throws a {@link CodedError} `NoMesh` when no controller is
 * ready there, or an `ApiError`.
 */
export async function clusterController(choice: ClusterChoice): Promise<ControllerAddress> {
  const client = KubernetesClient.load(choice);
  try {
    const labelSelector = 'app.kubernetes.io/name=mesh-controller';
    const path = `/api/v1/namespaces/${systemNamespace}/pods`;
    const { items = [] } = (await client.get(path, { labelSelector })) as { readonly items?: readonly Pod[] };
    const pod = items.find(isReady);
    if (pod === undefined) {
      throw new CodedError('NoMesh', `no mesh controller is ready in the cluster at ${client.connection.server.host}`, {
        hint: 'tulle check',
      });
    }
    let failure: unknown;
    const target = { namespace: systemNamespace, pod: pod.metadata.name, port: adminPort };
    const port = await forwardPort(client, target, (error) => (failure = error));
    return {
      socketPath: port.socketPath,
      mesh: `the mesh of the cluster at ${client.connection.server.host}`,
      hint: 'tulle check',
      explain: () => failure,
      close: async () => {
        await port.close();
        await client.close();
      },
    };
  } catch (thrown) {
    await client.close();
    throw thrown;
  }
}

function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}
