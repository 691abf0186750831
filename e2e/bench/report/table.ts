import type { JudgedBound } from '../bounds.ts';
import { benchCases } from '../cases.ts';
import type { Machine, Row } from '../model.ts';
import type { Estimate } from '../statistics.ts';
import { summarize } from './summary.ts';
import type { Summary } from './summary.ts';

const none = '–';

function plain(of: Estimate | undefined, decimals: number): string {
  return of === undefined ? none : of.median.toFixed(decimals);
}

/** A median, with its range where there is more than one value. */
export function spread(of: Estimate | undefined, decimals: number): string {
  if (of === undefined) return none;
  const range = of.count === 1 ? '' : ` (${of.low.toFixed(decimals)}–${of.high.toFixed(decimals)})`;
  return `${of.median.toFixed(decimals)}${range}`;
}

const header = [
  'peer',
  'first µs',
  'second µs',
  'both µs',
  'machine µs',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'RSS MiB',
  'Gbit/s',
  'errors',
];

function cells(of: Summary): string[] {
  return [
    of.peer,
    plain(of.first, 1),
    plain(of.second, 1),
    spread(of.both, 1),
    of.peer === 'direct' && of.machine !== undefined ? `[${of.machine.median.toFixed(1)}]` : spread(of.machine, 1),
    plain(of.requestsPerSecond, 0),
    plain(of.p50Ms, 2),
    plain(of.p99Ms, 2),
    plain(of.p999Ms, 2),
    plain(of.rssMiB, 0),
    of.gigabits === undefined ? none : of.gigabits.median.toFixed(2),
    `${of.errors}`,
  ];
}

/** The verdict's word for people. */
export function verdict(bound: JudgedBound): string {
  if (bound.holds === null) return bound.estimate.certain ? 'inconclusive' : 'inconclusive (too few rounds)';
  return bound.holds ? 'holds' : 'does not hold';
}

function boundCells(bound: JudgedBound): string[] {
  const { low, high, count } = bound.estimate;
  return [
    bound.case,
    bound.bound,
    bound.value.toFixed(2),
    `${low.toFixed(2)}–${high.toFixed(2)}`,
    `${count}`,
    verdict(bound),
  ];
}

const boundHeader = ['case', 'bound', 'median', 'spread', 'rounds', 'verdict'];

/** A table of Markdown, the first column to the left. */
export function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...body.map((line) => line[column]?.length ?? 0)));
  const line = (line: readonly string[]) =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** The tables of a run as Markdown, which is also what is printed. */
export function tables(rows: readonly Row[], bounds: readonly JudgedBound[]): string {
  const summaries = summarize(rows);
  const parts: string[] = [];
  for (const bench of benchCases) {
    const mine = summaries.filter((each) => each.case === bench.id);
    if (mine.length > 0) parts.push(`### \`${bench.id}\`: ${bench.title}\n\n${markdown(header, mine.map(cells))}`);
  }
  if (bounds.length > 0) parts.push(`### Bounds\n\n${markdown(boundHeader, bounds.map(boundCells))}`);
  return parts.join('\n\n');
}

/** One line about the machine. */
export function machineLine(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryMiB / 1024)} GiB, Linux ${machine.kernel}`,
    versions.join(', '),
    `${machine.rounds} rounds of ${machine.seconds} s, ${machine.startedAt}`,
  ].join('; ');
}

/** The page `docs/benchmark.md`. */
export function page(
  machine: Machine,
  rows: readonly Row[],
  bounds: readonly JudgedBound[],
  notes: readonly string[],
): string {
  return `# Benchmark

Written by \`npm run bench -- --docs\`; do not edit. ${machineLine(machine)}.

![CPU time of a request](benchmark.svg)

Every peer does the same work in network namespaces of one machine: the first proxy routes (a header match, weights of
90 and 10, a request header set) and opens mutual TLS 1.3 (AES-128-GCM, P-256) to the second, which checks the SPIFFE
name of the first and hands to nginx. Each proxy has one worker (\`--workers 1\`, \`--concurrency 1\`, \`nbthread 1\`), metrics
on and no access log. \`envoy\` speaks HTTP/2 between its proxies, both at the level of requests; \`envoy-tcp\` ends only
the tunnel at the second, as Tulle does; \`haproxy\` speaks HTTP/1.1 between its own. The proxies of the others run
beside the applications as sidecars and are handed their connections; Tulle takes its own by redirect. \`direct\` has no
proxy.

The rounds are interleaved (each case with each peer, then again). Figures are medians; the range behind one is where
the true median lies with 90 % certainty, or all that was seen where there are fewer than five rounds. CPU is user and
system time of the proxies' processes, for Tulle the agent's main process and its worker; _machine_ is all that the
machine was busy with but for processes that are not the benchmark's, less the same for \`direct\` in the same round
(\`direct\`'s own is the whole, in brackets). A bound whose range has the limit inside is inconclusive, which is no pass.
At most ${(machine.foreignCpuShare * 100).toFixed(0)} % of the CPU time of a measurement went to processes that were not the benchmark's.

${tables(rows, bounds)}
${notes.length === 0 ? '' : `\n${notes.join('\n')}\n`}`;
}
