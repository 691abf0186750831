import { benchCases } from '../cases.ts';
import type { PeerName, Row } from '../model.ts';
import { summarize } from './summary.ts';
import type { Summary } from './summary.ts';

const width = 860;
const labelWidth = 90;
const barHeight = 16;
const barGap = 5;
const groupGap = 34;
const plotWidth = width - labelWidth - 150;

const colours: { readonly [peer in PeerName]: readonly [string, string] } = {
  tulle: ['#1f7a5c', '#57b894'],
  envoy: ['#8a4fbf', '#b995d8'],
  'envoy-tcp': ['#6f6fc4', '#aaaae0'],
  haproxy: ['#3572b0', '#8ab4dc'],
  direct: ['#888888', '#bbbbbb'],
};

/** The summaries that have CPU a request to show. */
function charted(rows: readonly Row[]): Summary[] {
  return summarize(rows).filter((each) => each.both !== undefined);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A chart of CPU time a request: a bar for each peer in each case, the first hop dark and the second light. */
export function svgChart(rows: readonly Row[]): string {
  const summaries = charted(rows);
  const parts: string[] = [];
  let y = 44;
  for (const bench of benchCases) {
    const mine = summaries.filter((each) => each.case === bench.id);
    if (mine.length === 0) continue;
    const most = Math.max(...mine.map((each) => each.both?.high ?? 0));
    parts.push(`<text x="8" y="${y}" class="case">${escape(bench.title)}</text>`);
    y += 10;
    for (const each of mine) {
      parts.push(bar(each, y, plotWidth / most));
      y += barHeight + barGap;
    }
    y += groupGap - barGap;
  }
  const height = Math.max(80, y - groupGap + 20);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="CPU time of a request, by case and proxy">
<style>text{font:12px system-ui,sans-serif;fill:#222}.case{font-weight:600}.title{font-size:14px;font-weight:600}.small{fill:#555}</style>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="8" y="20" class="title">CPU microseconds a request, both hops (first dark, second light); line: where the median lies</text>
${parts.join('\n')}
</svg>
`;
}

function bar(each: Summary, y: number, scale: number): string {
  const [dark, light] = colours[each.peer];
  const first = (each.first?.median ?? 0) * scale;
  const both = (each.both?.median ?? 0) * scale;
  const [low, high] = [(each.both?.low ?? 0) * scale, (each.both?.high ?? 0) * scale];
  const middle = y + barHeight / 2;
  const at = (value: number) => (labelWidth + value).toFixed(1);
  return [
    `<text x="${labelWidth - 8}" y="${y + 12}" text-anchor="end">${each.peer}</text>`,
    `<rect x="${labelWidth}" y="${y}" width="${first.toFixed(1)}" height="${barHeight}" fill="${dark}"/>`,
    `<rect x="${at(first)}" y="${y}" width="${Math.max(0, both - first).toFixed(1)}" height="${barHeight}" fill="${light}"/>`,
    `<line x1="${at(low)}" y1="${middle}" x2="${at(high)}" y2="${middle}" stroke="#222"/>`,
    `<text x="${at(Math.max(both, high) + 6)}" y="${y + 12}" class="small">${(each.both?.median ?? 0).toFixed(0)} µs</text>`,
  ].join('');
}

/** The same for a terminal, which shows it under the tables. */
export function textChart(rows: readonly Row[]): string {
  const columns = 50;
  const lines: string[] = [];
  const summaries = charted(rows);
  for (const bench of benchCases) {
    const mine = summaries.filter((each) => each.case === bench.id);
    if (mine.length === 0) continue;
    const most = Math.max(...mine.map((each) => each.both?.median ?? 0));
    lines.push(`${bench.title}: CPU of both hops`);
    for (const each of mine) {
      const micros = each.both?.median ?? 0;
      const length = Math.max(1, Math.round((micros / most) * columns));
      const firstLength = Math.round(((each.first?.median ?? 0) / most) * columns);
      const drawn = '█'.repeat(firstLength) + '▒'.repeat(Math.max(0, length - firstLength));
      lines.push(`  ${each.peer.padEnd(10)}${drawn} ${micros.toFixed(0)} µs`);
    }
  }
  return lines.join('\n');
}
