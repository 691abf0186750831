import { Command, InvalidArgumentError } from 'commander';
import { benchCases } from './cases.ts';
import type { BenchCase } from './cases.ts';
import { features } from './features/catalogue.ts';
import { peerNames } from './model.ts';
import type { PeerName } from './model.ts';

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json?: string;
  readonly docs?: boolean;
  /** Reports of runs of other cases, to be shown as one. */
  readonly from?: readonly string[];
  readonly profile?: string;
  /** Instead of the cases: these rows of the table of features, or all. */
  readonly features?: readonly string[] | true;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    return value;
  };
}

/** Names joined by commas, each found among `known`; they keep the order of `known`. */
function listOf<T>(known: readonly T[], nameOf: (item: T) => string): (text: string) => readonly T[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !known.some((item) => nameOf(item) === name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`"${unknown}" is not one of ${known.map(nameOf).join(', ')}`);
    return known.filter((item) => names.includes(nameOf(item)));
  };
}

/** Reads the command line; ends the process with status 2 and a message where it is wrong. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Measures Tulle and its peers at the same work, in network namespaces of this machine.')
    .option(
      '--cases <list>',
      'only these cases, joined by commas',
      listOf(benchCases, (each) => each.id),
      benchCases,
    )
    .option('--peers <list>', 'only these peers, joined by commas', listOf(peerNames, String), peerNames)
    .option('--rounds <n>', 'how often each case is measured with each peer', wholeNumber(1, 50), 5)
    .option('--seconds <s>', 'how long each measurement takes', wholeNumber(1, 120), 5)
    .option('--json <file>', 'write all figures to this file')
    .option('--docs', 'write docs/benchmark.md, docs/benchmark.svg and the table of the README')
    .option('--from <files>', 'instead of measuring, join the --json files of runs of different cases', (text) =>
      text.split(','),
    )
    .option('--profile <dir>', 'instead of measuring, say where the CPU time goes; files go to this directory')
    .option(
      '--features [list]',
      'instead of the cases, what each feature of Tulle costs: all rows, or these, joined by commas',
      listOf(
        features.map((each) => each.id),
        String,
      ),
    )
    .addHelpText(
      'after',
      `
Cases:
${benchCases.map((each) => `  ${each.id.padEnd(22)}${each.title}`).join('\n')}

Rows of --features:
${features.map((each) => `  ${each.id.padEnd(22)}${each.title}`).join('\n')}

Exit status: 0 when every bound that was measured holds, 1 when one does not or the run cannot tell, 2 for a mistake on
the command line.

Example:
  npm run bench -- --cases http1-c32 --peers tulle,envoy,haproxy,direct --json bench.json`,
    )
    .configureHelp({ helpWidth: 120 })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  // The defaults are objects: how they would be printed helps nobody.
  for (const option of command.options)
    if (typeof option.defaultValue === 'object') option.defaultValueDescription = 'all';
  command.parse(argv);
  return command.opts<BenchOptions>();
}
