import { readdir, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '@tulle/core';
import { isPlaygroundName, playgroundPaths, playgroundsRoot } from '@tulle/playground';
import type { ControllerAddress } from './controller-address.ts';

/** What the user said about which mesh is meant. */
export interface MeshChoice {
  readonly playground?: string;
  readonly controller?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/**
 * Finds the controller that is meant: the one named by `--controller` or TULLE_CONTROLLER, else the playground named by
 * `--playground` or TULLE_PLAYGROUND, else that of the cluster named by `--kubeconfig`, `--context` or TULLE_KUBECONFIG,
 * else the one playground that is running, else that of the cluster that KUBECONFIG names.
 *
 * Throws a {@link CodedError}: `NoMesh` when none is running, `SeveralMeshes` when several are, `UnknownPlayground`,
 * `InvalidControllerAddress`.
 */
export async function findController(
  choice: MeshChoice,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ControllerAddress> {
  const controller = choice.controller ?? (choice.playground === undefined ? env['TULLE_CONTROLLER'] : undefined);
  if (controller !== undefined) return namedController(controller);
  if (choice.kubeconfig !== undefined || choice.context !== undefined) return clusterAddress(choice);
  const root = playgroundsRoot(env);
  const name = choice.playground ?? env['TULLE_PLAYGROUND'];
  if (name !== undefined) return namedPlayground(root, name);
  const kubeconfig = env['TULLE_KUBECONFIG'] ?? '';
  if (kubeconfig !== '') return clusterAddress({ kubeconfig });
  const running = await runningPlaygrounds(root);
  const [only] = running;
  if (only === undefined && (env['KUBECONFIG'] ?? '') !== '') return clusterAddress(choice);
  if (only === undefined) {
    throw new CodedError('NoMesh', 'no playground is running, and no mesh was named', {
      hint: 'tulle playground up DIR   (a directory of Kubernetes manifests), or --kubeconfig FILE for a cluster',
    });
  }
  if (running.length > 1) {
    throw new CodedError('SeveralMeshes', `${running.length} playgrounds are running: ${running.join(', ')}`, {
      hint: `--playground ${only}`,
    });
  }
  return playgroundAddress(root, only);
}

/** The client of Kubernetes takes longer to load than all else: only now. */
async function clusterAddress({ kubeconfig, context }: MeshChoice): Promise<ControllerAddress> {
  const { clusterController } = await import('./kubernetes/cluster-controller.ts');
  return clusterController({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
}

function namedController(address: string): ControllerAddress {
  if (!address.startsWith('unix:') || address === 'unix:') {
    throw new CodedError('InvalidControllerAddress', `the controller's address is unix:PATH, not "${address}"`);
  }
  const socketPath = address.slice('unix:'.length);
  return { socketPath, mesh: `the controller at ${socketPath}`, hint: 'is the mesh controller running?' };
}

async function namedPlayground(root: string, name: string): Promise<ControllerAddress> {
  const known = await playgroundNames(root);
  if (known.includes(name)) return playgroundAddress(root, name);
  throw new CodedError('UnknownPlayground', `there is no playground "${name}"`, {
    hint: known.length === 0 ? `tulle playground up DIR --name ${name}` : `one of these: ${known.join(', ')}`,
  });
}

function playgroundAddress(root: string, name: string): ControllerAddress {
  return {
    socketPath: playgroundPaths(name, root).controllerSocket,
    mesh: `the playground "${name}"`,
    hint: `tulle playground status --name ${name}`,
  };
}

/** The playgrounds whose controller accepts connections, by name. */
async function runningPlaygrounds(root: string): Promise<string[]> {
  const names = await playgroundNames(root);
  const answers = await Promise.all(names.map((name) => accepts(playgroundPaths(name, root).controllerSocket)));
  return names.filter((_, index) => answers[index] === true);
}

/** The playgrounds with a directory, running or not, by name. */
async function playgroundNames(root: string): Promise<string[]> {
  const entries = await readdir(root).catch(() => []);
  const isDirectory = await Promise.all(
    entries.map((entry) =>
      stat(join(root, entry)).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    ),
  );
  return entries.filter((entry, index) => isDirectory[index] === true && isPlaygroundName(entry)).sort();
}

function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath, timeout: 1000 });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES') return answer(false);
      reject(new CodedError('NotRoot', 'only root may ask about a playground', { hint: 'sudo, or a root shell' }));
    });
    socket.once('timeout', () => answer(false));
  });
}
