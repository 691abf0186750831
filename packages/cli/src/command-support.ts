import type { Command } from 'commander';
import { parseNamespacedName, type NamespacedName } from '@tulle/core';
import { UsageError } from './cli-error.ts';
import type { CliContext } from './cli-context.ts';
import type { ControllerAddress } from './controller-address.ts';
import { findController, type MeshChoice } from './discovery.ts';
import { addOutputOption, type OutputFormat } from './output.ts';

/** The options of every command that asks a controller. */
export interface MeshOptions extends MeshChoice {
  readonly output: OutputFormat;
}

/** The options of a command about something in a namespace. */
export interface NamespacedOptions extends MeshOptions {
  readonly namespace?: string;
}

/** Adds `-o`, `--playground` and `--controller` to a command, and its examples to its help. */
export function addMeshOptions(command: Command, examples: readonly string[]): Command {
  return addExamples(
    addOutputOption(command)
      .option('--playground <name>', 'the playground to ask (TULLE_PLAYGROUND); needed when several are running')
      .option('--controller <address>', 'the controller to ask, unix:PATH (TULLE_CONTROLLER)')
      .option('--kubeconfig <file>', 'the cluster to ask (KUBECONFIG, when no playground is running)')
      .option('--context <name>', 'the context of the kubeconfig'),
    examples,
  );
}

/** Adds examples to the end of a command's help. */
export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
}

/** The controller that a command's options mean. */
export function controllerFor(context: CliContext, options: MeshOptions): Promise<ControllerAddress> {
  return findController(options, context.env);
}

/** Reads `NS/NAME`, or `NAME` with `-n`; throws a {@link UsageError} for what cannot be a name. */
export function namedObject(text: string, options: NamespacedOptions): NamespacedName {
  const named = parseNamespacedName(text, options.namespace ?? 'default');
  const valid = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
  if (!valid.test(named.namespace) || !valid.test(named.name)) {
    throw new UsageError(`"${text}" names no object: NS/NAME is expected, or NAME with -n NAMESPACE`);
  }
  if (options.namespace !== undefined && options.namespace !== named.namespace) {
    throw new UsageError(`"${text}" is in namespace "${named.namespace}", but -n says "${options.namespace}"`);
  }
  return named;
}
