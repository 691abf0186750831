// The real cluster: `node e2e/cluster/src/main.ts up|down|status|kubectl|shell|run|images|load|build|selfcheck`.
import { join, resolve } from 'node:path';
import { CodedError, errorMessage } from '@tulle/core';
import { imageNames } from '@tulle/images';
import { Command, InvalidArgumentError } from 'commander';
import { runAttached, runShell } from './attached.ts';
import { allParts, ensureBinaries } from './binaries.ts';
import { tearDown } from './down.ts';
import { buildAndLoad, layGround, loadArchives } from './ground.ts';
import { lockCluster } from './lock.ts';
import { consoleProgress } from './progress.ts';
import { selfCheck } from './selfcheck.ts';
import { type ClusterPlan, defaultClusterName, planCluster } from './settings.ts';
import { clusterStatus, renderStatus } from './status.ts';
import { readState, runningCluster } from './state.ts';
import { up } from './up.ts';

const defaultNodes = 2;

const program = new Command('cluster')
  .description('A real Kubernetes on this machine, of network and mount namespaces')
  .enablePositionalOptions();

const named = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option('--name <name>', 'the name of the cluster', defaultClusterName());

named('up', 'bring the cluster up and wait until it is ready; says so when it is up already')
  .option('--nodes <count>', 'how many nodes', countOf, defaultNodes)
  .option('--bare', 'without the CRDs of the Gateway API and the images of this checkout')
  .action(async ({ bare, name, nodes }: { bare?: boolean; name: string; nodes: number }) => {
    requireRoot();
    const plan = planCluster(name, nodes);
    await using _lock = await lockCluster(plan);
    takeDownOnSignal(plan);
    const progress = consoleProgress();
    await up(plan, progress);
    if (bare !== true) await layGround(plan, progress);
    console.log(renderStatus(await clusterStatus(plan)));
  });

named('down', 'take the cluster down and remove all that is left of it').action(async ({ name }: { name: string }) => {
  requireRoot();
  const plan = planCluster(name, defaultNodes);
  await using _lock = await lockCluster(plan);
  const progress = consoleProgress();
  const { machines } = await tearDown(plan, { keepLogs: false });
  progress.line(machines === 0 ? `cluster ${name} was not up` : `cluster ${name} is down`);
});

named('status', 'say whether the cluster is up, and where its files are')
  .option('-o, --output <format>', 'table or json', 'table')
  .action(async ({ name, output }: { name: string; output: string }) => {
    const status = await clusterStatus(planCluster(name, defaultNodes));
    console.log(output === 'json' ? JSON.stringify(status, null, 2) : renderStatus(status));
    process.exitCode = status.up ? 0 : 1;
  });

named('kubectl', 'run kubectl against the cluster')
  .passThroughOptions()
  .argument('[args...]')
  .allowUnknownOption()
  .action(async (args: string[], { name }: { name: string }) => {
    const plan = planCluster(name, defaultNodes);
    const { state } = await runningCluster(plan);
    process.exitCode = await runAttached(plan, [join(state.kubernetes, 'kubectl'), ...args]);
  });

named('shell', 'a shell in which kubectl and tulle mean this cluster').action(async ({ name }: { name: string }) => {
  process.exitCode = await runShell(planCluster(name, defaultNodes));
});

named('run', 'run a command in the network that the API server is in, with KUBECONFIG set')
  .passThroughOptions()
  .argument('<command...>')
  .action(async (command: string[], { name }: { name: string }) => {
    process.exitCode = await runAttached(planCluster(name, defaultNodes), command);
  });

named('load', 'give every node images from archives (OCI or docker), as if it had pulled them')
  .argument('<archives...>')
  .action(async (archives: string[], { name }: { name: string }) => {
    const plan = planCluster(name, defaultNodes);
    await loadArchives(
      plan,
      archives.map((archive) => resolve(archive)),
      consoleProgress(),
    );
  });

named('images', 'build our images from this checkout and load them on every node of the running cluster')
  .argument('[names...]', `of ${imageNames.join(', ')}; all by default`)
  .action(async (names: string[], { name }: { name: string }) => {
    await buildAndLoad(planCluster(name, defaultNodes), names, consoleProgress());
  });

program
  .command('build')
  .description('build all binaries, those of the conformance suite too, and say where they are')
  .action(async () => {
    console.log(JSON.stringify(await ensureBinaries(allParts, consoleProgress()), null, 2));
  });

named('selfcheck', 'prove on the running cluster that pods, Services, names and exec work across the nodes').action(
  async ({ name }: { name: string }) => {
    const state = await readState(planCluster(name, defaultNodes));
    const plan = planCluster(name, state?.nodes.length ?? defaultNodes);
    await selfCheck(plan, await runningCluster(plan), consoleProgress());
  },
);

/** An interrupted start is taken down again; a second signal ends this process as it is. */
function takeDownOnSignal(plan: ClusterPlan): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void tearDown(plan, { keepLogs: true }).finally(() => process.exit(130));
    });
  }
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new CodedError('not-root', 'a cluster of namespaces is made by root only', { hint: 'run it with sudo' });
}

function countOf(value: string): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('a number of nodes, 1 or more');
  return count;
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`cluster: ${errorMessage(error)}`);
  if (error instanceof CodedError && error.hint !== undefined) console.error(`  Try: ${error.hint}`);
  process.exitCode = 1;
}
