import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import type { Layer } from './layer.ts';

/** What a container of the image runs, and with what: the fields of the OCI image configuration that we use. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The platform's name as the OCI image specification spells it. */
export type Platform = 'amd64' | 'arm64';

/** The digest of an image's manifest: what a registry and a container runtime would name it by. */
export type ImageDigest = string;

const mediaTypes = {
  config: 'application/vnd.oci.image.config.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
} as const;

/**
 * Writes an image as one tar that is an OCI image layout and, beside it, what `docker load` reads. `references` are
 * the names it is imported under (`docker.io/tulle/agent:0.1.0`). The same layers and configuration give the same
 * bytes. The file appears under its name only when it is whole.
 */
export async function writeImageArchive(image: {
  references: readonly string[];
  layers: readonly Layer[];
  config: ImageConfig;
  platform: Platform;
  file: string;
}): Promise<ImageDigest> {
  const config = blob(configuration(image.config, image.layers, image.platform));
  const manifest = blob({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: config.digest, size: config.bytes.length },
    layers: image.layers.map(({ digest, sizeBytes }) => ({ mediaType: mediaTypes.layer, digest, size: sizeBytes })),
  });
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: image.references.map((reference) => ({
      mediaType: mediaTypes.manifest,
      digest: manifest.digest,
      size: manifest.bytes.length,
      platform: { architecture: image.platform, os: 'linux' },
      annotations: { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tagOf(reference) },
    })),
  };
  const docker = [
    {
      Config: blobPath(config.digest),
      RepoTags: image.references,
      Layers: image.layers.map(({ digest }) => blobPath(digest)),
    },
  ];

  const tar = pack();
  const partial = `${image.file}.${process.pid}.tmp`;
  const written = pipeline(tar, createWriteStream(partial));
  const filled = (async () => {
    await add(tar, 'oci-layout', encode({ imageLayoutVersion: '1.0.0' }));
    await add(tar, 'index.json', encode(index));
    await add(tar, 'manifest.json', encode(docker));
    await add(tar, blobPath(config.digest), config.bytes);
    await add(tar, blobPath(manifest.digest), manifest.bytes);
    for (const layer of new Map(image.layers.map((each) => [each.digest, each])).values()) {
      const sink = tar.entry({ ...header(blobPath(layer.digest)), size: layer.sizeBytes });
      await pipeline(createReadStream(layer.file), sink);
    }
    tar.finalize();
  })().catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  await Promise.all([written, filled]);
  await rename(partial, image.file);
  return manifest.digest;
}

function configuration(config: ImageConfig, layers: readonly Layer[], platform: Platform): object {
  return {
    created: new Date(0).toISOString(),
    architecture: platform,
    os: 'linux',
    config: {
      ...(config.user === undefined ? {} : { User: config.user }),
      Env: Object.entries({
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        ...config.environment,
      }).map(([name, value]) => `${name}=${value}`),
      Entrypoint: config.entrypoint,
      WorkingDir: config.workingDirectory ?? '/',
      ...(config.labels === undefined ? {} : { Labels: config.labels }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: new Date(0).toISOString() })),
  };
}

async function add(tar: Pack, name: string, data: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    tar.entry({ ...header(name), size: data.length }, data, (error) => (error ? reject(error) : resolve()));
  });
}

function header(name: string): { name: string; mode: number; mtime: Date; uid: number; gid: number } {
  return { name, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 };
}

function encode(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function blob(value: object): { bytes: Buffer; digest: string } {
  const bytes = encode(value);
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function tagOf(reference: string): string {
  return reference.slice(reference.lastIndexOf(':') + 1);
}
