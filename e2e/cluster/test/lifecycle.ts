// Proves that a cluster comes up, works, is repaired, survives being killed half-way and leaves nothing behind:
// `node e2e/cluster/test/lifecycle.ts`. It makes a cluster of its own beside any that is up. Takes about two minutes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRunning } from '../src/machine.ts';
import { planCluster, repository } from '../src/settings.ts';
import { readState } from '../src/state.ts';
import { waitFor } from '../src/wait.ts';
import { changesBetween, takeHostSnapshot } from './host-snapshot.ts';
import { Proof } from './proof.ts';

const name = 'lifecycle';
const main = join(import.meta.dirname, '../src/main.ts');
const commandTimeoutMs = 1_200_000;

/** The longest that a warm start may take on two busy cores: what is slower is stuck. */
const warmSeconds = 90;
const slowSeconds = 25;

interface Finished {
  readonly status: number | null;
  readonly lines: readonly string[];
  readonly seconds: number;
}

const proof = new Proof();
const check = proof.check.bind(proof);

/** Runs the official suite's simplest test on the cluster; `onLine` sees each line it prints and may end it. */
async function conformance(onLine: (line: string, child: ChildProcess) => void = () => undefined): Promise<Finished> {
  const program = join(repository, 'e2e/conformance/main.ts');
  const report = join(await mkdtemp(join(tmpdir(), 'tulle-lifecycle-')), 'report.yaml');
  return await finished([program, '--name', name, '--run-test', 'MeshBasic', '--report', report], onLine);
}

/** Runs a command of the cluster; `onLine` sees each line it prints and may end it. */
async function cluster(
  command: readonly string[],
  onLine: (line: string, child: ChildProcess) => void = () => undefined,
): Promise<Finished> {
  const [verb = '', ...rest] = command;
  const bare = verb === 'up' ? ['--bare'] : [];
  return await finished([main, verb, '--name', name, ...bare, ...rest], onLine);
}

async function finished(
  argv: readonly string[],
  onLine: (line: string, child: ChildProcess) => void,
): Promise<Finished> {
  const startMs = performance.now();
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), commandTimeoutMs);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine(line, child);
    });
  }
  await once(child, 'close');
  clearTimeout(timer);
  return { status: child.exitCode, lines, seconds: (performance.now() - startMs) / 1000 };
}

async function succeeds(command: readonly string[]): Promise<Finished> {
  const done = await cluster(command);
  if (done.status !== 0) throw new Error(`${command.join(' ')}: exit status ${done.status}\n${done.lines.join('\n')}`);
  return done;
}

function within({ seconds, lines }: Finished, limitSeconds: number): string {
  if (seconds > limitSeconds) throw new Error(`took ${seconds.toFixed(1)} s, more than ${limitSeconds} s`);
  // A slow one says where the time went.
  return [`${seconds.toFixed(1)} s`, ...(seconds > slowSeconds ? lines : [])].join('\n      ');
}

/** The program that a part's process waits for. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const [child] = children;
  if (child === undefined || child === 0) throw new Error(`process ${pid} has no child`);
  return child;
}

async function leavesNothing(): Promise<string> {
  const changes = changesBetween(before, await takeHostSnapshot(name));
  if (changes.length > 0) throw new Error(`the host is not as it was:\n${changes.join('\n')}`);
  return '';
}

// Binaries and images first, so that what follows is only the cluster.
await succeeds(['down']);
await check(
  'up from nothing, whatever has to be built',
  async () => `${(await succeeds(['up'])).seconds.toFixed(1)} s`,
);
await succeeds(['down']);
const before = await takeHostSnapshot(name);

await check('a warm start', async () => within(await succeeds(['up']), warmSeconds));
await check('pods, Services, names and exec across nodes', async () => within(await succeeds(['selfcheck']), 120));
await check('up again finds it up', async () => within(await succeeds(['up']), 20));
await check('status says that it is up', async () => (await succeeds(['status'])).lines[0] ?? '');
await check('a part that has died is seen by status and repaired by up', async () => {
  const parts = (await readState(planCluster(name, 2)))?.parts ?? [];
  const victim = parts.find((part) => part.name === 'n2-kube-proxy');
  if (victim === undefined) throw new Error('there is no kube-proxy on n2');
  process.kill(childOf(victim.pid), 'SIGKILL');
  await waitFor('the end of kube-proxy is seen', () => !isRunning(victim) || undefined, { timeoutMs: 10_000 });
  const status = await cluster(['status']);
  if (status.status !== 1) throw new Error(`status ended with ${status.status} and said: ${status.lines.join('; ')}`);
  if (!status.lines.some((line) => line.includes('n2-kube-proxy has ended'))) throw new Error(status.lines.join('; '));
  await succeeds(['up']);
  return (await succeeds(['status'])).lines[0] ?? '';
});
await check('down', async () => within(await succeeds(['down']), 30));
await check('down leaves nothing', leavesNothing);
await check('down again has nothing to do', async () => within(await succeeds(['down']), 10));

for (const moment of ['3 machines', 'containerd on n1 ready', 'control plane ready', 'node n1 ready']) {
  await check(`up killed right after "${moment}", then up`, async () => {
    const killed = await cluster(['up'], (line, child) => {
      if (line.includes(moment)) child.kill('SIGKILL');
    });
    if (killed.status !== null) throw new Error(`up was not killed: ${killed.lines.join('\n')}`);
    const again = await succeeds(['up']);
    await succeeds(['selfcheck']);
    return within(again, warmSeconds);
  });
  await succeeds(['down']);
}
await check('nothing is left of the killed runs', leavesNothing);
await check('the official suite, killed while it runs, then once more on what it left', async () => {
  const killed = await conformance((line, child) => {
    if (line.includes('the official suite runs')) child.kill('SIGKILL');
  });
  if (killed.status !== null) throw new Error(`it was not killed: ${killed.lines.join('\n')}`);
  const again = await conformance();
  if (again.status !== 0) throw new Error(again.lines.slice(-15).join('\n'));
  return again.lines.at(-1) ?? '';
});
await succeeds(['down']);
await check('nothing is left of the mesh and the suite either', leavesNothing);
await check('an interrupted up takes itself down', async () => {
  const ended = await cluster(['up'], (line, child) => {
    if (line.includes('control plane ready')) child.kill('SIGTERM');
  });
  if (ended.status !== 130) throw new Error(`exit status ${ended.status}`);
  await succeeds(['down']);
  return await leavesNothing();
});
await check('a cluster of one node', async () => {
  const up = await succeeds(['up', '--nodes', '1']);
  await succeeds(['selfcheck']);
  return within(up, warmSeconds);
});
await succeeds(['down']);
await check('nothing is left at the end', leavesNothing);

proof.finish();
