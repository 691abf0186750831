import { Option, type Command } from 'commander';
import { plural, type AnalysisView, type ProblemView } from '@tulle/admin-api';
import type { CliContext } from '../cli-context.ts';
import { exitStatus, UsageError } from '../cli-error.ts';
import { addExamples } from '../command-support.ts';
import type { Channel, ManifestSet } from '../analyze/manifest-set.ts';
import { objectName } from '../analyze/object-name.ts';
import { addOutputOption, printDocument, type OutputFormat } from '../output.ts';
import { printable } from '../table.ts';

interface AnalyzeOptions {
  readonly filename?: readonly string[];
  readonly channel: Channel;
  readonly playground?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: OutputFormat;
}

/** Adds `tulle analyze`. */
export function registerAnalyze(program: Command, context: CliContext): void {
  const command = program
    .command('analyze')
    .summary('what is wrong in manifests, before they are applied, or in a cluster')
    .description(
      'Looks for mistakes in manifests: objects that are not valid, backends and ports that are not there, routes that\n' +
        'exclude each other, rules that nothing reaches, routes that act on nobody, network policies that keep the mesh\n' +
        'out. Files alone need no cluster. With a cluster or playground named beside them, they are looked at as if they\n' +
        'were applied there; without files, what is there is looked at. Ends with status 1 when there is an error;\n' +
        'warnings alone do not count.',
    )
    .option('-f, --filename <path...>', 'files, or directories of them (*.yaml, *.yml, *.json)')
    .addOption(
      new Option('--channel <channel>', 'the channel of the Gateway API that files are for')
        .choices(['standard', 'experimental'])
        .default('experimental'),
    )
    .option('--playground <name>', 'the playground to look at')
    .option('--kubeconfig <file>', 'the cluster to look at')
    .option('--context <name>', 'the context of the kubeconfig')
    .action((options: AnalyzeOptions) => run(context, options));
  addExamples(addOutputOption(command), [
    'tulle analyze -f shop/',
    'tulle analyze -f route.yaml -f services.yaml -o json',
    'tulle analyze -f route.yaml --context prod',
    'tulle analyze --playground demo',
  ]);
}

async function run(context: CliContext, options: AnalyzeOptions): Promise<void> {
  const view = await look(withEnvironment(options, context.env));
  await printDocument(context, options.output, view, () => render(view, context));
  if (view.problems.some(({ severity }) => severity === 'error')) process.exitCode = exitStatus.failed;
}

/** What is meant where nothing is named: the mesh of the environment, as for every other command. */
function withEnvironment(options: AnalyzeOptions, env: CliContext['env']): AnalyzeOptions {
  const { filename, playground, kubeconfig, context } = options;
  if ([filename, playground, kubeconfig, context].some((named) => named !== undefined)) return options;
  const named = (variable: string) => (env[variable] === '' ? undefined : env[variable]);
  const [ofPlayground, ofCluster] = [named('TULLE_PLAYGROUND'), named('TULLE_KUBECONFIG') ?? named('KUBECONFIG')];
  if (ofPlayground !== undefined) return { ...options, playground: ofPlayground };
  if (ofCluster !== undefined) return { ...options, kubeconfig: ofCluster };
  throw new UsageError(
    'nothing to look at was named',
    '-f FILE, --playground NAME, or --kubeconfig FILE for a cluster',
  );
}

async function look({ filename, channel, playground, kubeconfig, context }: AnalyzeOptions): Promise<AnalysisView> {
  // Decoding and translation take longer to load than most commands take to run.
  const { readManifestSet } = await import('../analyze/manifest-set.ts');
  const { analyze } = await import('../analyze/analyze.ts');
  const files = filename === undefined ? undefined : await readManifestSet(filename, channel);
  if (kubeconfig !== undefined || context !== undefined) {
    if (playground !== undefined) throw new UsageError('a playground and a cluster are named', 'name one of them');
    const present = await clusterObjects({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    });
    return analyze(files ?? noFiles, present);
  }
  if (playground === undefined) return analyze(files ?? noFiles);
  const manifests = await readManifestSet([await manifestsOf(playground)]);
  if (files === undefined) return analyze(manifests);
  return analyze(files, new Map([...manifests.objects].map(([name, { object }]) => [name, object])));
}

const noFiles: ManifestSet = { files: 0, objects: new Map(), problems: [], texts: new Map() };

/** The client of Kubernetes takes longer to load than all else: only now. */
async function clusterObjects(choice: { readonly kubeconfig?: string; readonly context?: string }) {
  const { withCluster } = await import('../kubernetes/cluster-options.ts');
  const { readClusterObjects } = await import('../analyze/cluster-objects.ts');
  return withCluster(choice, readClusterObjects);
}

/** The directory that a playground was made from. */
async function manifestsOf(name: string): Promise<string> {
  const { readPlaygroundStatus } = await import('@tulle/playground');
  return (await readPlaygroundStatus(name)).manifests;
}

function render(view: AnalysisView, context: CliContext): string[] {
  const errors = view.problems.filter(({ severity }) => severity === 'error').length;
  const objects = plural(view.objects, 'object');
  const looked = view.files === 0 ? `${objects} of the cluster` : `${objects} of ${plural(view.files, 'file')}`;
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
