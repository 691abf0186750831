import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import {
  isPlaygroundName,
  playgroundDown,
  playgroundExec,
  playgroundLogs,
  playgroundStatus,
  playgroundUp,
} from '@tulle/playground';
import type { CommandOutput, UpOptions } from '@tulle/playground';

const output: CommandOutput = {
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
};

interface NameOption {
  readonly name?: string;
}

interface UpFlags
  extends Pick<UpOptions, 'capture' | 'workers' | 'sameNode' | 'mtlsMode' | 'trustDomain' | 'issuerDir'>, NameOption {
  readonly certificateLifetime?: number;
  readonly controllerFlag: readonly string[];
  readonly mesh: boolean;
  readonly timeout: number;
}

/** Adds `tulle playground` and its subcommands. */
export function registerPlayground(program: Command): void {
  const playground = program
    .command('playground')
    .summary('a small cluster of network namespaces on this machine')
    .description(
      'Runs a small cluster without Kubernetes on this machine: nodes and pods are network namespaces, made from plain manifests.',
    )
    .addHelpText(
      'after',
      examples([
        'tulle playground up shop/',
        'tulle playground exec shop/web -- curl -s cart',
        'tulle playground down',
      ]),
    );
  registerUp(playground);
  registerExec(playground);
  registerStatus(playground);
  registerLogs(playground);
  named(playground.command('down'))
    .summary('end a playground, leaving nothing behind')
    .description('Ends a playground: its processes, network namespaces and files go, whatever state it is in.')
    .action(async (options: NameOption) => {
      process.exitCode = await playgroundDown(options, output);
    });
}

function registerUp(playground: Command): void {
  named(playground.command('up'))
    .summary('start a playground and leave it running')
    .description(
      'Starts a playground from a directory of manifests and comes back when everything is ready. Programs of the pods run\n' +
        'in that directory, so that manifests can name scripts beside them. Edits of the manifests take effect at once.',
    )
    .argument('[dir]', 'the directory of manifests (default: an example)')
    .option('--no-mesh', 'only pods and Services: no controller, no agents')
    .option('--timeout <seconds>', 'how long everything may take to become ready', positive, 60)
    .addOption(
      new Option('--capture <how>', "how the agents capture their pods' traffic").choices(['auto', 'iptables', 'ebpf']),
    )
    .option('--workers <number>', 'data-plane workers of each agent', positiveInteger)
    .addOption(
      new Option('--same-node <how>', 'how pods of one node are connected; direct is not encrypted').choices([
        'tunnel',
        'direct',
      ]),
    )
    .addOption(new Option('--mtls-mode <mode>', 'whether pods take plaintext').choices(['permissive', 'strict']))
    .option('--trust-domain <domain>', 'the trust domain of the identities')
    .option('--certificate-lifetime <seconds>', 'how long workload certificates live at most', positiveInteger)
    .addOption(
      new Option('--controller-flag <flag>', 'passed on to the controller as it is; may be repeated')
        .default([])
        .argParser((flag: string, before: readonly string[]) => [...before, flag]),
    )
    .option('--issuer-dir <dir>', 'sign with the issuer in this directory (tls.crt, tls.key, ca.crt), watched')
    .addHelpText('after', examples(['tulle playground up', 'tulle playground up shop/ --name test --timeout 20']))
    .action(async (directory: string | undefined, flags: UpFlags) => {
      const { timeout, certificateLifetime, controllerFlag, ...rest } = flags;
      const options: UpOptions = {
        ...rest,
        timeoutMs: timeout * 1000,
        controllerFlags: controllerFlag,
        ...(certificateLifetime === undefined ? {} : { certificateLifetimeSeconds: certificateLifetime }),
        ...(directory === undefined ? {} : { directory }),
      };
      process.exitCode = await playgroundUp(options, output);
    });
}

function registerExec(playground: Command): void {
  named(playground.command('exec'))
    .summary('run a program in a pod')
    .description(
      "Runs a program in a pod's namespaces, with its first container's environment, in the directory of manifests.",
    )
    .argument('<pod>', 'NS/NAME of a Pod or a Deployment')
    .argument('<command...>', 'the program and its arguments, after --')
    .addHelpText(
      'after',
      examples(['tulle playground exec shop/web -- curl -s cart', 'tulle playground exec shop/web -- sh']),
    )
    .action(async (pod: string, command: string[], options: NameOption) => {
      await playgroundExec({ ...options, pod, command });
    });
}

function registerStatus(playground: Command): void {
  named(playground.command('status'))
    .summary('show the nodes, pods and Services of a playground')
    .description('Shows the nodes, pods and Services of a playground, and what is wrong.')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
    .action(async (options: NameOption & { readonly output: 'table' | 'json' }) => {
      process.exitCode = await playgroundStatus(options, output);
    });
}

function registerLogs(playground: Command): void {
  named(playground.command('logs'))
    .summary("print a pod's or the mesh's own output")
    .description("Prints what a pod's program wrote, or the controller, an agent or the supervisor.")
    .argument('<what>', 'NS/NAME of a Pod or a Deployment, controller, agent/NODE or supervisor')
    .option('-f, --follow', 'go on printing what is added')
    .option('-c, --container <name>', 'of a pod with several')
    .option('--tail <lines>', 'only the last lines', lineCount)
    .addHelpText('after', examples(['tulle playground logs shop/web -f', 'tulle playground logs agent/n1 --tail 20']))
    .action(async (of: string, options: NameOption & { follow?: boolean; container?: string; tail?: number }) => {
      process.exitCode = await playgroundLogs({ ...options, of }, output);
    });
}

function named(command: Command): Command {
  return command.option(
    '--name <name>',
    'which playground, when there are several',
    playgroundName,
    process.env['TULLE_PLAYGROUND'] ?? 'default',
  );
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function playgroundName(text: string): string {
  if (isPlaygroundName(text)) return text;
  throw new InvalidArgumentError('It must be at most 40 lower case letters, digits and hyphens.');
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError('It must be a number above 0, at most 3600.');
  return value;
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 999.');
  return Number(text);
}

function lineCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
