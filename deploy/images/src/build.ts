import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withApplication } from './application.ts';
import { type ImageDigest, type Platform, writeImageArchive } from './archive.ts';
import { cachedLayer } from './cached-layer.ts';
import { debianLayer } from './debian-layer.ts';
import { type Layer, writeLayer } from './layer.ts';
import { imageRecipes, type ImageName, type ImageRecipe, nodePackages } from './recipes.ts';

/** An image that was built. */
export interface BuiltImage {
  readonly name: ImageName;
  /** What a pod names it by. */
  readonly reference: string;
  readonly digest: ImageDigest;
  readonly file: string;
  readonly sizeBytes: number;
}

export interface BuildOptions {
  /** The root of the workspace; its set-up has run. */
  readonly repository: string;
  /** Where the archives are written: `NAME.tar`. */
  readonly output: string;
  /** Takes the newest versions of the Debian packages instead of those in the cache. */
  readonly refresh?: boolean;
}

/**
 * Builds an image of ours as an archive, without a daemon: a layer of Debian packages and one of Node, both cached for
 * the machine, and one of our code and its libraries. The same sources and packages give the same bytes.
 */
export async function buildImage(name: ImageName, options: BuildOptions): Promise<BuiltImage> {
  const recipe: ImageRecipe = imageRecipes[name];
  await mkdir(options.output, { recursive: true });
  const packages = [...nodePackages, ...recipe.debianPackages].sort();
  const debian = await debianLayer(packages, recipe.links, options.refresh ?? false);
  const runtime = await nodeLayer(options.repository);
  const codeFile = join(options.output, `${name}.${process.pid}.layer.tmp`);
  try {
    const code = await withApplication(
      options.repository,
      recipe.package,
      async (entries) => await writeLayer(entries, codeFile),
    );
    const layers = [debian, runtime, code];
    const reference = `${recipe.repository}:${await versionOf(options.repository)}`;
    const file = join(options.output, `${name}.tar`);
    const digest = await writeImageArchive({
      references: [reference],
      layers,
      config: recipe.config,
      platform: platform(),
      file,
    });
    return { name, reference, digest, file, sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  } finally {
    await rm(codeFile, { force: true });
  }
}

/** This machine's platform, as images name it: they are built for the kind of machine that builds them. */
export function platform(): Platform {
  return process.arch === 'arm64' ? 'arm64' : 'amd64';
}

/** The workspace's own Node binary: the version that everything is tested with. */
async function nodeLayer(repository: string): Promise<Layer> {
  const folder = join(repository, 'node_modules', `node-linux-${process.arch}`);
  const source = join(folder, 'bin/node');
  if (!existsSync(source)) throw new Error(`there is no Node in ${folder}\nThe set-up brings it: npm run setup`);
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return await cachedLayer('node', [version, process.arch], false, async (write) =>
    write([
      { kind: 'file', path: '/usr/local/bin/node', mode: 0o755, source },
      { kind: 'file', path: '/usr/local/share/doc/node/LICENSE', mode: 0o644, source: join(folder, 'LICENSE') },
    ]),
  );
}

async function versionOf(repository: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
