import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeCgroups, restoreHost } from './host.ts';
import { endMachines, findAllMachines } from './machine.ts';
import { type ClusterPlan, clustersDirectory } from './settings.ts';

/**
 * Ends the cluster's machines and removes everything of it from the host. It needs no note of what was started, so it
 * works after a run that was killed anywhere, and when there is nothing to do.
 */
export async function tearDown(plan: ClusterPlan, options: { keepLogs: boolean }): Promise<{ machines: number }> {
  const machines = await endMachines(plan);
  await removeCgroups(plan);
  if (findAllMachines().length === 0) await restoreHost();
  if (!options.keepLogs) {
    await rm(plan.stateDirectory, { recursive: true, force: true });
    // The folder of all clusters goes with the last of them.
    await rmdir(clustersDirectory).catch(() => undefined);
  } else if (existsSync(plan.stateDirectory)) {
    for (const entry of await readdir(plan.stateDirectory)) {
      const path = join(plan.stateDirectory, entry);
      if (path !== plan.logDirectory) await rm(path, { recursive: true, force: true });
    }
  }
  return { machines };
}
