import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CodedError } from '@tulle/core';
import type { BenchCase } from './cases.ts';
import { Lab } from './lab.ts';
import { measure, runLoad } from './measure.ts';
import type { LoadResult, PeerName } from './model.ts';
import type { BenchOptions } from './options.ts';
import { groupSamples, hasPerf, recordPerf } from './perf.ts';
import type { CpuTime } from './processes.ts';
import type { RunTools } from './run.ts';

const hook = join(import.meta.dirname, 'profile-hook.mjs');
const topFunctions = 25;
const writeTimeoutMs = 20_000;

/** The parts of a .cpuprofile that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function and the time that was spent in itself. */
export interface SelfTime {
  readonly label: string;
  readonly micros: number;
}

/** Self times by function, the largest first, waiting left out. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const labels = new Map(
    profile.nodes.map(({ id, callFrame }) => {
      const file = callFrame.url.split('/').slice(-3).join('/');
      const place = file === '' ? '' : `  ${file}:${callFrame.lineNumber + 1}`;
      return [id, `${callFrame.functionName || '(anonymous)'}${place}`];
    }),
  );
  const totals = new Map<string, number>();
  profile.samples.forEach((node, index) => {
    const label = labels.get(node) ?? '(unknown)';
    totals.set(label, (totals.get(label) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  totals.delete('(idle)');
  return [...totals].map(([label, micros]) => ({ label, micros })).sort((a, b) => b.micros - a.micros);
}

/** What a profile is taken with: the tools of a run, and where the files go. */
interface ProfileTools extends RunTools {
  readonly directory: string;
  readonly perf: boolean;
}

/**
 * Says where the CPU time goes under the load of each case, for every peer. With perf on the PATH it samples all the
 * peers' processes by the clock, kernel and compiled JavaScript included. Without it only the agents' workers are
 * profiled, by V8, which can sample a busy process only where it enters the kernel if the kernel does not preempt: its
 * figures show which functions, hardly how much. Prints as it goes; the files are in `directory`.
 */
export async function profilePeers(options: BenchOptions, directory: string, tools: RunTools): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const perf = await hasPerf();
  // What the playground starts inherits these.
  process.env['NODE_OPTIONS'] = perf ? '--perf-basic-prof' : `--import=${pathToFileURL(hook).href}`;
  process.env['TULLE_PROFILE_DIR'] = directory;
  await using lab = await Lab.start({
    peers: options.peers,
    workers: 1,
    sameNode: 'tunnel',
    envoy: tools.envoy,
    log: tools.log,
  });
  const print = (text: string) => process.stdout.write(`${text}\n`);
  for (const bench of options.cases) {
    if (bench.load.kind === 'idle') continue;
    print(`## ${bench.title}`);
    print(await compare(lab, bench, options, tools));
    for (const peer of lab.peers) {
      tools.log(`profile of ${peer}, ${bench.id}`);
      if (perf) print(await perfCase(lab, bench, peer, options, { ...tools, directory, perf }));
      else if (peer === 'tulle') print(await profileCase(lab, bench, options, { ...tools, directory, perf }));
    }
  }
}

async function perfCase(
  lab: Lab,
  bench: BenchCase,
  peer: PeerName,
  options: BenchOptions,
  tools: ProfileTools,
): Promise<string> {
  const hops = lab.hops(peer, bench.placement);
  const parts: string[] = [];
  const seconds = options.seconds + 1;
  for (const hop of ['first', 'second'] as const) {
    if (hops[hop].length === 0) continue;
    const load = runLoad(lab, bench, peer, { seconds, signal: tools.signal });
    await pause(500);
    const samples = await recordPerf(hops[hop], options.seconds, tools.directory);
    const unit = unitOf(await load);
    const micros = ((samples.busySeconds / options.seconds) * 1e6) / unit.perSecond;
    const text = groupSamples(samples.counts, micros, topFunctions);
    writeFileSync(join(tools.directory, `${bench.id}-${peer}-${hop}.txt`), `${text}\n`);
    parts.push(`\n${peer}, ${hop} hop: ${micros.toFixed(1)} µs a ${unit.name} while it was sampled\n${text}`);
  }
  return parts.join('\n');
}

/** What CPU time is counted by: requests, or megabytes where there are none. */
function unitOf(load: LoadResult): { readonly name: string; readonly perSecond: number } {
  if (load.requests !== null) return { name: 'request', perSecond: load.requests / load.seconds };
  return { name: 'megabyte', perSecond: ((load.gigabits ?? 0) * 1e9) / 8 / 1e6 };
}

async function compare(lab: Lab, bench: BenchCase, options: BenchOptions, { signal }: RunTools): Promise<string> {
  const lines: string[] = [];
  for (const peer of lab.peers) {
    await runLoad(lab, bench, peer, { seconds: options.seconds, signal });
    const measured = await measure(lab, bench, peer, { seconds: options.seconds, signal });
    const unit = unitOf(measured.load);
    const each = (micros: number) => (micros / unit.perSecond / measured.load.seconds).toFixed(1);
    const of = (cpu: CpuTime | undefined) =>
      cpu === undefined ? '–' : `${each(cpu.user)} user + ${each(cpu.system)} system`;
    lines.push(
      `${peer.padEnd(10)} first ${of(measured.first)}, second ${of(measured.second)}, machine ${each(measured.machineMicros)} µs a ${unit.name}; ${unit.perSecond.toFixed(0)} ${unit.name}s/s`,
    );
  }
  return lines.join('\n');
}

async function profileCase(lab: Lab, bench: BenchCase, options: BenchOptions, tools: ProfileTools): Promise<string> {
  const nodes = bench.placement === 'across' ? ['n1', 'n2'] : ['n1'];
  const workers = nodes.flatMap((node) => lab.ground.agent(node).workers.map((pid) => ({ node, pid })));
  const written = (pid: number) => join(tools.directory, `worker-${pid}.cpuprofile`);
  for (const { pid } of workers) rmSync(written(pid), { force: true });
  for (const { pid } of workers) process.kill(pid, 'SIGUSR2');
  const load = await runLoad(lab, bench, 'tulle', { seconds: options.seconds, signal: tools.signal });
  for (const { pid } of workers) process.kill(pid, 'SIGUSR2');
  const parts: string[] = [];
  for (const { node, pid } of workers) {
    await fileThere(written(pid));
    const path = join(tools.directory, `${bench.id}-${node}.cpuprofile`);
    renameSync(written(pid), path);
    parts.push(`\n${node} (${path})\n${topText(JSON.parse(readFileSync(path, 'utf8')) as CpuProfile, load.requests)}`);
  }
  return parts.join('\n');
}

/** A profile is a document of some megabytes, written at once. */
async function fileThere(path: string): Promise<void> {
  const deadline = performance.now() + writeTimeoutMs;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new CodedError('NoProfile', `a worker did not write ${path}`);
    await pause(100);
  }
  await pause(200);
}

function topText(profile: CpuProfile, requests: number | null): string {
  const all = selfTimes(profile);
  const busy = all.reduce((sum, each) => sum + each.micros, 0);
  return all
    .slice(0, topFunctions)
    .map(({ label, micros }) => {
      const each = requests === null ? '' : `${(micros / requests).toFixed(2).padStart(7)} µs`;
      return `${((micros / busy) * 100).toFixed(1).padStart(6)} % ${each}  ${label}`;
    })
    .join('\n');
}
