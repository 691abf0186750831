import { machineLine, markdown, spread } from '../report/table.ts';
import type { FeatureCost, FeatureReport, FeatureSample } from '../model.ts';
import { costsOf, resolution } from './costs.ts';
import type { Feature } from './model.ts';

const begin = '<!-- features -->';
const end = '<!-- /features -->';
const none = '–';
const header = ['row', 'µs', 'compared with', 'added µs', 'ratio', 'requests/s', 'errors', 'verdict'];

type Titled = Pick<Feature, 'id' | 'group' | 'title' | 'against' | 'atMost'>;

/** The tables of all groups as Markdown, which is also what is printed. */
export function featureTables(features: readonly Titled[], samples: readonly FeatureSample[]): string {
  const costs = costsOf(features, samples);
  const groups = [...new Set(features.map((feature) => feature.group))];
  return groups
    .flatMap((group) => {
      const rows = features.filter((feature) => feature.group === group);
      const lines = rows.flatMap((feature) => {
        const cost = costs.find((each) => each.feature === feature.id);
        return cost === undefined ? [] : [cells(feature, cost)];
      });
      return lines.length === 0 ? [] : [`### ${group}\n\n${markdown(header, lines)}`];
    })
    .join('\n\n');
}

function cells(feature: Titled, cost: FeatureCost): string[] {
  return [
    `\`${feature.id}\`: ${feature.title}`,
    cost.micros.median.toFixed(1),
    cost.added === undefined ? none : `\`${cost.against}\``,
    spread(cost.added, 1),
    spread(cost.ratio, 2),
    cost.requestsPerSecond.median.toFixed(0),
    `${cost.errors}`,
    words(feature, cost),
  ];
}

function words(feature: Titled, cost: FeatureCost): string {
  const said = cost.verdict ?? none;
  if (feature.atMost === undefined || cost.holds === undefined) return said;
  const judged = cost.holds === null ? 'inconclusive' : cost.holds ? 'holds' : 'does not hold';
  return `${said}; at most ${feature.atMost}: ${judged}`;
}

/** The section of docs/benchmark.md, between its marks. */
export function featureSection(features: readonly Titled[], report: FeatureReport): string {
  const { machine, samples } = report;
  return `${begin}

## What a feature costs

Written by \`npm run bench -- --features --docs\`; do not edit. ${machineLine(machine)}.

Tulle alone: 32 connections of HTTP/1.1 across nodes, one worker on each, an application that answers at once. Every row
has a Service and routes of its own; all of them go through the same two agents, one after the other, again and again,
with \`one-rule\` between every few. \`µs\` is the CPU time of a request in both agents. A row is compared within its round
with the measurements of the row that it names just before and after it; the range is where the true median lies with
90 % certainty. A feature _costs_ something where the whole range is above what it is compared with; _nothing measurable_
means a range around it that ends within ${(resolution * 100).toFixed(0)} % on both sides, and _inconclusive_ one that ends farther away. Before a row
is measured it is checked that the feature does what it is for. At most ${(machine.foreignCpuShare * 100).toFixed(0)} % of the CPU time of a measurement
went to processes that were not the benchmark's.

${featureTables(features, samples)}

${end}
`;
}

/** The section in a page, with its marks; undefined where it has none. */
export function sectionIn(page: string): string | undefined {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  return from < 0 || to < from ? undefined : `${page.slice(from, to + end.length)}\n`;
}

/** The page with another section, which goes to its end where there was none. */
export function withSection(page: string, section: string): string {
  const old = sectionIn(page);
  return old === undefined ? `${page.trimEnd()}\n\n${section}` : page.replace(old, () => section);
}
