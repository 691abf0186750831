import type { Command } from 'commander';
import { fetchDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { addMeshOptions, controllerFor, type MeshOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { renderStatus } from '../render/status.ts';

/** Adds `tulle status`. */
export function registerStatus(program: Command, context: CliContext): void {
  const command = program
    .command('status')
    .summary('the mesh at one look: controller, certificate authority, nodes, problems')
    .description('Shows whether the mesh works: its controller, certificate authority and nodes, and what is wrong.')
    .action(async (options: MeshOptions) => {
      const status = await fetchDocument(await controllerFor(context, options), 'Status', '/v1/status');
      await printDocument(context, options.output, status, () => renderStatus(status, context.colors));
    });
  addMeshOptions(command, ['tulle status', 'tulle status -o json', 'tulle status --playground demo']);
}
