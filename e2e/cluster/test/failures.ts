// Breaks one part of a cluster at a time and looks at what is said: which part it was, its last lines, what to do, and
// that nothing is left behind. `node e2e/cluster/test/failures.ts`; it makes clusters of its own. Takes about a minute.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheDirectory } from '@tulle/images';
import { findMachines } from '../src/machine.ts';
import { addresses } from '../src/settings.ts';
import { waitFor } from '../src/wait.ts';
import { changesBetween, takeHostSnapshot } from './host-snapshot.ts';
import { Proof } from './proof.ts';

const name = 'failures';
const main = join(import.meta.dirname, '../src/main.ts');
const commandTimeoutMs = 300_000;

interface Failure {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** Runs a command of the cluster, in a world that is broken by `before`, words that precede it, and by variables. */
async function cluster(
  command: readonly string[],
  world: {
    readonly before?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<Failure> {
  const [verb = '', ...rest] = command;
  const argv = [...(world.before ?? []), process.execPath, main, verb, '--name', name, ...rest];
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...world.environment },
    timeout: commandTimeoutMs,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  await once(child, 'close');
  return { status: child.exitCode, lines };
}

/** What was printed has all of these, and the command failed with status 1. */
function says({ status, lines }: Failure, expected: readonly RegExp[]): string {
  const text = lines.join('\n');
  if (status !== 1) throw new Error(`exit status ${status}:\n${text}`);
  for (const each of expected) if (!each.test(text)) throw new Error(`${each} is not in:\n${text}`);
  const at = lines.findIndex((line) => expected[0]?.test(line) === true);
  return `\n        ${lines.slice(at, at + 4).join('\n        ')}\n     `;
}

/** A folder with programs that stand before the machine's own on the PATH. */
async function programs(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(temporary, 'bin-'));
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(directory, file), `#!/bin/sh\n${text}\n`);
    await chmod(join(directory, file), 0o755);
  }
  return `${directory}:${process.env['PATH'] ?? ''}`;
}

/** A cache that has what the machine's has, but for `without`. */
async function cacheWithout(...without: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(temporary, 'cache-'));
  for (const folder of ['binaries', 'images', 'layers', 'go']) {
    await mkdir(join(directory, folder), { recursive: true });
    const own = join(cacheDirectory(), folder);
    for (const entry of await readdir(own).catch(() => [])) {
      if (without.some((each) => `${folder}/${entry}`.startsWith(each))) continue;
      await symlink(join(own, entry), join(directory, folder, entry));
    }
  }
  return directory;
}

/** Takes the API server's port as soon as there is a control machine, for as long as that lives. */
async function takePort(): Promise<void> {
  const control = await waitFor(
    'a control machine',
    () => findMachines({ name }).find((machine) => machine.name === 'control'),
    { timeoutMs: commandTimeoutMs },
  );
  const server = `require('net').createServer().listen(${addresses.apiServerPort}, '0.0.0.0')`;
  spawn('nsenter', [`--target=${control.initPid}`, '--net', '--pid', '--', process.execPath, '-e', server], {
    stdio: 'ignore',
    detached: true,
  }).unref();
}

const temporary = await mkdtemp(join(tmpdir(), 'tulle-failures-'));
const proof = new Proof();
await cluster(['down']);
const before = await takeHostSnapshot(name);

await proof.check('the port of the API server is taken', async () => {
  const [failure] = await Promise.all([cluster(['up', '--bare']), takePort()]);
  return says(failure, [
    /control-apiserver ended with exit status 1\. Its last lines/,
    /address already in use/,
    /the logs are in/,
  ]);
});
await proof.check('the container runtime of a node does not start', async () =>
  says(
    await cluster(['up', '--bare'], {
      environment: { PATH: await programs({ containerd: 'echo "no space left on device" >&2; exit 3' }) },
    }),
    [/n\d-containerd ended with exit status 3\. Its last lines/, /no space left on device/],
  ),
);
await proof.check('the folder of clusters cannot be written to', async () => {
  const readOnly = 'mkdir -p /var/lib/tulle-cluster && mount -t tmpfs -o ro tmpfs /var/lib/tulle-cluster && exec "$@"';
  return says(await cluster(['up', '--bare'], { before: ['unshare', '--mount', 'sh', '-c', readOnly, 'sh'] }), [
    /the folder of clusters, \/var\/lib\/tulle-cluster, cannot be written to/,
    /read-only file system/,
    /Try: df/,
  ]);
});
await proof.check('a part does not compile', async () =>
  says(
    await cluster(['up', '--bare'], {
      environment: {
        TULLE_CACHE: await cacheWithout('binaries/pause-'),
        PATH: await programs({
          go: 'case "$1" in env) echo go1.99.0;; *) echo "main.go:3: undefined: wait" >&2; exit 2;; esac',
        }),
      },
    }),
    [/pause 1 did not build/, /main\.go:3: undefined: wait/],
  ),
);
await proof.check('an image cannot be built, on a cluster that is up', async () => {
  const up = await cluster(['up', '--bare']);
  if (up.status !== 0) throw new Error(up.lines.join('\n'));
  const environment = {
    TULLE_CACHE: await cacheWithout('layers/debian-'),
    PATH: await programs({ mmdebstrap: 'echo "E: Unable to fetch some archives" >&2; exit 25' }),
  };
  return says(await cluster(['images', 'agent'], { environment }), [
    /the image agent could not be built/,
    /E: Unable to fetch some archives/,
  ]);
});
await proof.check('a part that has ended is named by status, with its log', async () => {
  const machine = findMachines({ name }).find((each) => each.name === 'n1');
  spawn('nsenter', [`--target=${machine?.initPid}`, '--pid', '--mount', '--', 'pkill', '-KILL', 'kubelet']);
  let failure = await cluster(['status']);
  for (let look = 0; look < 20 && failure.status === 0; look += 1) failure = await cluster(['status']);
  return says(failure, [/n1-kubelet has ended: .*n1-kubelet\.log/, /is not whole/, /npm run cluster:up/]);
});
await cluster(['down']);
await proof.check('status of a cluster that is not there says how to get one', async () =>
  says(await cluster(['status']), [/is not up/, /npm run cluster:up/]),
);
await proof.check('kubectl without a cluster says so', async () =>
  says(await cluster(['kubectl', 'get', 'pods']), [/there is no running cluster/, /Try: npm run cluster:up/]),
);
await proof.check('nothing is left of any of them', async () => {
  const changes = changesBetween(before, await takeHostSnapshot(name));
  if (changes.length > 0) throw new Error(changes.join('\n'));
  return '';
});
await rm(temporary, { recursive: true, force: true });
proof.finish();
