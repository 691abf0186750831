import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { entriesOfDirectory, type LayerEntry } from './layer.ts';
import { runCommand } from './run-command.ts';

/** Where our code is in an image. */
export const applicationRoot = '/opt/tulle';

const installTimeoutMs = 300_000;
const pnpm = 'pnpm@12.21.0';

/** What of the libraries no program reads: types, maps, documents, and what the package manager wrote for itself. */
const unwanted = [
  /(^|\/)(\.bin|\.modules\.yaml|\.pnpm-workspace-state[^/]*|@types)(\/|$)/,
  /\.(d\.[cm]?ts|map|md|markdown|tsbuildinfo)$/,
  /^node_modules\/(?!\.pnpm(\/|$))/,
  /^node_modules\/\.pnpm\/(lock\.yaml|@types\+[^/]*)$/,
  // Node itself is a layer of its own.
  /^node_modules\/\.pnpm\/node-linux-[^/]*$/,
];

function isUnwanted(path: string): boolean {
  return unwanted.some((pattern) => pattern.test(path));
}

/**
 * The code of one of our programs as entries of an image: its package and those of ours it needs in the workspace's own
 * layout (Node strips types only outside of node_modules), and the libraries that they need in production.
 *
 * @param repository the root of the workspace
 * @param name the package of the program, as `@tulle/agent`
 * @param use takes the entries; the files they name are gone when it has ended
 */
export async function withApplication<T>(
  repository: string,
  name: string,
  use: (entries: readonly LayerEntry[]) => Promise<T>,
): Promise<T> {
  const staging = await mkdtemp(join(tmpdir(), 'tulle-application-'));
  try {
    const workspace = await workspacePackages(repository);
    // The lock file names every package of the workspace, so each has to be there, if only by its manifest.
    for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
      await cp(join(repository, file), join(staging, file));
    }
    for (const { directory } of workspace.values()) {
      await mkdir(join(staging, directory), { recursive: true });
      await cp(join(repository, directory, 'package.json'), join(staging, directory, 'package.json'));
    }
    const install = ['install', '--prod', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'];
    await runCommand(['npx', '--yes', pnpm, '--filter', `${name}...`, ...install], {
      cwd: staging,
      timeoutMs: installTimeoutMs,
      environment: { CI: 'true' },
    });
    const needed = closure(workspace, name);
    const directories = needed.map(({ directory }) => directory);
    for (const directory of directories) {
      for (const entry of await readdir(join(repository, directory), { withFileTypes: true })) {
        if (!isShipped(entry.name)) continue;
        await cp(join(repository, directory, entry.name), join(staging, directory, entry.name), { recursive: true });
      }
    }
    const wanted = (path: string): boolean =>
      path.startsWith('node_modules') ||
      directories.some((directory) => `${path}/`.startsWith(`${directory}/`) || `${directory}/`.startsWith(`${path}/`));
    const entries = await entriesOfDirectory(
      staging,
      applicationRoot,
      (path) => !wanted(path) || isUnwanted(path) || isTest(path),
    );
    return await use(entries.filter((entry) => !dangles(entry, staging)));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface WorkspacePackage {
  readonly directory: string;
  readonly dependencies: readonly string[];
}

/** The packages of the workspace that are programs or libraries of ours, by name. */
async function workspacePackages(repository: string): Promise<Map<string, WorkspacePackage>> {
  const found = new Map<string, WorkspacePackage>();
  const libraries = (await readdir(join(repository, 'packages'))).map((name) => `packages/${name}`);
  for (const directory of [...libraries, 'agent', 'ca', 'mesh-controller', 'deploy/images', 'e2e']) {
    const file = join(repository, directory, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(await readFile(file, 'utf8')) as {
      name: string;
      dependencies?: Record<string, string>;
    };
    const dependencies = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@tulle/'));
    found.set(manifest.name, { directory, dependencies });
  }
  return found;
}

function closure(workspace: ReadonlyMap<string, WorkspacePackage>, name: string): WorkspacePackage[] {
  const seen = new Map<string, WorkspacePackage>();
  const visit = (each: string): void => {
    const found = workspace.get(each);
    if (found === undefined) throw new Error(`the workspace has no package ${each}`);
    if (seen.has(each)) return;
    seen.set(each, found);
    for (const dependency of found.dependencies) visit(dependency);
  };
  visit(name);
  return [...seen.values()];
}

/** The folders of a package that are needed to run it: all but its tests and what a package manager made. */
function isShipped(name: string): boolean {
  return !['node_modules', 'test', 'tests', 'testdata', 'golden', 'corpus', 'bench', 'out', 'README.md'].includes(name);
}

function isTest(path: string): boolean {
  return !path.includes('node_modules') && (path.endsWith('.test.ts') || basename(path) === 'testdata');
}

/** A link to what was left out, as to the types of a library. */
function dangles(entry: LayerEntry, staging: string): boolean {
  if (entry.kind !== 'symlink') return false;
  const at = join(staging, relative(applicationRoot, entry.path));
  const target = join(dirname(at), entry.target);
  return !existsSync(target) || isUnwanted(relative(staging, target));
}
