import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { errorMessage } from '@tulle/core';
import type { ObjectDecoder } from '@tulle/gateway-api';
import { readManifestFile, type ManifestObject, type ManifestProblem } from '@tulle/manifests';
import { UsageError } from '../cli-error.ts';
import { objectName } from './object-name.ts';

/** The manifests that are analyzed. */
export interface ManifestSet {
  readonly files: number;
  /** Each object once, by `Kind namespace/name`. */
  readonly objects: ReadonlyMap<string, ManifestObject>;
  readonly problems: readonly ManifestProblem[];
  /** The text of each file, by its name. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Which channel of the Gateway API manifests are for. */
export type Channel = 'standard' | 'experimental';

/** What is decoded with, for each channel; the schemas of the standard one are loaded only when they are asked for. */
async function decoderOf(channel: Channel): Promise<ObjectDecoder | undefined> {
  if (channel === 'experimental') return undefined;
  const { standardDecoder } = await import('@tulle/gateway-api/standard');
  return standardDecoder();
}

const manifestName = /^[^.].*\.(yaml|yml|json)$/;
const maxFiles = 5_000;

/** Reads files, and the manifests in directories and those below them. Throws a {@link UsageError} for what is not there. */
export async function readManifestSet(
  paths: readonly string[],
  channel: Channel = 'experimental',
): Promise<ManifestSet> {
  const decoder = await decoderOf(channel);
  const files = new Set<string>();
  for (const path of paths) for (const file of await filesOf(path)) files.add(file);
  if (files.size > maxFiles) throw new UsageError(`more than ${maxFiles} files`, 'name a smaller directory');
  const objects = new Map<string, ManifestObject>();
  const problems: ManifestProblem[] = [];
  const texts = new Map<string, string>();
  for (const file of [...files].sort()) {
    const text = await readText(file);
    const reading = readManifestFile(file, text, decoder === undefined ? {} : { decoder });
    texts.set(file, text);
    problems.push(...reading.problems);
    for (const one of reading.objects) {
      const { kind, metadata } = one.object;
      const name = objectName({ ...metadata, kind });
      const first = objects.get(name);
      if (first === undefined) objects.set(name, one);
      else {
        const message = `is already defined at ${first.file}:${first.line}`;
        problems.push({ severity: 'error', file, line: one.line, object: name, message });
      }
    }
  }
  return { files: files.size, objects, problems, texts };
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path, { recursive: true, withFileTypes: true });
    return names
      .filter((entry) => entry.isFile() && manifestName.test(entry.name) && !isOfPackages(entry.parentPath))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (thrown) {
    throw new UsageError(`"${path}" cannot be read: ${errorMessage(thrown)}`);
  }
}

/** Whether a directory is one of installed packages, whose JSON files are no manifests. */
function isOfPackages(directory: string): boolean {
  return directory.split(sep).includes('node_modules');
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new UsageError(`"${file}" cannot be read: ${errorMessage(thrown)}`);
  }
}
