import { once } from 'node:events';
import { createServer } from 'node:net';
import { CodedError } from '@tulle/core';
import type { ClusterPlan } from './settings.ts';

/**
 * Takes the right to change a cluster. It is a socket in the kernel's abstract namespace: a killed process gives it up
 * like any other, so there is no lock that could be stale.
 *
 * @throws CodedError `cluster-busy` when another command is changing the same cluster
 */
export async function lockCluster(plan: ClusterPlan): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: `\0tulle-cluster-${plan.name}` });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new CodedError('cluster-busy', `another command is changing cluster ${plan.name} now`, {
      cause,
      hint: 'wait until it is done',
    });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
