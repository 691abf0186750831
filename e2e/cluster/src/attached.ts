import { spawn } from 'node:child_process';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { inClusterNetwork } from './kubectl.ts';
import { type ClusterPlan, repository } from './settings.ts';
import { runningCluster } from './state.ts';

/** Runs a command in the cluster's network with this terminal; gives its exit status. */
export async function runAttached(
  plan: ClusterPlan,
  command: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { control } = await runningCluster(plan);
  const { argv, environment } = inClusterNetwork(plan, control, command);
  // It ends with this process, even when that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: 'inherit',
    env: { ...process.env, ...environment, ...more },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return await new Promise((done, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => done(code ?? 1));
  });
}

/**
 * A shell in which `kubectl` and `tulle` are on the PATH and mean this cluster, whatever else runs on the machine. Gives
 * its exit status.
 */
export async function runShell(plan: ClusterPlan): Promise<number> {
  const { state } = await runningCluster(plan);
  const directory = join(plan.stateDirectory, 'bin');
  await mkdir(directory, { recursive: true });
  const commands = { kubectl: join(state.kubernetes, 'kubectl'), tulle: join(repository, 'tulle') };
  for (const [name, target] of Object.entries(commands)) {
    await rm(join(directory, name), { force: true });
    await symlink(target, join(directory, name));
  }
  return await runAttached(plan, [process.env['SHELL'] ?? '/bin/sh'], {
    PATH: `${directory}:${process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
    TULLE_KUBECONFIG: plan.kubeconfig,
  });
}
