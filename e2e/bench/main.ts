// `npm run bench`: measures Tulle and what a user would pick instead, in one run, at the same work.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CodedError, errorMessage } from '@tulle/core';
import type { JudgedBound } from './bounds.ts';
import { installEnvoy, programVersions } from './install.ts';
import { describeMachine } from './machine.ts';
import type { BenchReport } from './model.ts';
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

function write(
  options: BenchOptions,
  report: BenchReport,
  judged: readonly JudgedBound[],
  notes: readonly string[],
): void {
  const { machine, rows } = report;
  if (options.json !== undefined) {
    mkdirSync(dirname(resolve(options.json)), { recursive: true });
    writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  }
  if (options.docs === true) {
    writeFileSync(join(docs, 'benchmark.md'), page(machine, rows, judged, notes));
    writeFileSync(join(docs, 'benchmark.svg'), svgChart(rows));
    writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), shortTable(rows)));
  }
  const parts = [machineLine(machine), tables(rows, judged), textChart(rows), notes.join('\n')];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
  if (machine.foreignCpuShare > noisyShare) {
    const percent = (machine.foreignCpuShare * 100).toFixed(0);
    process.stderr.write(`In one measurement ${percent} % of the CPU time went to other processes of this machine.\n`);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${errorMessage(error)}\n`);
  if (error instanceof CodedError && error.hint !== undefined) process.stderr.write(`  Try: ${error.hint}\n`);
  process.exitCode = 1;
}
