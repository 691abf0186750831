import { benchCases } from '../cases.ts';
import type { PeerName, Row } from '../model.ts';
import { summarize } from './summary.ts';

const begin = '<!-- benchmark -->';
const end = '<!-- /benchmark -->';

const columns: readonly PeerName[] = ['tulle', 'envoy', 'envoy-tcp', 'haproxy'];

/** The CPU time of both hops in each case, as a table of Markdown for the README. */
export function shortTable(rows: readonly Row[]): string {
  const summaries = summarize(rows);
  const lines = benchCases.flatMap((bench) => {
    const cells = columns.map((peer) => {
      const both = summaries.find((each) => each.case === bench.id && each.peer === peer)?.both;
      return both === undefined ? '–' : `${both.median.toFixed(0)} µs`;
    });
    return cells.every((cell) => cell === '–') ? [] : [`| ${bench.title} | ${cells.join(' | ')} |`];
  });
  return [
    `| CPU time of a request, both proxies | ${columns.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    ...lines,
  ].join('\n');
}

/** The README with `table` between its marks; as it was where it has none. */
export function withTable(readme: string, table: string): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) return readme;
  return `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${readme.slice(to)}`;
}
