import type { Command } from 'commander';
import type { CliContext } from '../cli-context.ts';
import { exitStatus } from '../cli-error.ts';
import { addExamples } from '../command-support.ts';
import { printable } from '../table.ts';

interface TranslateOptions {
  readonly filename: readonly string[];
}

/** Adds `tulle translate`. */
export function registerTranslate(program: Command, context: CliContext): void {
  const command = program
    .command('translate')
    .summary('what manifests come to: what agents would be told, and the statuses')
    .description(
      'Prints what the mesh makes of manifests: what agents would be told (its intermediate representation) and the\n' +
        'statuses of routes and policies, as YAML that is the same for the same manifests. Secrets in headers are left out.\n' +
        'Needs no cluster. Ends with status 1 when a manifest is not valid; what is wrong goes to standard error.',
    )
    .requiredOption('-f, --filename <path...>', 'files, or directories of them (*.yaml, *.yml, *.json)')
    .action((options: TranslateOptions) => run(context, options));
  addExamples(command, ['tulle translate -f shop/', 'tulle translate -f shop/ > before.yaml']);
}

async function run(context: CliContext, { filename }: TranslateOptions): Promise<void> {
  // Decoding and translation take longer to load than most commands take to run.
  const { readManifestSet } = await import('../analyze/manifest-set.ts');
  const { translationDocument } = await import('../analyze/translation-document.ts');
  const set = await readManifestSet(filename);
  for (const { severity, file, line, object, path, message } of set.problems) {
    const text = [object ?? '', path ?? '', message].filter((part) => part !== '').join(': ');
    context.printError(printable(`${file}:${line}: ${severity}: ${text}`) + '\n');
  }
  context.print(translationDocument([...set.objects.values()].map(({ object }) => object)));
  if (set.problems.some(({ severity }) => severity === 'error')) process.exitCode = exitStatus.failed;
}
