import type { Command } from 'commander';
import { fetchDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { addMeshOptions, controllerFor, type NamespacedOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { renderCertificates } from '../render/certificates.ts';

/** Adds `tulle certificates`. */
export function registerCertificates(program: Command, context: CliContext): void {
  const command = program
    .command('certificates')
    .alias('certs')
    .summary('the roots that workloads trust, and the certificates that each node holds')
    .description('Shows the roots that workloads trust, and the workload certificates that each node holds.')
    .option('-n, --namespace <namespace>', 'only identities of this namespace')
    .action(async (options: NamespacedOptions) => {
      const query = options.namespace === undefined ? '' : `?namespace=${encodeURIComponent(options.namespace)}`;
      const address = await controllerFor(context, options);
      const document = await fetchDocument(address, 'Certificates', `/v1/certificates${query}`);
      await printDocument(context, options.output, document, () => renderCertificates(document, context.colors));
    });
  addMeshOptions(command, ['tulle certificates', 'tulle certificates -n shop -o json']);
}
