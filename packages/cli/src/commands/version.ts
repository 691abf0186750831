import type { Command } from 'commander';
import { cliApiVersion, type VersionView } from '@tulle/admin-api';
import { fetchDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { addMeshOptions, controllerFor, type MeshOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { cliVersion } from '../cli-version.ts';

/** Adds `tulle version`. */
export function registerVersion(program: Command, context: CliContext): void {
  const command = program
    .command('version')
    .summary('the versions of this command and of the controller')
    .description('Shows the version of this command, and that of the controller when one is found.')
    .action(async (options: MeshOptions) => {
      const version = await controllerVersion(context, options);
      const view: VersionView = {
        apiVersion: cliApiVersion,
        kind: 'Version',
        client: { version: cliVersion(), node: process.version },
        ...(version === undefined ? {} : { controller: { version } }),
      };
      await printDocument(context, options.output, view, () => [
        `client       ${view.client.version}   Node ${view.client.node}`,
        `controller   ${version ?? 'none found'}`,
      ]);
    });
  addMeshOptions(command, ['tulle version', 'tulle version -o json']);
}

/** The controller's version; undefined when none runs. A mesh that was named must answer. */
async function controllerVersion(context: CliContext, options: MeshOptions): Promise<string | undefined> {
  const wasNamed = options.playground !== undefined || options.controller !== undefined;
  try {
    const status = await fetchDocument(await controllerFor(context, options), 'Status', '/v1/status');
    return status.controller.version;
  } catch (error) {
    if (wasNamed) throw error;
    return undefined;
  }
}
