import type { Command } from 'commander';
import { fetchDocument } from '../admin-client.ts';
import type { CliContext } from '../cli-context.ts';
import { exitStatus, UsageError } from '../cli-error.ts';
import { addExamples, addMeshOptions, controllerFor, namedObject, type NamespacedOptions } from '../command-support.ts';
import { printDocument } from '../output.ts';
import { renderAuthorizationCheck } from '../render/authorization.ts';

interface CheckOptions extends NamespacedOptions {
  readonly from: string;
  readonly to: string;
}

/** Adds `tulle authz check`. */
export function registerAuthz(program: Command, context: CliContext): void {
  const authz = program
    .command('authz')
    .summary('who may connect to whom')
    .description('Says who may connect to whom, and which rule decides.');
  addExamples(authz, ['tulle authz check --from shop/web-1 --to shop/cart-1:8080']);
  const command = authz
    .command('check')
    .summary('whether one pod may connect to another, and which rule decides')
    .description(
      'Says whether one pod may connect to another, by the identity that it proves and the port of the pod. Exit ' +
        'status 1: it may not (without a port: not to every one).',
    )
    .requiredOption('--from <pod>', 'the client, NS/POD, or POD with -n')
    .requiredOption('--to <pod>', 'the server, NS/POD or NS/POD:PORT')
    .option('-n, --namespace <namespace>', 'the namespace of pods that name none (default: "default")')
    .action(async (options: CheckOptions) => {
      const { pod, port } = splitPort(options.to);
      const from = namedPod(options.from, options);
      const to = namedPod(pod, options);
      const address = await controllerFor(context, options);
      const path = `/v1/authorization/${from.namespace}/${from.name}/${to.namespace}/${to.name}`;
      const query = port === undefined ? '' : `?port=${port}`;
      const view = await fetchDocument(address, 'AuthorizationCheck', `${path}${query}`);
      await printDocument(context, options.output, view, () => renderAuthorizationCheck(view, context.colors));
      if (!view.allowed) process.exitCode = exitStatus.failed;
    });
  addMeshOptions(command, [
    'tulle authz check --from shop/web-1 --to shop/cart-1:8080',
    'tulle authz check --from web-1 --to cart-1 -n shop -o json',
  ]);
}

/** `-n` is where names without a namespace are looked for; another namespace may be named beside it. */
function namedPod(text: string, options: NamespacedOptions) {
  const { namespace, ...others } = options;
  return namedObject(text, text.includes('/') || namespace === undefined ? others : options);
}

function splitPort(text: string): { readonly pod: string; readonly port: number | undefined } {
  const colon = text.indexOf(':');
  if (colon < 0) return { pod: text, port: undefined };
  const port = Number(text.slice(colon + 1));
  if (!/^\d{1,5}$/.test(text.slice(colon + 1)) || port < 1 || port > 65_535) {
    throw new UsageError(`"${text}": a port from 1 to 65535 is expected after the colon`);
  }
  return { pod: text.slice(0, colon), port };
}
