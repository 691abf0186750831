import { Command, CommanderError } from 'commander';
import type { CliContext } from './cli-context.ts';
import { exitStatus, exitStatusOf, formatError } from './cli-error.ts';
import { cliVersion } from './cli-version.ts';
import { addExamples } from './command-support.ts';
import { registerAuthz } from './commands/authz.ts';
import { registerCa } from './commands/ca.ts';
import { registerCertificates } from './commands/certificates.ts';
import { registerCheck } from './commands/check.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDescribe } from './commands/describe.ts';
import { registerInstall } from './commands/install.ts';
import { registerStatus } from './commands/status.ts';
import { registerUninstall } from './commands/uninstall.ts';
import { registerVersion } from './commands/version.ts';

/** Commands that are registered from elsewhere. */
export type CommandRegistration = (program: Command) => void;

/** The `tulle` command with all of its subcommands; `more` are registered between the mesh's own and the rest. */
export function buildProgram(context: CliContext, more: readonly CommandRegistration[] = []): Command {
  const program = new Command('tulle')
    .description('Tulle: a service mesh without sidecars, driven by the Gateway API.')
    .version(cliVersion(), '-V, --version', 'print the version of this command')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError(false);
  registerStatus(program, context);
  registerDescribe(program, context);
  registerCertificates(program, context);
  registerCa(program, context);
  registerAuthz(program, context);
  registerInstall(program, context);
  registerCheck(program, context);
  registerUninstall(program, context);
  for (const register of more) register(program);
  registerVersion(program, context);
  registerCompletion(program, context);
  addExamples(program, ['tulle playground up examples/shop', 'tulle status', 'tulle describe service shop/cart']);
  forEachCommand(program, (command) => harden(command, context));
  return program;
}

/** Runs `tulle` with `args` (without the program's own name); gives the exit status, having said why on standard error. */
export async function runCli(program: Command, args: readonly string[], context: CliContext): Promise<number> {
  if (args.length === 0) {
    program.outputHelp();
    return exitStatus.ok;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitStatus.ok);
  } catch (error) {
    // Commander has written its own message, through `harden`.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
    context.printError(formatError(error));
    return exitStatusOf(error);
  }
}

/** Makes commander throw where it would exit, and write in the manner of {@link formatError}. */
function harden(command: Command, context: CliContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => context.print(text),
    writeErr: (text) => context.printError(text),
    outputError: (text, write) => {
      write(`tulle: ${text.replace(/^error: /, '').trimEnd()}\n  Try: ${fullName(command)} --help\n`);
    },
  });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
