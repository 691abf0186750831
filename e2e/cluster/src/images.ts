import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  cacheDirectory,
  fingerprint,
  type ImageConfig,
  type LayerEntry,
  platform,
  writeImageArchive,
  writeLayer,
} from '@tulle/images';
import { removeAbandoned } from './abandoned.ts';
import type { Binaries, clusterParts } from './binaries.ts';
import { untrustedCertificate } from './pki.ts';
import type { Progress } from './progress.ts';

/** The names under which the nodes know the images; pods name them the same. */
export const imageReferences = {
  coredns: 'registry.k8s.io/coredns/coredns:v1.15.0',
  /** The conformance suite's workload: its manifests name this version. */
  echo: 'registry.k8s.io/gateway-api/conformance/echo-advanced:v0.1.0',
  pause: 'registry.k8s.io/pause:3.10',
} as const;

interface ImageRecipe {
  readonly reference: string;
  readonly config: ImageConfig;
  entries(): Promise<LayerEntry[]>;
  /** What the content depends on. */
  readonly sources: readonly string[];
}

/**
 * The archives of the images that every node holds before a pod asks for them, each made now if the cache has it not.
 * Nothing is ever pulled: there is no registry to pull from.
 */
export async function ensureImages(
  binaries: Binaries<(typeof clusterParts)[number]>,
  progress: Progress,
): Promise<string[]> {
  const program = (path: string, source: string): LayerEntry => ({ kind: 'file', path, mode: 0o755, source });
  const recipes: Record<keyof typeof imageReferences, ImageRecipe> = {
    pause: {
      reference: imageReferences.pause,
      config: { entrypoint: ['/pause'], user: '65535:65535' },
      sources: [binaries.pause],
      entries: async () => [program('/pause', join(binaries.pause, 'pause'))],
    },
    coredns: {
      reference: imageReferences.coredns,
      config: { entrypoint: ['/coredns'] },
      sources: [binaries.coredns],
      entries: async () => [program('/coredns', join(binaries.coredns, 'coredns'))],
    },
    echo: {
      reference: imageReferences.echo,
      config: { entrypoint: ['/usr/local/bin/server'] },
      sources: [binaries.echo],
      entries: async () => {
        // The server serves TLS, too, with a certificate that it expects in its image.
        const { certificate, key } = await untrustedCertificate('echo', ['abc.example.com', 'echo']);
        return [
          program('/usr/local/bin/server', join(binaries.echo, 'server')),
          program('/usr/local/bin/client', join(binaries.echo, 'client')),
          { kind: 'data', path: '/cert.crt', mode: 0o644, data: certificate },
          { kind: 'data', path: '/cert.key', mode: 0o644, data: key },
          { kind: 'directory', path: '/tmp', mode: 0o1777 },
        ];
      },
    },
  };
  const archives: string[] = [];
  for (const [name, recipe] of Object.entries(recipes)) archives.push(await ensureImage(name, recipe, progress));
  return archives;
}

async function ensureImage(name: string, recipe: ImageRecipe, progress: Progress): Promise<string> {
  const builder = await readFile(import.meta.filename);
  const key = [
    process.arch,
    recipe.reference,
    JSON.stringify(recipe.config),
    ...recipe.sources.map((each) => basename(each)),
  ];
  const directory = join(cacheDirectory(), 'images');
  const file = join(directory, `${name}-${fingerprint([...key, builder])}.tar`);
  if (existsSync(file)) return file;
  await progress.step(`image ${recipe.reference} made`, async () => {
    await mkdir(directory, { recursive: true });
    await removeAbandoned(directory);
    const layerFile = `${file}.${process.pid}.layer.tmp`;
    try {
      const layer = await writeLayer(await recipe.entries(), layerFile);
      await writeImageArchive({
        references: [recipe.reference],
        layers: [layer],
        config: recipe.config,
        platform: platform(),
        file,
      });
    } finally {
      await rm(layerFile, { force: true });
    }
  });
  return file;
}
