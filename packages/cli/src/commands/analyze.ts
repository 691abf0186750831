import type { Command } from 'commander';
import { plural, type AnalysisView, type ProblemView } from '@tulle/admin-api';
import type { CliContext } from '../cli-context.ts';
import { exitStatus } from '../cli-error.ts';
import { addExamples } from '../command-support.ts';
import { objectName } from '../analyze/object-name.ts';
import { addOutputOption, printDocument, type OutputFormat } from '../output.ts';
import { printable } from '../table.ts';

interface AnalyzeOptions {
  readonly filename: readonly string[];
  readonly output: OutputFormat;
}

/** Adds `tulle analyze`. */
export function registerAnalyze(program: Command, context: CliContext): void {
  const command = program
    .command('analyze')
    .summary('what is wrong in manifests, before they are applied')
    .description(
      'Looks for mistakes in manifests: objects that are not valid, backends and ports that are not there, routes that\n' +
        'exclude each other, rules that nothing reaches, routes that act on nobody, network policies that keep the mesh\n' +
        'out. Needs no cluster. Ends with status 1 when there is an error; warnings alone do not count.',
    )
    .requiredOption('-f, --filename <path...>', 'files, or directories of them (*.yaml, *.yml, *.json)')
    .action((options: AnalyzeOptions) => run(context, options));
  addExamples(addOutputOption(command), [
    'tulle analyze -f shop/',
    'tulle analyze -f route.yaml -f services.yaml -o json',
  ]);
}

async function run(context: CliContext, { filename, output }: AnalyzeOptions): Promise<void> {
  // Decoding and translation take longer to load than most commands take to run.
  const { readManifestSet } = await import('../analyze/manifest-set.ts');
  const { analyze } = await import('../analyze/analyze.ts');
  const view = analyze(await readManifestSet(filename));
  await printDocument(context, output, view, () => render(view, context));
  if (view.problems.some(({ severity }) => severity === 'error')) process.exitCode = exitStatus.failed;
}

function render(view: AnalysisView, context: CliContext): string[] {
  const errors = view.problems.filter(({ severity }) => severity === 'error').length;
  const looked = `${plural(view.objects, 'object')} of ${plural(view.files, 'file')}`;
  const found =
    view.problems.length === 0
      ? 'no problems'
      : `${plural(errors, 'error')}, ${plural(view.problems.length - errors, 'warning')}`;
  return [...view.problems.flatMap((problem) => renderProblem(problem, context)), `${found} in ${looked}`];
}

function renderProblem({ severity, file, line, object, message, hint }: ProblemView, { colors }: CliContext): string[] {
  const place = file === undefined ? '' : `${file}:${line ?? 1}: `;
  const name = object === undefined ? '' : `${objectName(object)}: `;
  const word = severity === 'error' ? colors.red('error') : colors.yellow('warning');
  const text = printable(`${name}${message}`);
  return [`${printable(place)}${word}: ${text}`, ...(hint === undefined ? [] : [`  Try: ${printable(hint)}`])];
}
