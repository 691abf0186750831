import type { Logger } from '@tulle/core';
import { errorMessage } from '@tulle/core';
import { isApiStatus } from '@tulle/kubernetes';
import type { KubernetesClient } from '@tulle/kubernetes';
import { isSessionKey, newSessionKey } from '../server/session-key.ts';

interface Secret {
  readonly data?: Readonly<Record<string, string | undefined>>;
}

const keyField = 'key';

/**
 * The key of sessions in a Secret that all controllers share: whoever is first makes it. Sessions are worth less than the
 * mesh: where the Secret cannot be had, the controller says so and goes on without them.
 */
export async function sessionKeyOfSecret(
  client: KubernetesClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  logger: Logger,
): Promise<string | undefined> {
  const folder = `/api/v1/namespaces/${namespace}/secrets`;
  try {
    const secret = (await found(client, `${folder}/${name}`)) ?? (await made(client, folder, name));
    const key = Buffer.from(secret.data?.[keyField] ?? '', 'base64').toString('latin1');
    if (isSessionKey(key)) return key;
    logger.error('the key of sessions is none: delete the Secret to have a new one made', { namespace, name });
  } catch (thrown) {
    logger.error('no key of sessions: no session persistence', { namespace, name, error: errorMessage(thrown) });
  }
  return undefined;
}

async function found(client: KubernetesClient, path: string): Promise<Secret | undefined> {
  try {
    return (await client.get(path)) as Secret;
  } catch (thrown) {
    if (isApiStatus(thrown, 404)) return undefined;
    throw thrown;
  }
}

async function made(client: KubernetesClient, folder: string, name: string): Promise<Secret> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name, labels: { 'app.kubernetes.io/part-of': 'tulle' } },
    data: { [keyField]: Buffer.from(newSessionKey(), 'latin1').toString('base64') },
  };
  try {
    return (await client.create(folder, secret)) as Secret;
  } catch (thrown) {
    // Another controller was faster: its key is everybody's.
    if (isApiStatus(thrown, 409)) return (await client.get(`${folder}/${name}`)) as Secret;
    throw thrown;
  }
}
