// `npm run bench`: measures Tulle and what a user would pick instead, in one run, at the same work.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CodedError, errorMessage } from '@tulle/core';
import type { JudgedBound } from './bounds.ts';
import { features } from './features/catalogue.ts';
import { costsOf } from './features/costs.ts';
import { measureFeatures } from './features/run.ts';
import { featureSection, featureTables, sectionIn, withSection } from './features/table.ts';
import { installEnvoy, programVersions } from './install.ts';
import { describeMachine } from './machine.ts';
import type { BenchReport, FeatureReport, Machine } from './model.ts';
import { readOptions } from './options.ts';
import type { BenchOptions } from './options.ts';
import { profilePeers } from './profile.ts';
import { svgChart, textChart } from './report/chart.ts';
import { joinReports } from './report/joined.ts';
import { shortTable, withTable } from './report/readme.ts';
import { machineLine, page, tables } from './report/table.ts';
import { runBenchmark } from './run.ts';

const docs = resolve(import.meta.dirname, '../../docs');
const readme = resolve(import.meta.dirname, '../../README.md');

/** Above this share of CPU time in others' hands the figures deserve a warning. */
const noisyShare = 0.1;

async function main(): Promise<number> {
  const options = readOptions(process.argv);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new CodedError('Interrupted', `ended by ${signal}`)));
  }
  const started = performance.now();
  const log = (line: string) => {
    process.stderr.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${line}\n`);
  };
  if (options.features !== undefined) return runFeatures(options, { signal: interrupted.signal, log });
  if (options.from !== undefined) {
    const { report, judged } = joinReports(options.from);
    write(options, report, judged, []);
    return report.bounds.every((bound) => bound.holds === true) ? 0 : 1;
  }
  const wantsEnvoy = options.peers.some((peer) => peer.startsWith('envoy'));
  const envoy = wantsEnvoy ? await installEnvoy(log) : '';
  const tools = { envoy, signal: interrupted.signal, log };
  if (options.profile !== undefined) {
    await profilePeers(options, resolve(options.profile), tools);
    return 0;
  }
  const startedAt = new Date().toISOString();
  const versions = await programVersions(wantsEnvoy ? envoy : undefined);
  const result = await runBenchmark(options, tools);
  const { rounds, seconds } = options;
  const machine = describeMachine({ versions, startedAt, rounds, seconds, foreignCpuShare: result.foreignCpuShare });
  const bounds = result.bounds.map(({ case: id, bound, value, holds }) => ({ case: id, bound, value, holds }));
  write(options, { machine, rows: result.rows, bounds }, result.bounds, result.notes);
  return bounds.every((bound) => bound.holds === true) ? 0 : 1;
}

async function runFeatures(
  options: BenchOptions,
  tools: { readonly signal: AbortSignal; readonly log: (line: string) => void },
): Promise<number> {
  const startedAt = new Date().toISOString();
  const versions = await programVersions(undefined);
  const { rounds, seconds } = options;
  const ids = options.features === true ? features.map((feature) => feature.id) : (options.features ?? []);
  const { samples, foreignCpuShare } = await measureFeatures({ ids, rounds, seconds, ...tools });
  const machine = describeMachine({ versions, startedAt, rounds, seconds, foreignCpuShare });
  const costs = costsOf(features, samples);
  const report: FeatureReport = { machine, samples, costs };
  writeJson(options, { machine, rows: [], bounds: [], features: report });
  if (options.docs === true) {
    const path = join(docs, 'benchmark.md');
    writeFileSync(path, withSection(readFileSync(path, 'utf8'), featureSection(features, report)));
  }
  process.stdout.write(`${machineLine(machine)}\n\n${featureTables(features, samples)}\n`);
  warnOfOthers(machine);
  return costs.every((cost) => cost.holds !== false && cost.holds !== null) ? 0 : 1;
}

function writeJson(options: BenchOptions, report: BenchReport): void {
  if (options.json === undefined) return;
  mkdirSync(dirname(resolve(options.json)), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
}

function warnOfOthers(machine: Machine): void {
  if (machine.foreignCpuShare <= noisyShare) return;
  const percent = (machine.foreignCpuShare * 100).toFixed(0);
  process.stderr.write(`In one measurement ${percent} % of the CPU time went to other processes of this machine.\n`);
}

/** The section about features that a page shall have: of this report, or what the page before had. */
function featuresOf(report: BenchReport, path: string): string | undefined {
  if (report.features !== undefined) return featureSection(features, report.features);
  return existsSync(path) ? sectionIn(readFileSync(path, 'utf8')) : undefined;
}

function write(
  options: BenchOptions,
  report: BenchReport,
  judged: readonly JudgedBound[],
  notes: readonly string[],
): void {
  const { machine, rows } = report;
  writeJson(options, report);
  if (options.docs === true) {
    const path = join(docs, 'benchmark.md');
    const section = featuresOf(report, path);
    const written = page(machine, rows, judged, notes);
    writeFileSync(path, section === undefined ? written : withSection(written, section));
    writeFileSync(join(docs, 'benchmark.svg'), svgChart(rows));
    writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), shortTable(rows)));
  }
  const parts = [machineLine(machine), tables(rows, judged), textChart(rows), notes.join('\n')];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
  warnOfOthers(machine);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${errorMessage(error)}\n`);
  if (error instanceof CodedError && error.hint !== undefined) process.stderr.write(`  Try: ${error.hint}\n`);
  process.exitCode = 1;
}
